import { expiryMs } from '../../policy/server-compare.ts';
import type { SsoBlock } from '../../policy/server-sso.ts';
import { argoVersion } from '../../policy/server-version.ts';
import { engineError } from '../../policy/short.ts';
import { span } from '../live/time.ts';
import { isLoginShown } from './checks-client.ts';
import { type Check, fail, type Outcome, orPass, pass, unknown, warn } from './finding.ts';
import { type DoctorSnapshot, orUndefined, seenClient } from './snapshot.ts';

function nameOf({ namespace, configMapName }: DoctorSnapshot): string {
  return `ConfigMap ${namespace}/${configMapName}`;
}

/** Argo's settings are where Argo Server looks for them. */
function configMap(snapshot: DoctorSnapshot): readonly Outcome[] {
  const name = nameOf(snapshot);
  const { configMap: seen, flags, configMapName } = snapshot;
  if ('unknown' in seen) return [unknown(name, seen.unknown)];
  if (seen.known === undefined) {
    return [
      fail(
        name,
        `${name} with Argo's settings does not exist`,
        "install Argo Workflows with it, or name Argo's ConfigMap by --config-map (of argo-helm it is RELEASE-argo-workflows-workflow-controller-configmap)",
      ),
    ];
  }
  if (flags?.configMap === undefined || flags.configMap === configMapName) return [pass(name, 'is there')];
  return [
    fail(
      name,
      `Argo Server reads ConfigMap ${flags.configMap} (--configmap), and not ${configMapName}`,
      `leave --config-map out, to look at the one that it reads; or give Argo Server --configmap=${configMapName}`,
    ),
  ];
}

/** Argo stops at settings that it cannot read, and at a key that it does not know (argo-workflows, config/controller.go). */
function readable(snapshot: DoctorSnapshot): readonly Outcome[] {
  const { reading } = snapshot;
  if (reading === undefined) return [];
  const name = nameOf(snapshot);
  if (reading.form === 'mixed') {
    return [
      fail(
        name,
        `${name} has the key config beside ${reading.others.join(', ')}, and Argo does not start with that`,
        'move all of it into config, or each section of config into a key of its own',
      ),
    ];
  }
  const { sso, form } = reading;
  const place = form === 'config' ? 'sso in the key config' : 'the key sso';
  if (sso.state === 'broken') {
    return [
      fail(
        name,
        `${name} cannot be read (${engineError(sso.message)}), and Argo does not start with that`,
        `mend ${place}: it is YAML with the fields of Argo's docs/argo-server-sso.md`,
      ),
    ];
  }
  if (sso.state === 'absent' || sso.unknown.length === 0) return [pass(name, 'Argo can read it')];
  return [
    fail(
      name,
      `${name} has in ${place} what this Argo does not know, and does not start with: ${sso.unknown.join(', ')}`,
      sso.unknown.includes('rootCA')
        ? 'take it out: rootCA is known since Argo 4.0; mount the certificates, and name their folder by SSL_CERT_DIR'
        : 'take it out, or correct its name',
    ),
  ];
}

const NEEDED = ['issuer', 'clientId', 'clientSecret'] as const;

function isSaid(block: SsoBlock, field: (typeof NEEDED)[number]): boolean {
  const value = block[field];
  return typeof value === 'object'
    ? (value.name ?? '') !== '' && (value.key ?? '') !== ''
    : (value ?? '') !== '';
}

/** Without a block `sso`, or without these in it, there is no login. */
function block(snapshot: DoctorSnapshot): readonly Outcome[] {
  const { reading, block: found } = snapshot;
  if (reading === undefined || reading.form === 'mixed' || reading.sso.state === 'broken') return [];
  const name = nameOf(snapshot);
  if (found === undefined) {
    return [
      fail(
        name,
        `${name} has no settings for single sign-on`,
        'write the section sso (with argo-helm: server.sso, with enabled: true); docs/install-argo.md shows one',
      ),
    ];
  }
  const missing = NEEDED.filter(field => !isSaid(found, field));
  if (missing.length === 0) return [pass(name, 'names issuer, clientId and clientSecret')];
  const list = missing.map(field => (field === 'issuer' ? 'sso.issuer' : `sso.${field}.name and .key`));
  return [
    fail(
      name,
      `${name} does not say ${list.join(', ')}, without which Argo Server does not start`,
      'issuer is the address of the realm, as in https://keycloak.example.com/realms/platform; clientId and clientSecret each name a Secret and a key in it',
    ),
  ];
}

/** Without `rbac` Argo Server does everything for everybody with its own rights. */
function rbac(snapshot: DoctorSnapshot): readonly Outcome[] {
  const { block: found } = snapshot;
  if (found === undefined) return [];
  const name = nameOf(snapshot);
  if (found.rbac?.enabled === true) return [pass(name, 'sso.rbac.enabled is true')];
  return [
    fail(
      name,
      `${name}: sso.rbac.enabled is not true, so everybody who signs in acts with the rights of Argo Server itself, and no rule counts`,
      'set sso.rbac.enabled to true, at once',
    ),
  ];
}

/** Path of the callback below the base href (argo-workflows, server/auth/sso/sso.go). */
const CALLBACK = 'oauth2/callback';

/** Keycloak leads back to this address, and only there Argo Server listens. */
function redirectUrl(snapshot: DoctorSnapshot): readonly Outcome[] {
  const { block: found, baseHref } = snapshot;
  if (found === undefined) return [];
  const name = nameOf(snapshot);
  const url = found.redirectUrl ?? '';
  const path = `${baseHref ?? '/'}${CALLBACK}`;
  if (url === '') {
    return [
      warn(
        name,
        `${name}: sso.redirectUrl is not set, so Argo Server makes it of what a proxy forwards, or leaves out`,
        `set it to Argo's public address with ${path} behind it`,
      ),
    ];
  }
  const parsed = URL.parse(url);
  const isRight =
    baseHref === undefined ? parsed?.pathname.endsWith(`/${CALLBACK}`) : parsed?.pathname === path;
  if (isRight === true) return [pass(name, `sso.redirectUrl ends with ${path}`)];
  return [
    fail(
      name,
      `${name}: sso.redirectUrl is ${url}, where Argo Server does not listen: it does at ${path}`,
      parsed === null
        ? `set it to Argo's public address with ${path} behind it`
        : `set it to ${parsed.origin}${path}, or correct --base-href of Argo Server`,
    ),
  ];
}

/** Names of the scopes that the client is known to have. */
function scopesOfClient(snapshot: DoctorSnapshot): readonly string[] {
  const scopes = orUndefined(seenClient(snapshot)?.sight.scopes ?? { unknown: '' });
  return [...(scopes?.byDefault ?? []), ...(scopes?.optional ?? [])].map(({ name }) => name);
}

/** Keycloak refuses every login that asks for a scope that it does not have. */
function scopes(snapshot: DoctorSnapshot): readonly Outcome[] {
  const { block: found, issuer } = snapshot;
  if (found === undefined) return [];
  const name = nameOf(snapshot);
  const asked = (found.scopes ?? []).filter(scope => scope !== 'openid');
  if (asked.length === 0) return [pass(name, 'asks for no scope, and needs none')];
  const listed = orUndefined(issuer)?.scopes;
  if (listed === undefined) {
    return [
      unknown(name, `whether Keycloak has the scopes ${asked.join(', ')} of sso.scopes cannot be told`),
    ];
  }
  // Keycloak can leave a scope out of its discovery document.
  const has = [...listed, ...scopesOfClient(snapshot)];
  const missing = isLoginShown(snapshot) ? [] : asked.filter(scope => !has.includes(scope));
  if (missing.length === 0) return [pass(name, `the realm has the scopes ${asked.join(', ')}`)];
  return [
    fail(
      name,
      `${name}: sso.scopes asks for ${missing.join(', ')}, which the realm does not have, so that each login ends with invalid_scope`,
      'take it out of sso.scopes: a mapper on the client itself needs no scope; or make a client scope of that name and give it to the client',
    ),
  ];
}

/** Sessions whose groups stay as they were for longer are told, in milliseconds. */
const LONG_MS = 24 * 3_600_000;

/** Groups stay in the session as they were at the login (argo-workflows, server/auth/types/claims.go). */
function sessionExpiry(snapshot: DoctorSnapshot): readonly Outcome[] {
  const { block: found } = snapshot;
  if (found === undefined) return [];
  const name = nameOf(snapshot);
  const ms = expiryMs(found.sessionExpiry);
  if (ms === undefined) return [unknown(name, `${name}: sso.sessionExpiry is ${found.sessionExpiry}`)];
  if (ms <= LONG_MS) return [pass(name, `sessions end after ${span(ms)}`)];
  return [
    warn(
      name,
      `${name}: with sso.sessionExpiry ${found.sessionExpiry}, whoever is taken out of a group in Keycloak keeps what it gave for up to ${span(ms)}`,
      'set it to a working day, such as 8h; `argo-access lockout` ends sessions before, where a policy names the Argo Server',
    ),
  ];
}

/** Argo Server stops at an expression that does not compile; a group that none lets through reaches no rule. */
function groupFilter(snapshot: DoctorSnapshot): readonly Outcome[] {
  const { block: found, groupFilter: verdict } = snapshot;
  if (found === undefined) return [];
  const name = nameOf(snapshot);
  if ((found.filterGroupsRegex ?? []).length === 0) {
    return [pass(name, 'all groups of a user come into the cookie')];
  }
  if ('unknown' in verdict) return [unknown(name, verdict.unknown)];
  const { invalid, dropped } = verdict.known;
  const outcomes = [
    ...invalid.map(({ regex, message }) =>
      fail(
        name,
        `${name}: Argo Server does not start with ${JSON.stringify(regex)} in sso.filterGroupsRegex (${message})`,
        'correct it (RE2, as in Go)',
      ),
    ),
    ...(dropped.length === 0
      ? []
      : [
          fail(
            name,
            `${name}: sso.filterGroupsRegex drops ${dropped.join(', ')}, which rules are for, so that nobody gets in by it`,
            'add an expression that matches it; they match anywhere in the name, unless they say ^ and $',
          ),
        ]),
  ];
  return orPass(outcomes, name, 'the group filter lets through what rules are for');
}

/** Whether the image tells Argo's version, or a policy of this Argo Server does. */
function isVersionTold({ version, deployment, deploymentName, policies }: DoctorSnapshot): boolean {
  const own = (orUndefined(policies) ?? []).filter(({ spec }) => spec.server?.deployment === deploymentName);
  return version !== undefined || own.some(each => argoVersion(orUndefined(deployment), each) !== undefined);
}

/** Whether Argo Server runs with the settings as they are: it knows all that stands in them. */
function hasStartedWithSettings({ deployment, configMap }: DoctorSnapshot): boolean {
  const { rollout, startedAt = 0 } = orUndefined(deployment) ?? {};
  const { changedAt = Number.POSITIVE_INFINITY } = orUndefined(configMap) ?? {};
  return rollout?.progress === 'complete' && changedAt < startedAt;
}

/** With `insecureSkipVerify` whoever is in the way can sign in as anybody. */
function tls(snapshot: DoctorSnapshot): readonly Outcome[] {
  const { block: found } = snapshot;
  if (found === undefined) return [];
  const name = nameOf(snapshot);
  const outcomes: Outcome[] = [];
  if (found.insecureSkipVerify === true) {
    outcomes.push(
      warn(
        name,
        `${name}: with sso.insecureSkipVerify Argo Server believes whoever answers in Keycloak's place`,
        "take it out, and let Argo Server trust Keycloak's certificate (sso.rootCA, since Argo 4.0; or SSL_CERT_DIR)",
      ),
    );
  }
  if (found.rootCA !== undefined && !isVersionTold(snapshot) && !hasStartedWithSettings(snapshot)) {
    outcomes.push(
      warn(
        name,
        `${name}: sso.rootCA is set, and Argo Server's version is not known from its image: one before 4.0 does not start with it`,
        'see that it is 4.0 or newer',
      ),
    );
  }
  return orPass(outcomes, name, 'certificates are verified');
}

/** Argo's settings. */
export const SETTINGS_CHECKS: readonly Check[] = [
  { id: 'config-map', subject: 'settings', judge: configMap },
  { id: 'readable', subject: 'settings', judge: readable },
  { id: 'sso', subject: 'settings', judge: block },
  { id: 'rbac', subject: 'settings', judge: rbac },
  { id: 'redirect-url', subject: 'settings', judge: redirectUrl },
  { id: 'scopes', subject: 'settings', judge: scopes },
  { id: 'group-filter', subject: 'settings', judge: groupFilter },
  { id: 'tls', subject: 'settings', judge: tls },
];

/** What comes of a login. */
export const SESSION_CHECKS: readonly Check[] = [
  { id: 'session-expiry', subject: 'sessions', judge: sessionExpiry },
];
