import type { InventoryEntry, PolicyStatus } from '../api/status-schema.ts';
import { formatTime } from '../api/time.ts';
import { argoMarks } from './accounts.ts';
import { missingGroups } from './checks-keycloak.ts';
import { clientOwner, isAdopted } from './client.ts';
import { clientSecret, isProved, revisionOf, rolledRevision } from './client-secret-view.ts';
import { remaining } from './deletion.ts';
import { tokenSecretName, type WantedRole, wantedRoles } from './desired.ts';
import type { Observation } from './observation.ts';
import { rotationOf } from './rotation-changes.ts';
import { isServerTaken } from './server-taken.ts';

/** What the status shows of client, Secret, roles and objects, apart from conditions. */
export function viewStatus(observation: Observation): PolicyStatus {
  return {
    ...clientStatus(observation),
    ...secretStatus(observation),
    ...rolesStatus(observation),
    inventory: [...inventory(observation)],
  };
}

/** What the status shows of a policy that is not looked at: what was last known, or that none of its roles stands. */
export function unseenStatus({ policy: { spec, status } }: Observation): PolicyStatus {
  return { ...status, summary: { roles: `0/${spec.roles.length}`, ...status?.summary } };
}

function clientStatus(observation: Observation): Pick<PolicyStatus, 'client' | 'issuer'> {
  const { policy, keycloak } = observation;
  if (policy.spec.client === undefined) return {};
  if (keycloak.state !== 'Observed') {
    const { client, issuer } = policy.status ?? {};
    return { ...(client && { client }), ...(issuer && { issuer }) };
  }
  const { client, issuer, realm } = keycloak;
  if (client === undefined || clientOwner(observation, client) !== 'ours') return { issuer };
  return { issuer, client: { id: client.id, clientId: client.clientId, realm, adopted: isAdopted(client) } };
}

function secretStatus(observation: Observation): Pick<PolicyStatus, 'secret'> {
  const { policy } = observation;
  const secret = clientSecret(observation);
  const revision = secret && revisionOf(secret);
  if (secret === undefined || revision === undefined || secret.metadata.managed === undefined) {
    return policy.status?.secret === undefined ? {} : { secret: policy.status.secret };
  }
  const proved = isProved(observation, revision) ? { provedRevision: revision } : {};
  return {
    secret: {
      name: secret.metadata.name,
      revision,
      ...proved,
      ...rolledStatus(observation, revision),
      ...rotationStatus(observation),
      // Why it came is told when it comes.
      ...(policy.status?.secret?.cause !== undefined && { cause: policy.status.secret.cause }),
    },
  };
}

/** What Argo Server runs with: what its pods are marked with, once there are no others. */
function rolledStatus(observation: Observation, revision: number): Partial<SecretStatus> {
  const { policy, server } = observation;
  const { deployment } = server;
  if (deployment === undefined || isServerTaken(observation)) return {};
  const isAwaited =
    deployment.state !== 'found' || ['rolling', 'failed'].includes(deployment.object.rollout.progress);
  const rolled = isAwaited ? policy.status?.secret?.rolledRevision : rolledRevision(observation);
  // A higher one is of a former Secret.
  return rolled === undefined || rolled > revision ? {} : { rolledRevision: rolled };
}

/** When the secret came, when the next is due, and until when the old one is valid; what is not known stays. */
function rotationStatus(observation: Observation): Partial<SecretStatus> {
  const rotation = rotationOf(observation);
  const before = observation.policy.status?.secret;
  if (rotation === undefined) {
    return pickTimes(before?.lastRotated, before?.nextRotation, before?.overlapUntil);
  }
  const { lastRotated, nextRotation, overlapUntil } = rotation;
  return pickTimes(told(lastRotated), told(nextRotation), told(overlapUntil));
}

type SecretStatus = NonNullable<PolicyStatus['secret']>;

/** A time to the second, as Kubernetes writes times. */
function told(time: number | undefined): string | undefined {
  return time === undefined || !Number.isFinite(time)
    ? undefined
    : formatTime(Math.floor(time / 1000) * 1000);
}

function pickTimes(
  lastRotated: string | undefined,
  nextRotation: string | undefined,
  overlapUntil: string | undefined,
): Partial<SecretStatus> {
  return {
    ...(lastRotated !== undefined && { lastRotated }),
    ...(nextRotation !== undefined && { nextRotation }),
    ...(overlapUntil !== undefined && { overlapUntil }),
  };
}

function rolesStatus(observation: Observation): Pick<PolicyStatus, 'roles' | 'summary'> {
  const { keycloak, policy, neighbours } = observation;
  const wanted = wantedRoles(policy, neighbours);
  const realm = keycloak.state === 'Observed' ? keycloak.realm : policy.status?.summary?.realm;
  const isHidden = keycloak.state === 'Observed' && keycloak.groupsHidden !== undefined;
  const roles = wanted.map(({ spec, serviceAccount, precedence }) => {
    const missing = isHidden
      ? (policy.status?.roles?.find(({ name }) => name === spec.name)?.missingGroups ?? [])
      : missingGroups(observation, spec.groups ?? []);
    return {
      name: spec.name,
      serviceAccount,
      precedence,
      ...(missing.length > 0 && { missingGroups: [...missing] }),
    };
  });
  const standing = wanted.filter(role => stands(observation, role)).length;
  return {
    roles,
    summary: { roles: `${standing}/${wanted.length}`, ...(realm !== undefined && { realm }) },
  };
}

/** Whether Argo maps users to the role's account as wanted: rule, precedence and a filled token. */
function stands({ accounts, secrets }: Observation, role: WantedRole): boolean {
  const account = accounts.find(({ metadata }) => metadata.name === role.serviceAccount);
  const marks = account && argoMarks(account);
  const tokenName = tokenSecretName(role.serviceAccount);
  return (
    marks?.rule === role.rule &&
    marks.precedence === role.precedence &&
    marks.tokenName === tokenName &&
    secrets.some(({ metadata, tokenFilled }) => metadata.name === tokenName && tokenFilled)
  );
}

/** What is there, and what was there where it cannot be seen for now. */
function inventory(observation: Observation): readonly InventoryEntry[] {
  const { policy, unread, outOfSight } = observation;
  const hidden = new Set([...unread, ...outOfSight].map(({ namespace }) => namespace));
  const seen = remaining(observation).map(({ kind, metadata: { namespace, name, uid } }) => ({
    kind,
    namespace,
    name,
    uid,
  }));
  const uids = new Set(seen.map(({ uid }) => uid));
  const unseen = (policy.status?.inventory ?? []).filter(
    ({ namespace = policy.metadata.namespace, uid }) => hidden.has(namespace) && !uids.has(uid),
  );
  return [...seen, ...unseen].toSorted((a, b) => compareText(key(a), key(b)));
}

function key({ kind, namespace, name }: InventoryEntry): string {
  return `${kind}/${namespace ?? ''}/${name}`;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
