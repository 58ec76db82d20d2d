import { argoPrecedence } from '../../policy/accounts.ts';
import { viewPolicy } from '../status/view.ts';
import { leastPrecedence } from './checks-accounts.ts';
import { type Check, fail, type Outcome, orPass, pass, unknown, warn } from './finding.ts';
import { type DoctorSnapshot, orUndefined, serverName } from './snapshot.ts';

/** Argo Server's own account reads accounts and tokens, and makes its key (argo-workflows, docs/argo-server-sso.md). */
function serverRights(snapshot: DoctorSnapshot): readonly Outcome[] {
  const seen = orUndefined(snapshot.deployment);
  if (seen === undefined) return [];
  const { namespace, access } = snapshot;
  const object = `ServiceAccount ${namespace}/${seen.serviceAccountName}`;
  if ('unknown' in access) return [unknown(object, access.unknown)];
  const outcomes = access.known
    .filter(({ missing }) => missing.length > 0)
    .map(gap =>
      fail(
        object,
        `${object} of Argo Server may not ${gap.missing.join(', ')} in namespace ${gap.namespace}, without which no login works`,
        `bind it a Role in namespace ${gap.namespace} that allows this (Argo's manifests: argo-server-role; docs/install-argo.md has the table)`,
      ),
    );
  return orPass(outcomes, object, 'may do what Argo Server does with it');
}

/** With a managed namespace the accounts with rules belong there. */
function managedNamespace(snapshot: DoctorSnapshot): readonly Outcome[] {
  const { flags, namespace, accountNamespace, strays } = snapshot;
  if (flags === undefined) return [];
  const object = serverName(snapshot);
  if (accountNamespace === namespace) return [pass(object, 'looks for accounts in its own namespace')];
  const none = strays.length === 0;
  if (none) return [pass(object, `looks for accounts in namespace ${accountNamespace}`)];
  return [
    warn(
      object,
      `${object} looks for accounts in namespace ${accountNamespace} only (--managed-namespace), so that the rules of ${strays.join(', ')} in namespace ${namespace} count for nothing`,
      `move them to namespace ${accountNamespace}, or take their rules off`,
    ),
  ];
}

/** Accounts of other namespaces only count where Argo Server delegates, and stand higher (argo-workflows, server/auth/gatekeeper.go). */
function delegation(snapshot: DoctorSnapshot): readonly Outcome[] {
  const { flags, delegated, accounts } = snapshot;
  if (flags === undefined) return [];
  const object = serverName(snapshot);
  if (snapshot.delegationIgnored) {
    return [
      warn(
        object,
        `${object} has SSO_DELEGATE_RBAC_TO_NAMESPACE=true and --namespaced, with which Argo does not delegate`,
        'take one of the two out',
      ),
    ];
  }
  if (!flags.delegates) return [pass(object, 'accounts of other namespaces do not count')];
  if ('unknown' in delegated) return [unknown(object, delegated.unknown)];
  const login = orUndefined(accounts) ?? [];
  if (login.length === 0) return [];
  const least = leastPrecedence(login);
  const outcomes = delegated.known
    .filter(({ account }) => argoPrecedence(account) <= least)
    .map(({ account }) => {
      const name = `ServiceAccount ${account.metadata.namespace}/${account.metadata.name}`;
      return warn(
        name,
        `${name} has precedence ${argoPrecedence(account)} and is never taken: it has to be higher than that of the login's account, of which the lowest has ${least}`,
        `give it one higher than those of namespace ${snapshot.accountNamespace}`,
      );
    });
  return orPass(outcomes, object, `${delegated.known.length} accounts of other namespaces can count`);
}

/** What the operator says of its policies, it says by itself. */
function policies({ policies: seen, namespace: home }: DoctorSnapshot): readonly Outcome[] {
  if ('unknown' in seen) return [unknown(`policies of namespace ${home}`, seen.unknown)];
  return seen.known.map(policy => {
    const { state, reason, namespace, name } = viewPolicy(policy);
    const object = `policy ${namespace}/${name}`;
    if (state === 'Ready') return pass(object, 'is ready');
    // As in a rotation: what would need somebody is `Stalled`.
    if (state === 'Reconciling') return pass(object, 'the operator is at work on it');
    const why = reason === '' || reason === state ? '' : ` (${reason})`;
    const remedy = `\`argo-access status ${name} --namespace ${namespace}\` says more`;
    return warn(object, `${object} is not ready: ${state}${why}`, remedy);
  });
}

/** What Argo Server may do. */
export const RIGHTS_CHECKS: readonly Check[] = [
  { id: 'server-rights', subject: 'rights', judge: serverRights },
];

/** Where it looks. */
export const NAMESPACE_CHECKS: readonly Check[] = [
  { id: 'managed-namespace', subject: 'namespaces', judge: managedNamespace },
  { id: 'delegation', subject: 'namespaces', judge: delegation },
];

/** Where there are any. */
export const POLICY_CHECKS: readonly Check[] = [{ id: 'policies', subject: 'policies', judge: policies }];
