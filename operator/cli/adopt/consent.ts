import { ANNOTATION_ADOPT_BY } from '../../api/names.ts';
import type { ObjectMeta, OwnedKind, Policy } from '../../api/objects.ts';
import type { DesiredRoleBinding } from '../../policy/change.ts';
import { bindsTheSame } from '../../policy/compare.ts';
import { ANNOTATION_TOKEN_OF, wantedRoles } from '../../policy/desired.ts';
import { bearsMark } from '../../policy/ownership.ts';
import { quoted } from '../live/kubeconfig.ts';
import type { Installation } from './read.ts';
import { type Remark, remarks } from './remark.ts';

/** An object that a policy takes over once it is annotated. */
export interface Consent {
  readonly kind: OwnedKind;
  readonly namespace: string;
  readonly name: string;
  /** Whether another policy's name stands there. */
  readonly overwrites: boolean;
}

interface Wanted {
  readonly kind: OwnedKind;
  readonly namespace: string;
  readonly name: string;
  /** Of a Secret with a token: the account. */
  readonly tokenOf?: string;
  readonly binding?: DesiredRoleBinding;
}

function wantedOf(policy: Policy): readonly Wanted[] {
  const { namespace } = policy.metadata;
  const roles = wantedRoles(policy, []);
  const secret = policy.spec.client?.secret.name;
  return [
    ...roles.map(({ serviceAccount }) => ({
      kind: 'ServiceAccount' as const,
      namespace,
      name: serviceAccount,
    })),
    ...(secret === undefined ? [] : [{ kind: 'Secret' as const, namespace, name: secret }]),
    ...roles.map(({ token, serviceAccount }) => ({
      kind: 'Secret' as const,
      namespace,
      name: token.metadata.name,
      tokenOf: serviceAccount,
    })),
    ...roles.flatMap(({ bindings }) =>
      bindings.map(binding => ({ kind: binding.kind, ...binding.metadata, binding })),
    ),
  ];
}

function found(installation: Installation, wanted: Wanted): Pick<ObjectMeta, 'annotations'> | undefined {
  const { accounts, secrets, bindings } = installation;
  const same = ({ metadata }: { readonly metadata: ObjectMeta }) =>
    metadata.name === wanted.name && metadata.namespace === wanted.namespace && !bearsMark(metadata);
  switch (wanted.kind) {
    case 'ServiceAccount':
      return accounts.find(same)?.metadata;
    case 'Secret':
      // Where nobody may look, what is guessed is said to be.
      return secrets === undefined ? {} : secrets.find(same)?.metadata;
    case 'RoleBinding':
      // What it gives others would be taken from them.
      return bindings.find(
        each => same(each) && wanted.binding !== undefined && bindsTheSame(each, wanted.binding),
      )?.metadata;
  }
}

/** The objects under names that the policy wants, which are somebody else's until they are annotated. */
export function consentsFor(policy: Policy, installation: Installation): readonly Consent[] {
  return wantedOf(policy).flatMap(wanted => {
    const annotations = found(installation, wanted)?.annotations ?? {};
    const said = annotations[ANNOTATION_ADOPT_BY];
    if (found(installation, wanted) === undefined || said === policy.metadata.name) return [];
    const { kind, namespace, name, tokenOf } = wanted;
    // What holds another account's token is for nobody to consent to: people would act as that one.
    if ((annotations[ANNOTATION_TOKEN_OF] ?? tokenOf) !== tokenOf) return [];
    return [{ kind, namespace, name, overwrites: said !== undefined }];
  });
}

/** Bindings under names that the policy wants, which nobody should consent to. */
export function clashRemarks(policy: Policy, { bindings }: Installation): readonly Remark[] {
  const wanted = wantedOf(policy).flatMap(({ binding }) => binding ?? []);
  const clashing = bindings.filter(
    have =>
      !bearsMark(have.metadata) &&
      wanted.some(
        want =>
          want.metadata.name === have.metadata.name &&
          want.metadata.namespace === have.metadata.namespace &&
          !bindsTheSame(have, want),
      ),
  );
  return remarks(
    'problem',
    clashing.map(
      ({ metadata: { namespace, name } }) =>
        `RoleBinding ${namespace}/${name} has the name of one that the policy makes, and binds others too, who would lose what it gives: do not annotate it, but bind them by one of another name, and delete it, before`,
    ),
  );
}

/** The commands that give the consent, one for each kind and namespace. */
export function annotateCommands(
  consents: readonly Consent[],
  policy: string,
  kubectlFlags: string,
): readonly string[] {
  const together = Map.groupBy(consents, ({ kind, namespace, overwrites }) =>
    JSON.stringify([kind, namespace, overwrites]),
  );
  return [...together.values()].flatMap(list => {
    const [first] = list;
    if (first === undefined) return [];
    const { kind, namespace, overwrites } = first;
    const names = list.map(({ name }) => quoted(name)).join(' ');
    const force = overwrites ? ' --overwrite' : '';
    return [
      `kubectl${kubectlFlags} annotate --namespace ${namespace}${force} ${kind.toLowerCase()} ${names} ${ANNOTATION_ADOPT_BY}=${policy}`,
    ];
  });
}
