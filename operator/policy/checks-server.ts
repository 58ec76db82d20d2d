import * as settings from './checks-settings.ts';
import type { Observation } from './observation.ts';
import type { Violation } from './reasons.ts';
import { Reason } from './reasons.ts';
import { unlessTaken } from './server-taken.ts';
import { unreadServer } from './server-unread.ts';
import { observedFlags } from './server-view.ts';

function deploymentName({ policy }: Observation): string {
  return `Deployment ${policy.metadata.namespace}/${policy.spec.server?.deployment ?? ''}`;
}

/** Something that is not as it should be with Argo Server, and stops nothing that the operator does. */
function warning(reason: Reason, message: string): Violation {
  return { reason, message, part: 'server', blocks: [] };
}

/** Argo Server's Deployment is not there, or cannot be read. */
export function deploymentUnseen(observation: Observation): Violation | undefined {
  const { deployment } = observation.server;
  if (deployment === undefined || deployment.state === 'found') return undefined;
  const name = deploymentName(observation);
  if (deployment.state === 'missing') {
    // The settings are written all the same: Argo Server reads them when it comes.
    return warning(
      Reason.DeploymentMissing,
      `spec.server.deployment: ${name} does not exist; install Argo Server, or correct the name`,
    );
  }
  return unreadServer(deployment, name);
}

/** Pods are not ready although nothing is rolled out; as long as one of them is, people do not notice. */
export function serverUnavailable(observation: Observation): Violation | undefined {
  const { deployment } = observation.server;
  if (deployment?.state !== 'found' || deployment.object.rollout.progress !== 'down') return undefined;
  const { why } = deployment.object.rollout;
  return warning(
    Reason.ServerUnavailable,
    `no pod of ${deploymentName(observation)} is ready, so that nobody can reach Argo` +
      `${why === undefined ? '' : `: ${why}`}; see to its pods, or wait until they have started`,
  );
}

/** Argo Server reads a ConfigMap by a name of its own. */
export function settingsElsewhere(observation: Observation): Violation | undefined {
  const wanted = observation.policy.spec.server?.configMap?.name;
  const read = observedFlags(observation)?.configMap;
  if (wanted === undefined || read === undefined || read === wanted) return undefined;
  return warning(
    Reason.SettingsElsewhere,
    `${deploymentName(observation)} reads ConfigMap ${read} (--configmap), and not ${wanted}; name that one in ` +
      `spec.server.configMap.name, or give Argo Server --configmap=${wanted}`,
  );
}

/** Without the mode `sso` there is no login at all. */
export function ssoModeMissing(observation: Observation): Violation | undefined {
  const flags = observedFlags(observation);
  if (flags === undefined || flags.authModes.some(mode => mode === 'sso' || mode.includes('$')))
    return undefined;
  return warning(
    Reason.SsoModeMissing,
    `${deploymentName(observation)} starts Argo Server with --auth-mode ${flags.authModes.join(', ')}, so that nobody can sign in ` +
      `through Keycloak; add --auth-mode=sso to its args (with argo-helm: server.authModes)`,
  );
}

/** Argo Server cannot start, or finds no account for anybody, without these rights. */
export function serverAccessMissing(observation: Observation): Violation | undefined {
  const { missingAccess, deployment } = observation.server;
  if (missingAccess === undefined || missingAccess.length === 0 || deployment?.state !== 'found')
    return undefined;
  const { namespace } = observation.policy.metadata;
  return warning(
    Reason.ServerAccessMissing,
    `ServiceAccount ${namespace}/${deployment.object.serviceAccountName} of Argo Server may not ${missingAccess.join(', ')} in its ` +
      `namespace, without which no login works; bind it a Role that allows this (Argo's manifests: argo-server-role)`,
  );
}

/** With a managed namespace the accounts of roles belong there, while ConfigMap and Secret stay with Argo Server. */
export function managedElsewhere(observation: Observation): Violation | undefined {
  const { namespace } = observation.policy.metadata;
  const managed = observedFlags(observation)?.managedNamespace;
  if (managed === undefined || managed === namespace) return undefined;
  return warning(
    Reason.ManagedElsewhere,
    `${deploymentName(observation)} looks for the accounts of roles in namespace ${managed} (--managed-namespace), so that nobody gets a ` +
      `role of this policy; move the roles into a policy without client in namespace ${managed}. Client, Secret and settings ` +
      `are right here`,
  );
}

/** Policies without a client rest on delegation, where their namespace is not Argo Server's own. */
export function delegationOff(observation: Observation): Violation | undefined {
  const flags = observedFlags(observation);
  const namespaces = observation.server.delegating.filter(each => each !== flags?.managedNamespace);
  if (flags === undefined || flags.delegates || namespaces.length === 0) return undefined;
  const remedy = flags.namespaced
    ? 'start Argo Server without --namespaced and with SSO_DELEGATE_RBAC_TO_NAMESPACE=true in its env'
    : 'set SSO_DELEGATE_RBAC_TO_NAMESPACE=true in the env of its container';
  return warning(
    Reason.DelegationOff,
    `${deploymentName(observation)} does not let namespaces have roles of their own, so that the policies in ` +
      `${namespaces.join(', ')} give nobody anything; ${remedy}`,
  );
}

/** Argo makes Secret `sso` itself, and stops at one without its key. */
export function argoSecretEmpty(observation: Observation): Violation | undefined {
  if (observation.server.cookieKey !== 'empty') return undefined;
  return warning(
    Reason.ArgoSecretEmpty,
    `Secret ${observation.policy.metadata.namespace}/sso is there without the key cookieEncryptionPrivateKey, with which Argo Server ` +
      `does not start; delete it, and Argo Server makes it anew (everybody signs in once more)`,
  );
}

/** Argo Server does not start with an expression that does not compile, and it is not written. */
export function groupFilterInvalid({ server }: Observation): Violation | undefined {
  const { invalid } = server.groupFilter;
  if (invalid.length === 0) return undefined;
  const list = invalid.map(({ regex, message }) => `${JSON.stringify(regex)} (${message})`);
  return {
    ...warning(
      Reason.GroupFilterInvalid,
      `spec.server.filterGroupsRegex: Argo Server does not start with ${list.join(', ')}; correct it (RE2, as in Go)`,
    ),
    blocks: ['server'],
  };
}

/** A group that the filter drops reaches no rule. */
export function groupsFiltered({ policy, server }: Observation): Violation | undefined {
  const dropped = new Set(server.groupFilter.dropped);
  if (dropped.size === 0) return undefined;
  const list = policy.spec.roles.flatMap(({ name, groups }) =>
    (groups ?? []).filter(group => dropped.has(group)).map(group => `${group} (role ${name})`),
  );
  return warning(
    Reason.GroupsFiltered,
    `spec.server.filterGroupsRegex drops ${list.join(', ')}, so that nobody gets the role by it; add an expression that matches it`,
  );
}

/** What can be wrong with an Argo Server; of several the first gives the condition its reason. */
export const SERVER_CHECKS: readonly ((observation: Observation) => Violation | undefined)[] = [
  settings.configMapUnseen,
  deploymentUnseen,
  groupFilterInvalid,
  settings.settingsBroken,
  settings.rbacDisabled,
  settings.redirectMismatch,
  settings.settingsNotWritable,
  settings.settingsDiffer,
  settingsElsewhere,
  ssoModeMissing,
  serverAccessMissing,
  argoSecretEmpty,
  // After what may be the cause of it.
  serverUnavailable,
  managedElsewhere,
  delegationOff,
  groupsFiltered,
  settings.tlsNotVerified,
  settings.rootCAUnsupported,
].map(unlessTaken);
