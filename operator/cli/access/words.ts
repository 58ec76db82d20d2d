import { VERBS, type WorkflowVerbs } from '../../policy/workflow-verbs.ts';
import type { ResolvedGrant } from './read.ts';

/** Where a grant holds, for people. */
export function placeText(namespace: string | undefined): string {
  return namespace === undefined ? 'all namespaces' : namespace;
}

/** Verbs in a few words. */
export function verbsText(workflows: WorkflowVerbs | undefined): string {
  if (workflows === undefined) return 'unknown, for the role is not there or may not be read';
  const { verbs, named } = workflows;
  const all = VERBS.every(verb => verbs.includes(verb)) ? 'everything' : verbs.join(' ');
  const some = named.length === 0 ? '' : `${named.join(' ')} (of certain names)`;
  return [all, some].filter(text => text !== '').join(', ') || 'nothing';
}

/** A grant with its verbs on workflows, in a line. */
export function grantText({ role, namespace, workflows }: ResolvedGrant): string {
  return `${role.kind} ${role.name} in ${placeText(namespace)}; with workflows: ${verbsText(workflows)}`;
}
