import type { Policy, ServiceAccount } from '../../api/objects.ts';
import { mergedSso, needsNoWriting, settingDifferences } from '../../policy/server-compare.ts';
import { helmValues, isMadeByHelm, pasteBlock, pasteIntoConfig } from '../../policy/server-paste.ts';
import { desiredSso, type SsoBlock } from '../../policy/server-sso.ts';
import type { FoundServer, Installation } from './read.ts';
import { type Remark, remarks } from './remark.ts';

/**
 * Where Argo Server looks into namespaces too: accounts that no longer stand above those by which people sign in, or
 * begin to.
 *
 * @param isLogin whether people sign in by the accounts of this namespace, or may do so by those of others
 */
export function delegationRemarks(
  after: readonly ServiceAccount[],
  { delegated, accounts, server, namespace: home }: Installation,
  precedenceOf: (account: ServiceAccount) => bigint,
  isLogin: boolean,
): readonly Remark[] {
  if (isLogin && server.flags?.delegates !== true) return [];
  const isAbove = (own: ServiceAccount, other: ServiceAccount) =>
    isLogin ? precedenceOf(other) > precedenceOf(own) : precedenceOf(own) > precedenceOf(other);
  const moved = delegated.filter(other =>
    accounts.some((account, index) => isAbove(account, other) !== isAbove(after[index] ?? account, other)),
  );
  const namespaces = new Set(moved.map(({ metadata }) => metadata.namespace));
  const textOf = (name: string) =>
    isLogin
      ? `Argo Server looks into namespace ${name} too, whose ServiceAccounts no longer stand above those of this policy: adopt that namespace first, which puts them at 10000 and below`
      : `where an Argo Server of namespace ${name} looks into namespace ${home} too: ServiceAccounts of this policy come to stand on the other side of some of those in ${name}, and people get others in ${home} than today`;
  return remarks('change', [...namespaces].map(textOf));
}

/** What keeps a policy from describing Argo Server at all, or people from signing in by it. */
function brokenServer({ flags, reading, settings }: FoundServer, namespace: string): readonly string[] {
  const name = settings === undefined ? 'settings' : `ConfigMap ${settings.metadata.name}`;
  const managed = flags?.managedNamespace;
  return [
    ...(reading?.form === 'mixed'
      ? [`${name} has key config beside others, and Argo does not start with that`]
      : []),
    ...(reading !== undefined && reading.form !== 'mixed' && reading.sso.state === 'broken'
      ? [`${name} cannot be read: ${reading.sso.message}`]
      : []),
    ...(flags !== undefined && !flags.authModes.includes('sso')
      ? [
          'Argo Server is started without --auth-mode=sso, so that nobody signs in by it; no policy changes that',
        ]
      : []),
    ...(managed !== undefined && managed !== namespace
      ? [
          `Argo Server looks for ServiceAccounts in namespace ${managed}: describe those by --namespace ${managed}`,
        ]
      : []),
  ];
}

const NO_RBAC =
  "Argo's rbac is not enabled, so that everybody acts as Argo Server itself today; with the policy everybody acts as the " +
  'ServiceAccount of a role';
const SKIPS_VERIFY =
  "insecureSkipVerify goes from Argo's settings: name Keycloak's authority in spec.server.rootCA, unless it is a well-known one";

const NO_DEPLOYMENT =
  'how Argo Server is started, and whether it looks into other namespaces: it is not found under that name, and not restarted ' +
  'by the operator; say --deployment';

/** What of Argo's settings and of its start is not, or does not stay, as a policy has it. */
export function serverRemarks(policy: Policy, server: FoundServer, block: SsoBlock): readonly Remark[] {
  const lost = remarks('lost', brokenServer(server, policy.metadata.namespace));
  const want = desiredSso(policy, block.issuer ?? '', server.version);
  if (want === undefined) return lost;
  const name = `ConfigMap ${policy.spec.server?.configMap?.name}`;
  const rewritten = settingDifferences(want, block)
    .filter(({ field }) => field !== 'rbac')
    .map(({ field, have, want: next }) => `${name}: sso.${field} ${have ?? '(none)'} → ${next ?? '(none)'}`);
  return [
    ...lost,
    ...remarks('change', block.rbac?.enabled === true ? [] : [NO_RBAC]),
    ...remarks('change', block.insecureSkipVerify === true ? [SKIPS_VERIFY] : []),
    ...remarks('rewritten', rewritten),
    ...remarks('unknown', server.deployment === undefined ? [NO_DEPLOYMENT] : []),
  ];
}

/** Keys that Argo does not know; of key config, which the operator never writes, they are nobody's business. */
function unknownIn({ reading }: FoundServer): readonly string[] {
  return reading?.form === 'sections' && reading.sso.state === 'read' ? reading.sso.unknown : [];
}

/** What others have to write, for the operator does not; undefined where it says that already, or the operator does. */
export function settingsToPaste(policy: Policy, server: FoundServer, block: SsoBlock): string | undefined {
  const want = desiredSso(policy, block.issuer ?? '', server.version);
  const isOthers = server.settingsHolders.length > 0 || server.reading?.form === 'config';
  if (want === undefined || !isOthers) return undefined;
  if (needsNoWriting(want, block, unknownIn(server))) return undefined;
  const merged = mergedSso(block, want);
  if (server.reading?.form !== 'config') return pasteBlock(merged);
  const isHelms = server.settings !== undefined && isMadeByHelm(server.settings);
  return isHelms ? helmValues(merged) : pasteIntoConfig(merged);
}
