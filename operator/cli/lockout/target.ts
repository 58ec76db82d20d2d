import type { Policy } from '../../api/objects.ts';
import { keyOf } from '../live/policies.ts';
import { failure } from '../terminal.ts';

/** The Argo Server whose sessions are to end. */
export interface Target {
  readonly policy: Policy;
  readonly namespace: string;
  readonly deployment: string;
  readonly issuer: string;
}

/** The Argo Server of a policy; ends the command where the policy does not tell enough of it. */
export function targetOf(policy: Policy): Target {
  const { metadata, spec, status } = policy;
  const key = keyOf(policy);
  const { namespace } = metadata;
  const deployment = spec.server?.deployment;
  if (deployment === undefined) {
    throw failure(
      `policy ${key} names no Argo Server in spec.server.deployment; name it there, or do it yourself, once you have ` +
        `seen that Keycloak answers: kubectl --namespace ${namespace} delete secret sso, and kubectl --namespace ` +
        `${namespace} rollout restart deployment/NAME`,
    );
  }
  const issuer = status?.issuer;
  if (issuer === undefined) {
    throw failure(
      `policy ${key} does not say its issuer yet (status.issuer); see \`argo-access status ${metadata.name} --namespace ${namespace}\``,
    );
  }
  return { policy, namespace, deployment, issuer };
}

/** The one policy of a namespace that has an Argo Server; ends the command where there are several, or none. */
export function onlyTarget(policies: readonly Policy[], namespace: string): Target {
  const found = policies.filter(({ spec }) => spec.server?.deployment !== undefined);
  const [first] = found;
  if (first !== undefined && found.length === 1) return targetOf(first);
  const names = found.map(({ metadata }) => metadata.name);
  throw failure(
    names.length === 0
      ? `no policy of namespace ${namespace} names an Argo Server in spec.server.deployment; choose the namespace by --namespace`
      : `several policies of namespace ${namespace} name an Argo Server; name one of ${names.join(', ')}`,
  );
}
