import type { Policy } from '../../api/objects.ts';
import type { Condition } from '../../api/status-schema.ts';
import type { PolicyEvent } from '../live/events.ts';

/** How a policy is doing, in one word. */
export type PolicyState =
  | 'Ready'
  /** The operator works on it, or waits for what comes by itself. */
  | 'Reconciling'
  /** Somebody has to act. */
  | 'Stalled'
  | 'Suspended'
  | 'Deleting'
  /** The operator has not looked at the policy as it now is. */
  | 'NotLookedAt';

/** A part of a policy with a condition of its own. */
export interface PartView {
  readonly part: string;
  readonly status: Condition['status'];
  readonly reason: string;
  readonly message: string;
  readonly since: string;
}

/** A role, with whom it is for, and what it makes of them. */
export interface RoleView {
  readonly name: string;
  readonly serviceAccount: string;
  readonly precedence: number | undefined;
  readonly for: string;
  readonly missingGroups: readonly string[];
}

/** The client in Keycloak; what the operator has not found out yet is left out. */
export interface ClientView {
  readonly clientId: string;
  readonly connection: string;
  readonly realm?: string;
  readonly url: string;
  readonly issuer?: string;
  readonly adopted?: boolean;
}

/** The client's Secret. */
export interface SecretView {
  readonly name: string;
  readonly revision?: number;
  readonly proved?: boolean;
  readonly lastRotated?: string;
  readonly nextRotation?: string;
  readonly overlapUntil?: string;
  readonly schedule?: string;
}

/** All that is shown of a policy. */
export interface PolicyView {
  readonly namespace: string;
  readonly name: string;
  readonly state: PolicyState;
  readonly reason: string;
  readonly message: string;
  readonly since?: string;
  /** Roles that stand, of all, such as 2/3. */
  readonly standing: string;
  readonly parts: readonly PartView[];
  readonly client?: ClientView;
  readonly secret?: SecretView;
  readonly server?: { readonly deployment?: string; readonly configMap?: string };
  readonly roles: readonly RoleView[];
  readonly events?: readonly PolicyEvent[];
}

const PARTS = ['ClientReady', 'SecretReady', 'ServerReady', 'RolesReady'] as const;

/** What there is to show of a policy; events where they were asked for. */
export function viewPolicy(policy: Policy, events?: readonly PolicyEvent[]): PolicyView {
  const { spec, status, metadata } = policy;
  const { server } = spec;
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    ...verdict(policy),
    standing: status?.summary?.roles ?? `0/${spec.roles.length}`,
    parts: PARTS.flatMap(type => partView(status?.conditions ?? [], type)),
    ...clientView(policy),
    ...secretView(policy),
    ...(server !== undefined && {
      server: {
        ...(server.deployment !== undefined && { deployment: server.deployment }),
        ...(server.configMap !== undefined && { configMap: server.configMap.name }),
      },
    }),
    roles: rolesView(policy),
    ...(events !== undefined && { events }),
  };
}

type Verdict = Pick<PolicyView, 'state' | 'reason' | 'message' | 'since'>;

function verdict(policy: Policy): Verdict {
  const { metadata, status } = policy;
  const ready = conditionOf(policy, 'Ready');
  if (ready === undefined) return notLookedAt('the operator has not looked at it yet; see whether it runs');
  const { generation = 0 } = metadata;
  if (status?.observedGeneration !== generation) {
    return notLookedAt(
      'the operator has not looked at the policy as it now is, and what is shown is older; see whether it runs',
    );
  }
  const { reason, message, lastTransitionTime: since } = ready;
  return { state: stateOf(policy, ready), reason, message, since };
}

function notLookedAt(message: string): Verdict {
  return { state: 'NotLookedAt', reason: '', message };
}

function stateOf(policy: Policy, ready: Condition): PolicyState {
  if (policy.metadata.deletionTimestamp !== undefined) return 'Deleting';
  if (policy.spec.suspend) return 'Suspended';
  if (ready.status === 'True') return 'Ready';
  return conditionOf(policy, 'Stalled') === undefined ? 'Reconciling' : 'Stalled';
}

/** A condition of a policy, where it has it. */
export function conditionOf({ status }: Policy, type: string): Condition | undefined {
  return status?.conditions?.find(each => each.type === type);
}

function partView(conditions: readonly Condition[], type: (typeof PARTS)[number]): readonly PartView[] {
  const found = conditions.find(each => each.type === type);
  if (found === undefined) return [];
  const { status, reason, message, lastTransitionTime } = found;
  return [{ part: type.replace('Ready', ''), status, reason, message, since: lastTransitionTime }];
}

function clientView({ spec, status }: Policy): Pick<PolicyView, 'client'> {
  const { client, keycloak } = spec;
  if (client === undefined) return {};
  const realm = status?.client?.realm ?? status?.summary?.realm ?? keycloak.realm;
  return {
    client: {
      clientId: client.clientId,
      connection: keycloak.connection,
      ...(realm !== undefined && { realm }),
      url: client.url,
      ...(status?.issuer !== undefined && { issuer: status.issuer }),
      ...(status?.client !== undefined && { adopted: status.client.adopted }),
    },
  };
}

function secretView({ spec, status }: Policy): Pick<PolicyView, 'secret'> {
  if (spec.client === undefined) return {};
  const { name, rotation } = spec.client.secret;
  const { secret } = status ?? {};
  const { revision, provedRevision, lastRotated, nextRotation, overlapUntil } = secret ?? {};
  return {
    secret: {
      name: secret?.name ?? name,
      ...(revision !== undefined && { revision, proved: provedRevision === revision }),
      ...(lastRotated !== undefined && { lastRotated }),
      ...(nextRotation !== undefined && { nextRotation }),
      ...(overlapUntil !== undefined && { overlapUntil }),
      ...(rotation !== undefined && { schedule: `${rotation.schedule} (${rotation.timeZone})` }),
    },
  };
}

function rolesView({ spec, status, metadata }: Policy): readonly RoleView[] {
  return spec.roles.map(role => {
    const found = status?.roles?.find(({ name }) => name === role.name);
    return {
      name: role.name,
      serviceAccount: found?.serviceAccount ?? role.serviceAccount ?? `${metadata.name}-${role.name}`,
      precedence: found?.precedence,
      for: whoHas(role),
      missingGroups: found?.missingGroups ?? [],
    };
  });
}

function whoHas({ groups, when }: Policy['spec']['roles'][number]): string {
  if (groups !== undefined) return groups.join(', ');
  return when === undefined ? 'everyone' : `when ${when}`;
}
