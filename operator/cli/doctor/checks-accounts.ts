import { ARGO_PRECEDENCE } from '../../api/names.ts';
import { argoPrecedence, argoRule, exactPrecedence } from '../../policy/accounts.ts';
import type { RuleVerdicts, Verdict } from '../../policy/observation.ts';
import { RULE_EVERYONE } from '../../policy/rules.ts';
import { engineError } from '../../policy/short.ts';
import type { TokenState } from '../access/tokens.ts';
import { remedyFor } from '../explain/nearest.ts';
import { type Check, fail, type Outcome, orPass, pass, unknown, warn } from './finding.ts';
import { type AccountSight, type DoctorSnapshot, everyAccount, kubectl, orUndefined } from './snapshot.ts';

function nameOf({ account: { metadata } }: AccountSight): string {
  return `ServiceAccount ${metadata.namespace}/${metadata.name}`;
}

/** Accounts of other namespaces that are named. */
const MOST_NAMED = 5;

/** Argo Server finds an account for somebody at all. */
function accounts(snapshot: DoctorSnapshot): readonly Outcome[] {
  const { accounts: seen, accountNamespace, elsewhere } = snapshot;
  const object = `namespace ${accountNamespace}`;
  if ('unknown' in seen) return [unknown(object, seen.unknown)];
  const count = seen.known.length;
  if (count > 0) return [pass(object, `has ${count} ServiceAccounts with a rule`)];
  const more = elsewhere.length > MOST_NAMED ? ', and others' : '';
  const others =
    elsewhere.length === 0
      ? ''
      : `. Argo Server does not look for the login at those of other namespaces: ${elsewhere.slice(0, MOST_NAMED).join(', ')}${more}`;
  return [
    fail(
      object,
      `no ServiceAccount of namespace ${accountNamespace} has the annotation workflows.argoproj.io/rbac-rule, so that nobody gets in ("no service account rule matches")${others}`,
      `make one there with a rule such as '"/platform/viewers" in ($env?.groups ?? [])', its token, and a role; the rule 'true' would let everybody of the realm in`,
    ),
  ];
}

/** The accounts that nobody gets, for a rule that is true for everybody stands above them. */
function shadowed(sights: readonly AccountSight[]): readonly Outcome[] {
  const precedence = ({ account }: AccountSight) => exactPrecedence(account);
  const isOpen = ({ account }: AccountSight) => argoRule(account)?.trim() === RULE_EVERYONE;
  const top = sights.filter(isOpen).toSorted((a, b) => (precedence(a) > precedence(b) ? -1 : 1))[0];
  if (top === undefined) return [];
  // Of one that counts as 0 by mistake, that is told already.
  const below = sights.filter(
    each => precedence(each) < precedence(top) && oddPrecedence(each) === undefined,
  );
  if (below.length === 0) return [];
  const [names, over] = [below.map(nameOf).join(', '), nameOf(top)];
  return [
    warn(
      names,
      `nobody gets ${names}: ${over} stands above with a rule that is true for everybody, and Argo takes the highest precedence first`,
      `give ${over} a lower ${ARGO_PRECEDENCE} than the others have; it has ${precedence(top)}`,
    ),
  ];
}

/** A precedence that is no integer. */
function oddPrecedence({ account: { metadata } }: AccountSight): string | undefined {
  const said = metadata.annotations?.[ARGO_PRECEDENCE];
  return said === undefined || /^[+-]?[0-9]+$/.test(said) ? undefined : said;
}

/** What is no integer counts as 0, and of those of one precedence Argo takes any (argo-workflows, server/auth/gatekeeper.go). */
function precedences(snapshot: DoctorSnapshot): readonly Outcome[] {
  const seen = orUndefined(snapshot.accounts);
  if (seen === undefined || seen.length === 0) return [];
  const odd = everyAccount(snapshot).flatMap(sight => {
    const said = oddPrecedence(sight);
    if (said === undefined) return [];
    const name = nameOf(sight);
    return [
      fail(
        name,
        `${name} has the precedence ${JSON.stringify(said)}, which is no integer and counts as 0`,
        `write an integer into its annotation ${ARGO_PRECEDENCE}`,
      ),
    ];
  });
  const tiers = Map.groupBy(seen, ({ account }) => exactPrecedence(account));
  const ties = [...tiers].flatMap(([precedence, tier]) => {
    if (tier.length < 2) return [];
    const names = tier.map(nameOf).join(', ');
    return [
      warn(
        names,
        `${names} have one precedence, ${precedence}: whoever several of their rules match gets any of them`,
        `give each another one, by its annotation ${ARGO_PRECEDENCE}`,
      ),
    ];
  });
  return orPass(
    [...odd, ...ties, ...shadowed(seen)],
    `namespace ${snapshot.accountNamespace}`,
    'each has one of its own',
  );
}

function failed({ withGroups, noGroups }: RuleVerdicts): readonly (readonly [string, Verdict])[] {
  const both = [
    ['somebody in groups', withGroups],
    ['somebody in no group', noGroups],
  ] as const;
  return both.filter(([, verdict]) => verdict.kind === 'error');
}

/** What rules see of a user (argo-workflows, server/auth/types/claims.go). */
const CLAIMS = ['groups', 'email', 'name', 'preferred_username', 'sub', 'exp', 'iss'];
const USUAL_FORM = '"/platform/admins" in ($env?.groups ?? [])';

function ruleRemedy(error: string): string {
  const [, name] = /unknown name (\w+)/.exec(error) ?? [];
  if (name === undefined) {
    return `write the rule as ${USUAL_FORM}, with the group in quotes, and the whole in none`;
  }
  if (name === 'groups') return remedyFor(error);
  if (!CLAIMS.includes(name)) {
    return `take ${name} out: to a rule Argo hands over ${CLAIMS.join(', ')}, and no other claim`;
  }
  return `not everybody has ${name}: write ($env?.${name} ?? "") in place of ${name}`;
}

/** Argo denies everybody who comes to a rule that fails, even where a lower one would match. */
function rules(snapshot: DoctorSnapshot): readonly Outcome[] {
  const seen = everyAccount(snapshot);
  if (seen.length === 0) return [];
  const outcomes = seen.flatMap((sight): readonly Outcome[] => {
    const name = nameOf(sight);
    if ('unknown' in sight.verdicts)
      return [unknown(name, `the rule of ${name} was not tried: ${sight.verdicts.unknown}`)];
    const [first, second] = failed(sight.verdicts.known);
    if (first === undefined || first[1].kind !== 'error') return [];
    const whom = second === undefined ? first[0] : 'everybody';
    const why = engineError(first[1].message);
    const isLogin = sight.account.metadata.namespace === snapshot.accountNamespace;
    const what = isLogin
      ? 'denies whoever comes to it, whatever stands below'
      : 'counts for nothing, as an account of the login is taken in its place';
    return [
      (isLogin ? fail : warn)(
        name,
        `the rule of ${name} fails for ${whom} (${why}), and ${what}`,
        ruleRemedy(first[1].message),
      ),
    ];
  });
  return orPass(
    outcomes,
    `namespace ${snapshot.accountNamespace}`,
    'no rule fails, neither with groups nor without',
  );
}

type Flaw = Exclude<TokenState['state'], 'filled' | 'unread'>;

function flawOf(sight: AccountSight, state: Flaw): string {
  const { secret } = sight.token;
  switch (state) {
    case 'missing':
      return `Secret ${secret} with the token of ${nameOf(sight)} does not exist, and since Kubernetes 1.24 nobody makes it`;
    case 'empty':
      return `Secret ${secret} of ${nameOf(sight)} has no token, so that whoever gets the account is nobody to Kubernetes`;
    case 'foreign':
      return `Secret ${secret}, from which Argo takes the token of ${nameOf(sight)}, is no token of this account`;
    case 'held':
      return `${nameOf(sight)} is held by the operator, which keeps people out while it changes something`;
  }
}

function tokenRemedy(sight: AccountSight, snapshot: DoctorSnapshot): string {
  const { account, token } = sight;
  const { namespace, name } = account.metadata;
  const wanted = `${name}.service-account-token`;
  const own = `a Secret ${wanted} of type kubernetes.io/service-account-token with the annotation kubernetes.io/service-account.name: ${name}`;
  switch (token.state) {
    case 'held':
      return 'wait; where it stays so, see `argo-access status`';
    case 'empty':
      return `wait a moment; where it stays so, delete Secret ${token.secret}, and make it anew in namespace ${namespace}: ${own}`;
    case 'foreign':
      if (token.secret === wanted)
        return `delete Secret ${wanted} of namespace ${namespace}, and make there ${own}`;
      return account.secrets.length > 0 && token.secret === account.secrets[0]
        ? `make in namespace ${namespace} ${own}, and name it first in the account's list: \`${kubectl(snapshot, namespace)} edit serviceaccount ${name}\`, secrets`
        : `make in namespace ${namespace} ${own}, and take the annotation workflows.argoproj.io/service-account-token.name off the account, if it has it`;
    default:
      return `make in namespace ${namespace} ${own.replace(wanted, token.secret)}`;
  }
}

/** Argo Server acts with the account's own token (argo-workflows, util/secrets/secret_name.go). */
function tokens(snapshot: DoctorSnapshot): readonly Outcome[] {
  const seen = everyAccount(snapshot);
  if (seen.length === 0) return [];
  const unread = seen.filter(({ token }) => token.state === 'unread');
  const outcomes = seen.flatMap((sight): readonly Outcome[] => {
    const { state } = sight.token;
    if (state === 'filled' || state === 'unread') return [];
    const judge = state === 'held' ? warn : fail;
    return [judge(nameOf(sight), flawOf(sight, state), tokenRemedy(sight, snapshot))];
  });
  const hidden =
    unread.length === 0
      ? []
      : [
          unknown(
            unread.map(nameOf).join(', '),
            `how it is with the tokens of ${unread.map(nameOf).join(', ')}: you may not get their Secrets (\`${kubectl(snapshot, unread[0]?.account.metadata.namespace)} auth can-i get secrets\`)`,
          ),
        ];
  return orPass([...outcomes, ...hidden], `namespace ${snapshot.accountNamespace}`, 'each has its token');
}

/** Whether roles let an account do something with workflows; undefined where none is known to, and some are not known. */
function mayDoSomething({ grants: list }: AccountSight): boolean | undefined {
  const known = list.flatMap(({ workflows }) => workflows ?? []);
  if (known.some(({ verbs, named }) => verbs.length + named.length > 0)) return true;
  return known.length < list.length ? undefined : false;
}

/** Workflows are made and read with the account's own rights. */
function grants(snapshot: DoctorSnapshot): readonly Outcome[] {
  const { grantsHidden, flags } = snapshot;
  const list = orUndefined(snapshot.accounts) ?? [];
  if (list.length === 0) return [];
  const object = `namespace ${snapshot.accountNamespace}`;
  // With delegation an account of the login needs no right of its own.
  if (flags?.delegates === true) return [pass(object, 'namespaces have accounts of their own')];
  const lacking = list.filter(sight => mayDoSomething(sight) === false).map(nameOf);
  const untold = list.filter(sight => mayDoSomething(sight) === undefined).map(nameOf);
  if (lacking.length + untold.length > 0 && grantsHidden.length > 0) {
    return grantsHidden.map(why => unknown(object, why));
  }
  const outcomes = lacking.map(name =>
    warn(
      name,
      `no role that is bound to ${name} lets it do anything with workflows, so that whoever gets it sees "not allowed"`,
      "bind it a role that does, such as ClusterRole argo-access-viewer of config/clusterroles, or Argo's own argo-aggregate-to-view",
    ),
  );
  const hidden = untold.map(name => unknown(name, `what the roles of ${name} allow is not known`));
  return orPass([...outcomes, ...hidden], object, 'each may do something with workflows');
}

/** Who Argo Server takes people for. */
export const ACCOUNT_CHECKS: readonly Check[] = [
  { id: 'accounts', subject: 'accounts', judge: accounts },
  { id: 'precedences', subject: 'accounts', judge: precedences },
  { id: 'rules', subject: 'accounts', judge: rules },
  { id: 'tokens', subject: 'accounts', judge: tokens },
  { id: 'grants', subject: 'accounts', judge: grants },
];

/** The least precedence of accounts, as Argo counts it. */
export function leastPrecedence(sights: readonly AccountSight[]): number {
  return Math.min(...sights.map(({ account }) => argoPrecedence(account)));
}
