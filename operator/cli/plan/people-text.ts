import type { Access, Who } from '../../policy/people.ts';
import type { PeopleReport } from './report.ts';

/** So many names are given; of more, how many. */
const MOST_NAMED = 6;

function listed(names: readonly string[], word = 'and'): string {
  const shown = names.length > MOST_NAMED ? names.slice(0, MOST_NAMED - 1) : names;
  const rest = names.length - shown.length;
  const all = rest > 0 ? [...shown, `${rest} more`] : shown;
  const last = all.at(-1) ?? '';
  return all.length < 2 ? last : `${all.slice(0, -1).join(', ')} ${word} ${last}`;
}

function nameOf(who: Who): string {
  switch (who.kind) {
    case 'members':
      return `members of ${listed(who.groups, 'or')}`;
    case 'both':
      return `members of both ${listed(who.first, 'or')} and ${listed(who.second, 'or')}`;
    case 'others':
      return 'everybody in none of the groups that rules name';
    case 'expression':
      return `whoever ${who.expression} is true for`;
    case 'user':
      return `user ${who.name} (${who.groups.length === 0 ? 'in no group' : listed(who.groups)})`;
  }
}

/** Verbs as they go with a name. */
interface Verbs {
  readonly are: string;
  readonly become: string;
  readonly stay: string;
  readonly gain: string;
  readonly lose: string;
}

const MANY: Verbs = { are: 'are', become: 'become', stay: 'stay', gain: 'gain', lose: 'lose' };
const ONE: Verbs = { are: 'is', become: 'becomes', stay: 'stays', gain: 'gains', lose: 'loses' };

function verbsOf({ kind }: Who): Verbs {
  return kind === 'members' || kind === 'both' ? MANY : ONE;
}

function accounts({ serviceAccounts }: Access, namespace: string): string {
  return listed(
    serviceAccounts.map(name => `${namespace}/${name}`),
    'or',
  );
}

function isDenied({ serviceAccounts, failing }: Access): boolean {
  return serviceAccounts.length === 0 || failing !== undefined;
}

/** Grants as roles, each with the namespaces in which it is granted. */
function grantsText(grants: readonly string[]): string {
  if (grants.length === 0) return 'nothing that was granted';
  const places = Map.groupBy(grants, grant => grant.slice(0, grant.lastIndexOf(' in ')));
  const texts = [...places].map(([role, list]) => {
    const namespaces = list.map(grant => grant.slice(role.length + ' in '.length));
    return `${role} in ${listed(namespaces)}`;
  });
  return listed(texts);
}

/** What somebody gains and loses. */
function difference(before: Access, after: Access, verbs: Verbs): string {
  const gained = after.grants.filter(grant => !before.grants.includes(grant));
  const lost = before.grants.filter(grant => !after.grants.includes(grant));
  const parts = [
    ...(gained.length > 0 ? [`${verbs.gain} ${grantsText(gained)}`] : []),
    ...(lost.length > 0 ? [`${verbs.lose} ${grantsText(lost)}`] : []),
  ];
  return parts.join(', and ');
}

/** One line about somebody, and its sign: `+` more, `-` less, `~` other. */
export interface PeopleLine {
  readonly sign: '+' | '-' | '~';
  readonly text: string;
}

/** What changes for somebody, in a line. */
export function peopleLine({ namespace, who, before, after }: PeopleReport): PeopleLine {
  const [name, verbs] = [nameOf(who), verbsOf(who)];
  if (after.failing !== undefined) {
    const text = `${name} ${verbs.are} denied: the rule of ServiceAccount ${namespace}/${after.failing} fails`;
    return { sign: '-', text };
  }
  if (isDenied(before) && !isDenied(after)) {
    const text = `${name} ${verbs.become} ${accounts(after, namespace)}, with ${grantsText(after.grants)}`;
    return { sign: '+', text };
  }
  if (isDenied(after)) {
    const lost = `${verbs.lose} ${accounts(before, namespace)}, with ${grantsText(before.grants)}`;
    return { sign: '-', text: `${name} ${lost}, and no rule matches any more` };
  }
  const same = accounts(before, namespace) === accounts(after, namespace);
  const what = difference(before, after, verbs);
  if (same) return { sign: '~', text: `${name} ${verbs.stay} ${accounts(after, namespace)}, and ${what}` };
  const instead = `${verbs.become} ${accounts(after, namespace)} in place of ${accounts(before, namespace)}`;
  return { sign: '~', text: `${name} ${instead}, ${what === '' ? 'with the same grants' : `and ${what}`}` };
}
