/** A rule of a Role or ClusterRole, as far as it is about the API's objects. */
export interface PolicyRule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** What a role lets do with workflows. */
export interface WorkflowVerbs {
  /** In the order of {@link VERBS}; others after these, by name. */
  readonly verbs: readonly string[];
  /** Only with workflows of certain names. */
  readonly named: readonly string[];
}

/** The verbs that the API server has for objects. */
export const VERBS = [
  'get',
  'list',
  'watch',
  'create',
  'update',
  'patch',
  'delete',
  'deletecollection',
] as const;

const GROUP = 'argoproj.io';
const RESOURCE = 'workflows';

function covers(list: readonly string[] | undefined, name: string): boolean {
  return list?.some(each => each === '*' || each === name) === true;
}

function placeOf(verb: string): number {
  const place = (VERBS as readonly string[]).indexOf(verb);
  return place === -1 ? VERBS.length : place;
}

/** Verbs once, in their order; `*` is all of them. */
export function orderVerbs(given: Iterable<string>): readonly string[] {
  const verbs = [...given].flatMap(verb => (verb === '*' ? VERBS : [verb]));
  return [...new Set(verbs)].toSorted((a, b) => placeOf(a) - placeOf(b) || (a < b ? -1 : 1));
}

/** Of what is yet to be created the API server does not know the name when it asks for the right. */
function isAskedByName(verb: string): boolean {
  return verb !== 'create';
}

/** What rules let do with Argo's workflows. */
export function workflowVerbs(rules: readonly PolicyRule[]): WorkflowVerbs {
  const about = rules.filter(
    ({ apiGroups, resources }) => covers(apiGroups, GROUP) && covers(resources, RESOURCE),
  );
  const of = (list: readonly PolicyRule[]) => orderVerbs(list.flatMap(rule => rule.verbs));
  const verbs = of(about.filter(({ resourceNames = [] }) => resourceNames.length === 0));
  const named = of(about.filter(({ resourceNames = [] }) => resourceNames.length > 0)).filter(isAskedByName);
  return { verbs, named: named.filter(verb => !verbs.includes(verb)) };
}

/** What several roles let do together. */
export function togetherVerbs(each: readonly WorkflowVerbs[]): WorkflowVerbs {
  const verbs = orderVerbs(each.flatMap(one => one.verbs));
  const named = orderVerbs(each.flatMap(one => one.named));
  return { verbs, named: named.filter(verb => !verbs.includes(verb)) };
}
