import type { KeyReference, SsoBlock } from '../../policy/server-sso.ts';
import type { Known } from '../access/ask.ts';
import { isClientOff } from './checks-client.ts';
import { type Check, fail, type Outcome, orPass, pass, unknown } from './finding.ts';
import { type DoctorSnapshot, type KeyState, kubectl, orUndefined, type SecretSight } from './snapshot.ts';

/** Argo Server's own Secret (argo-workflows, server/auth/sso/sso.go). */
export const ARGO_SECRET = 'sso';
/** The key in it. */
export const COOKIE_KEY = 'cookieEncryptionPrivateKey';

interface Reference {
  readonly field: 'clientId' | 'clientSecret';
  readonly name: string;
  readonly key: string;
}

function referencesOf({ block }: DoctorSnapshot): readonly Reference[] {
  return (['clientId', 'clientSecret'] as const).flatMap(field => {
    const { name = '', key = '' }: KeyReference = block?.[field] ?? {};
    return name === '' || key === '' ? [] : [{ field, name, key }];
  });
}

/** What is to be told of a whole Secret; undefined where it is there, and known. */
function ofSecret(
  snapshot: DoctorSnapshot,
  name: string,
  seen: Known<SecretSight | undefined>,
  references: readonly Reference[],
): Outcome | undefined {
  const object = `Secret ${snapshot.namespace}/${name}`;
  if ('unknown' in seen) return unknown(object, seen.unknown);
  if (seen.known !== undefined) return undefined;
  const fields = references.map(({ field }) => `sso.${field}`).join(' and ');
  const files = references.map(({ key }) => `--from-file=${key}=FILE`).join(' ');
  return fail(
    object,
    `${object}, which ${fields} ${references.length === 1 ? 'names' : 'name'}, does not exist, and Argo Server does not start without`,
    `\`${kubectl(snapshot)} create secret generic ${name} ${files}\`, of files with the client's id and secret as they stand in Keycloak, without a line break at their end; or correct the name in the settings`,
  );
}

/** Argo Server does not start where a Secret, or a key in it, is missing. */
function credentials(snapshot: DoctorSnapshot): readonly Outcome[] {
  const { namespace, secrets } = snapshot;
  const references = referencesOf(snapshot);
  if (references.length < 2) return [];
  const byName = Map.groupBy(references, ({ name }) => name);
  const outcomes = [...byName].flatMap(([name, own]): readonly Outcome[] => {
    const seen = secrets.get(name);
    if (seen === undefined) return [];
    const whole = ofSecret(snapshot, name, seen, own);
    if (whole !== undefined) return [whole];
    const keys = [...(orUndefined(seen)?.keys.keys() ?? [])];
    const object = `Secret ${namespace}/${name}`;
    return own
      .filter(({ key }) => !keys.includes(key))
      .map(({ field, key }) =>
        fail(
          object,
          `${object} has no key ${key}, which sso.${field} names, and Argo Server does not start without`,
          `write it into the Secret, or correct sso.${field}.key: the Secret has ${keys.length === 0 ? 'no key' : keys.join(', ')}`,
        ),
      );
  });
  return orPass(
    outcomes,
    `Secret ${namespace}/${[...byName.keys()].join(', ')}`,
    'has the keys that the settings name',
  );
}

const FLAWS: Partial<Readonly<Record<KeyState, string>>> = {
  empty: 'is empty',
  padded: 'has a space or a line break at an end, as `echo` leaves one behind, which Argo Server sends along',
};

/** Argo Server takes values as they are. */
function values(snapshot: DoctorSnapshot): readonly Outcome[] {
  const { namespace, secrets } = snapshot;
  const seen = referencesOf(snapshot).flatMap(reference => {
    const state = orUndefined(secrets.get(reference.name) ?? { unknown: '' })?.keys.get(reference.key);
    return state === undefined ? [] : [{ ...reference, state }];
  });
  if (seen.length < 2) return [];
  const outcomes = seen.flatMap(({ name, key, state }) => {
    const flaw = FLAWS[state];
    const object = `Secret ${namespace}/${name}`;
    return flaw === undefined
      ? []
      : [
          fail(
            object,
            `${object}: the value of key ${key} ${flaw}, so that Keycloak refuses it`,
            'write it anew, as it stands in Keycloak and without anything behind it (`printf %s`)',
          ),
        ];
  });
  const object = `Secret ${namespace}/${seen[0]?.name}`;
  if (outcomes.length === 0 && seen.some(({ state }) => state === 'there')) {
    return [
      unknown(object, "the values of the client's Secret were not looked at; --prove does, and prints none"),
    ];
  }
  return orPass(outcomes, object, 'its values are neither empty nor padded');
}

/** Argo makes Secret `sso` itself, and stops at one without its key. */
function argoSecret(snapshot: DoctorSnapshot): readonly Outcome[] {
  const { namespace, secrets } = snapshot;
  const object = `Secret ${namespace}/${ARGO_SECRET}`;
  const seen = secrets.get(ARGO_SECRET);
  if (seen === undefined) return [];
  if ('unknown' in seen) return [unknown(object, seen.unknown)];
  if (seen.known === undefined) return [pass(object, 'is not there yet: Argo Server makes it at its start')];
  if (seen.known.keys.has(COOKIE_KEY)) return [pass(object, 'has the key of the cookies')];
  const used = referencesOf(snapshot).some(({ name }) => name === ARGO_SECRET);
  return [
    fail(
      object,
      `${object} is there without the key ${COOKIE_KEY}, with which Argo Server does not start: it is Argo Server's own`,
      used
        ? "move the client's id and secret into a Secret of another name, name that one in the settings, and delete this one: Argo Server makes it anew"
        : `\`${kubectl(snapshot)} delete secret ${ARGO_SECRET}\`: Argo Server makes it anew at its next start (everybody signs in once more)`,
    ),
  ];
}

/** Keycloak knows the client where it refuses the secret as `unauthorized_client`; elsewhere it is not there, or disabled. */
function refusedRemedy(message: string, { clientId, clientSecret }: SsoBlock = {}): string {
  const renew = `take the secret from the client's Credentials in Keycloak, write it under key ${clientSecret?.key}, and restart Argo Server`;
  if (message.includes('unauthorized_client')) return renew;
  return `see that key ${clientId?.key} holds the client's id, and that the client is there and enabled; then ${renew}`;
}

/** What the token endpoint says of the values that Argo Server reads. */
function accepted(snapshot: DoctorSnapshot): readonly Outcome[] {
  const { proof, namespace, block } = snapshot;
  const name = block?.clientSecret?.name;
  if (name === undefined) return [];
  const object = `Secret ${namespace}/${name}`;
  if ('unknown' in proof) return proof.unknown === '' ? [] : [unknown(object, proof.unknown)];
  // Of a client that is not there, or disabled, the same is said: check `client` tells.
  if (isClientOff(snapshot)) return [];
  const { result, message } = proof.known;
  if (result === 'proved') return [pass(object, "Keycloak's token endpoint accepts it")];
  if (result === 'unknown') return [unknown(object, message)];
  return [
    fail(
      object,
      `Keycloak does not accept the client's id and secret in ${object}: ${message}`,
      refusedRemedy(message, block),
    ),
  ];
}

/** The client's credentials, and Argo's own key. */
export const SECRET_CHECKS: readonly Check[] = [
  { id: 'client-secret', subject: 'secret', judge: credentials },
  { id: 'client-secret-values', subject: 'secret', judge: values },
  { id: 'client-secret-accepted', subject: 'secret', judge: accepted },
  { id: 'argo-secret', subject: 'secret', judge: argoSecret },
];
