import { describe, expect, it } from 'vitest';
import { type PolicyRule, VERBS, workflowVerbs } from '../../operator/policy/workflow-verbs.ts';

const of = (rule: Partial<PolicyRule>) =>
  workflowVerbs([{ apiGroups: ['argoproj.io'], resources: ['workflows'], verbs: ['*'], ...rule }]);

describe('what a rule lets do with workflows', () => {
  it.each([
    ['of every group and resource', { apiGroups: ['*'], resources: ['*'] }, VERBS],
    ['of every verb', {}, VERBS],
    ['of a verb that is none of the API server', { verbs: ['get', 'own'] }, ['get', 'own']],
    ['of subresources', { resources: ['workflows/*', '*/status', '*/*'] }, []],
    ['of another group', { apiGroups: [''] }, []],
    ['of what is no resource', { apiGroups: [], resources: [] }, []],
  ])('%s', (_, rule, verbs) => {
    expect(of(rule)).toEqual({ verbs, named: [] });
  });

  it('of certain names is all but to create them, for the API server does not know the name then', () => {
    expect(of({ resourceNames: ['a'], verbs: ['create', 'get', 'list'] })).toEqual({
      verbs: [],
      named: ['get', 'list'],
    });
    expect(of({ resourceNames: ['a'] }).named).toEqual(VERBS.filter(verb => verb !== 'create'));
  });
});
