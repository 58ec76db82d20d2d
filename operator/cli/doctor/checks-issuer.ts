import type { SsoBlock } from '../../policy/server-sso.ts';
import { type IssuerAnswer, UNREADABLE_CA } from '../lockout/issuer.ts';
import { isClientOff } from './checks-client.ts';
import { type Check, fail, type Outcome, pass, unknown } from './finding.ts';
import { type DoctorSnapshot, seenClient } from './snapshot.ts';

/** Codes of Node's TLS layer about certificates: Argo Server may trust others than this machine. */
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO_/;
/** Of certificates that are not right for anybody. */
const UNFIT = /^(?:CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|ERR_TLS_CERT_ALTNAME_INVALID)$/;
/** The name is not known to this machine. */
const UNRESOLVED = /^(?:ENOTFOUND|EAI_AGAIN)$/;

/** Whether the name of a host is one that only pods are sure to know. */
function isInCluster(address: string): boolean {
  const host = URL.parse(address)?.hostname ?? '';
  return !host.includes('.') || /\.(?:svc|local)$|\.svc\./.test(host);
}

/** Why it cannot be told from here whether the issuer answers Argo Server; undefined where it can. */
function untold({ problem, code = '', status = 0 }: IssuerAnswer, block: SsoBlock): string | undefined {
  if (UNRESOLVED.test(code) && isInCluster(block.issuer ?? '')) {
    return (
      `whether the issuer answers Argo Server cannot be told from this machine, which does not know its name: ${problem}. ` +
      'Run the command from a pod, or from a machine that knows it'
    );
  }
  // With `insecureSkipVerify` Argo Server does not look at certificates at all.
  if (UNTRUSTED.test(code) && (block.insecureSkipVerify === true || isTrustedElsewhere(code, block))) {
    return (
      `whether Argo Server trusts the issuer's certificate, which is not trusted here, cannot be told: ${problem}. ` +
      'NODE_EXTRA_CA_CERTS names a file with certificates to trust here'
    );
  }
  if (status >= 300 && status < 400) {
    return `whether Argo Server gets the discovery document, for which it follows redirects, cannot be told: ${problem}`;
  }
  return undefined;
}

function isTrustedElsewhere(code: string, { rootCA }: SsoBlock): boolean {
  return rootCA === undefined && !UNFIT.test(code);
}

/** With `userInfoPath` Argo Server takes groups from there, and finds none in an answer that is none. */
function userInfoElsewhere({ userInfo = '' }: IssuerAnswer, block: SsoBlock): Outcome | undefined {
  const { issuer: said = '', userInfoPath = '' } = block;
  const [wanted, used] = [URL.parse(userInfo)?.pathname, URL.parse(`${said}${userInfoPath}`)?.pathname];
  if (userInfoPath === '' || wanted === undefined || wanted === used) return undefined;
  const base = URL.parse(said)?.pathname ?? '';
  return fail(
    `issuer ${said}`,
    `sso.userInfoPath is ${userInfoPath}, where the issuer has no user info, so that everybody is in no group or denied`,
    `set it to ${wanted.startsWith(base) ? wanted.slice(base.length) : wanted}; or take it out, where a mapper writes groups into the ID token`,
  );
}

/** Argo Server reads the discovery document at its start, and stops where it does not get it. */
function issuer({ block = {}, issuer: asked }: DoctorSnapshot): readonly Outcome[] {
  const said = block.issuer ?? '';
  if (said === '') return [];
  const object = `issuer ${said}`;
  if ('unknown' in asked) return [unknown(object, asked.unknown)];
  const { problem, named, code = '' } = asked.known;
  if (problem === undefined) {
    return [userInfoElsewhere(asked.known, block) ?? pass(object, 'answers, and names itself')];
  }
  if (named !== undefined) {
    const field = (block.issuerAlias ?? '') === '' ? 'sso.issuer' : 'sso.issuerAlias';
    return [
      fail(
        object,
        `the issuer is not the one of the settings, and Argo Server does not start with that: ${problem}`,
        `set ${field} to ${named}, letter by letter; or correct Keycloak's hostname`,
      ),
    ];
  }
  const why = untold(asked.known, block);
  if (why !== undefined) return [unknown(object, why)];
  if (code === UNREADABLE_CA) {
    return [
      fail(
        object,
        `${problem}, and Argo Server does not start with that`,
        'write certificates in PEM into sso.rootCA, or take it out',
      ),
    ];
  }
  if (UNFIT.test(code)) {
    return [
      fail(
        object,
        `the issuer's certificate is not valid, and Argo Server does not start with that: ${problem}`,
        "give Keycloak, or the proxy before it, a certificate that has not expired and is for the host of sso.issuer; see to this machine's clock too",
      ),
    ];
  }
  return [
    fail(
      object,
      `the issuer does not answer, without which Argo Server does not start: ${problem}`,
      "bring Keycloak back, or correct sso.issuer: it is Keycloak's address with /realms/NAME behind it. Where only this machine " +
        'cannot reach it, run the command from one that can',
    ),
  ];
}

/** What is to be done, by what Keycloak says in its words or codes. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [/redirect_uri/i, "add sso.redirectUrl to the client's Valid redirect URIs, or correct sso.redirectUrl"],
  [/invalid_scope|invalid scopes/i, 'take the scopes out of sso.scopes that the client does not have'],
  [
    /code_challenge|pkce/i,
    "Argo Server does not do PKCE: clear the client's Proof Key for Code Exchange method",
  ],
  [/not allowed to initiate|unauthorized_client|Standard flow/i, "switch the client's Standard flow on"],
  [/not found/i, 'make the client in this realm, or correct its id in the Secret'],
  [/disabled/i, 'enable the client'],
];

function remedyFor(words: string): string {
  const [, remedy] = REMEDIES.find(([pattern]) => pattern.test(words)) ?? [];
  return remedy ?? "see the realm's events of type LOGIN_ERROR, and the client's settings";
}

/** Where Argo Server sends people to sign in. */
function loginPage(snapshot: DoctorSnapshot): readonly Outcome[] {
  const { loginPage: asked } = snapshot;
  if (isClientOff(snapshot)) return [];
  const object = seenClient(snapshot)?.object ?? 'login page';
  if ('unknown' in asked) return asked.unknown === '' ? [] : [unknown(object, asked.unknown)];
  const answer = asked.known;
  switch (answer.kind) {
    case 'login':
      return [pass(object, 'Keycloak shows its login page')];
    case 'none':
      return [unknown(object, `Keycloak's login page does not answer: ${answer.why}`)];
    case 'refused': {
      const words = [answer.error, answer.description].filter(part => part !== '').join(': ');
      return [fail(object, `Keycloak refuses every login of Argo Server: ${words}`, remedyFor(words))];
    }
    case 'error': {
      const words = answer.words === '' ? `status ${answer.status}` : answer.words;
      return [fail(object, `Keycloak shows an error in place of its login page: ${words}`, remedyFor(words))];
    }
  }
}

/** The way to Keycloak. */
export const ISSUER_CHECKS: readonly Check[] = [
  { id: 'issuer', subject: 'issuer', judge: issuer },
  { id: 'login-page', subject: 'issuer', judge: loginPage },
];
