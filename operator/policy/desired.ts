import {
  ARGO_PRECEDENCE,
  ARGO_RULE,
  ARGO_TOKEN_NAME,
  FIELD_MANAGER,
  LABEL_POLICY,
  LABEL_POLICY_NAMESPACE,
  LABEL_POLICY_UID,
} from '../api/names.ts';
import type { OwnerReference, Policy, RoleRef } from '../api/objects.ts';
import { type ClientSpec, GROUP, type GrantSpec, KIND, type RoleSpec, VERSION } from '../api/schema.ts';
import type { SecretValue } from '../api/secret-value.ts';
import type { DesiredRoleBinding, DesiredSecret, DesiredServiceAccount } from './change.ts';
import { remembered } from './remembered.ts';
import { RULE_EVERYONE, ruleForGroups } from './rules.ts';

/** Distance between the precedences of two neighbouring roles. */
export const PRECEDENCE_STEP = 10;
const LOGIN_PRECEDENCE = 1000;
const DELEGATED_PRECEDENCE = 10_000;
/** Type of a Secret that Kubernetes fills with an account's token. */
export const TOKEN_TYPE = 'kubernetes.io/service-account-token';
/** Annotation of such a Secret: the account. */
export const ANNOTATION_TOKEN_OF = 'kubernetes.io/service-account.name';
const BINDING_PREFIX = 'argo-access';

/** One role of a policy with everything that it needs in Kubernetes. */
export interface WantedRole {
  readonly spec: RoleSpec;
  readonly serviceAccount: string;
  readonly rule: string;
  readonly precedence: number;
  readonly token: DesiredSecret;
  readonly bindings: readonly DesiredRoleBinding[];
}

/** The annotations by which Argo finds an account: rule, precedence, and the Secret with its token. */
export interface ArgoMarks {
  readonly rule: string;
  readonly precedence: number;
  readonly tokenName: string;
}

/** Name of the ServiceAccount of a role: the given one, or `<policy>-<role>`. */
export function serviceAccountName(policy: Policy, role: RoleSpec): string {
  return role.serviceAccount ?? `${policy.metadata.name}-${role.name}`;
}

/** The groups that the roles of a policy name, each once. */
export function groupsOf({ spec }: Policy): readonly string[] {
  return [...new Set(spec.roles.flatMap(({ groups }) => groups ?? []))];
}

/** Name of an account's token Secret, the one that Argo looks for (argo-workflows, util/secrets). */
export function tokenSecretName(serviceAccount: string): string {
  return `${serviceAccount}.service-account-token`;
}

/** Whether a Secret's name is one under which Argo looks for an account's token. */
export function isTokenSecretName(name: string): boolean {
  return name.endsWith(tokenSecretName(''));
}

/**
 * Precedence of the first role: the one given, else 1000; 10000 where no policy of the namespace has a client,
 * for a delegated namespace must be strictly higher than the login account.
 */
export function basePrecedence(policy: Policy, neighbours: readonly Policy[]): number {
  if (policy.spec.precedence !== undefined) return policy.spec.precedence;
  const hasLogin = policy.spec.client !== undefined || hasClient(neighbours);
  return hasLogin ? LOGIN_PRECEDENCE : DELEGATED_PRECEDENCE;
}

/** Asked of the same policies for each of them. */
const hasClient = remembered((policies: readonly Policy[]) =>
  policies.some(({ spec }) => spec.client !== undefined),
);

function ownerReference(policy: Policy): OwnerReference {
  const { name, uid } = policy.metadata;
  return { apiVersion: `${GROUP}/${VERSION}`, kind: KIND, name, uid };
}

function ownLabels(policy: Policy): Readonly<Record<string, string>> {
  return {
    'app.kubernetes.io/managed-by': FIELD_MANAGER,
    [LABEL_POLICY]: policy.metadata.name,
    [LABEL_POLICY_NAMESPACE]: policy.metadata.namespace,
    [LABEL_POLICY_UID]: policy.metadata.uid,
  };
}

function metadata(policy: Policy, name: string, annotations: Readonly<Record<string, string>> = {}) {
  const { namespace } = policy.metadata;
  return { name, namespace, labels: ownLabels(policy), annotations, owner: ownerReference(policy) };
}

/** A role's ServiceAccount; without marks Argo does not see it. */
export function desiredAccount(
  policy: Policy,
  name: string,
  marks: ArgoMarks | undefined,
): DesiredServiceAccount {
  const annotations =
    marks === undefined
      ? {}
      : {
          [ARGO_RULE]: marks.rule,
          [ARGO_PRECEDENCE]: String(marks.precedence),
          [ARGO_TOKEN_NAME]: marks.tokenName,
        };
  return { kind: 'ServiceAccount', metadata: metadata(policy, name, annotations) };
}

function desiredToken(policy: Policy, serviceAccount: string): DesiredSecret {
  return {
    kind: 'Secret',
    metadata: metadata(policy, tokenSecretName(serviceAccount), {
      [ANNOTATION_TOKEN_OF]: serviceAccount,
    }),
    type: TOKEN_TYPE,
    data: {},
  };
}

/** What a grant binds to. */
export function roleRefOf(grant: GrantSpec): RoleRef {
  return grant.clusterRole === undefined
    ? { kind: 'Role', name: grant.role ?? '' }
    : { kind: 'ClusterRole', name: grant.clusterRole };
}

/** Namespaces of a grant; the policy's own by default. */
export function grantNamespaces(policy: Policy, grant: GrantSpec): readonly string[] {
  return grant.namespaces ?? [policy.metadata.namespace];
}

/** Namespace of the policy that a binding was made for, by its name; undefined where the name is not one of ours. */
export function bindingHome({ name }: { readonly name: string }): string | undefined {
  const [prefix, home] = name.split(':');
  return prefix === BINDING_PREFIX ? home : undefined;
}

/** A binding's name carries all that it binds: a roleRef cannot change, and two accounts never share a name. */
function desiredBinding(
  policy: Policy,
  namespace: string,
  serviceAccount: string,
  roleRef: RoleRef,
): DesiredRoleBinding {
  const home = policy.metadata.namespace;
  const name = [BINDING_PREFIX, home, serviceAccount, roleRef.kind.toLowerCase(), roleRef.name].join(':');
  const { owner, ...rest } = metadata(policy, name);
  return {
    kind: 'RoleBinding',
    metadata: namespace === home ? { ...rest, owner } : { ...rest, namespace },
    roleRef,
    subjects: [{ kind: 'ServiceAccount', name: serviceAccount, namespace: home }],
  };
}

function desiredBindings(policy: Policy, role: RoleSpec): readonly DesiredRoleBinding[] {
  const bindings = role.grants.flatMap(grant =>
    grantNamespaces(policy, grant).map(namespace =>
      desiredBinding(policy, namespace, serviceAccountName(policy, role), roleRefOf(grant)),
    ),
  );
  const byKey = new Map(bindings.map(b => [`${b.metadata.namespace}/${b.metadata.name}`, b]));
  return [...byKey.values()];
}

/** The rule by which Argo finds the users of a role; an expression stands as it was tried, to the letter. */
function ruleOf({ everyone, when, groups }: RoleSpec): string {
  if (everyone === true) return RULE_EVERYONE;
  return when ?? ruleForGroups(groups ?? []);
}

/** The expressions of a policy's roles, each once. */
export function expressionsOf({ spec }: Policy): readonly string[] {
  return [...new Set(spec.roles.flatMap(({ when }) => when ?? []))];
}

/** The roles of a policy in order, the first with the highest precedence. */
export function wantedRoles(policy: Policy, neighbours: readonly Policy[]): readonly WantedRole[] {
  const base = basePrecedence(policy, neighbours);
  return policy.spec.roles.map((spec, index) => {
    const serviceAccount = serviceAccountName(policy, spec);
    return {
      spec,
      serviceAccount,
      rule: ruleOf(spec),
      precedence: base - index * PRECEDENCE_STEP,
      token: desiredToken(policy, serviceAccount),
      bindings: desiredBindings(policy, spec),
    };
  });
}

/**
 * The Secret with the client's credentials, from which Argo Server reads them.
 *
 * @param marks annotations that tell of its value
 */
export function desiredClientSecret(
  policy: Policy,
  spec: ClientSpec['secret'],
  credentials: { readonly clientId: SecretValue; readonly secret: SecretValue },
  marks: Readonly<Record<string, string>>,
): DesiredSecret {
  const base = metadata(policy, spec.name);
  return {
    kind: 'Secret',
    metadata: {
      ...base,
      labels: { ...spec.labels, ...base.labels },
      annotations: { ...spec.annotations, ...marks },
    },
    type: 'Opaque',
    data: { [spec.clientIdKey]: credentials.clientId, [spec.clientSecretKey]: credentials.secret },
  };
}
