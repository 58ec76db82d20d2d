import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { judge } from '../../operator/cli/validate/judge.ts';

const NOWHERE = { wasmPath: '/nowhere/rule-engine.wasm' };

function fileWith(...roles: readonly object[]) {
  const policy = {
    apiVersion: 'argo-access.io/v1alpha1',
    kind: 'ArgoAccessPolicy',
    metadata: { name: 'workflows', namespace: 'argo' },
    spec: { roles },
  };
  return { file: 'policy.yaml', text: stringify(policy) };
}

describe('without the rule engine', () => {
  it('nothing is missed where no role has an expression', async () => {
    expect((await judge([fileWith({ name: 'a', everyone: true })], NOWHERE)).findings).toEqual([]);
  });

  it('a note tells of each expression that it was not tried', async () => {
    const roles = [
      { name: 'a', when: 'true' },
      { name: 'b', groups: ['/b'] },
      { name: 'c', when: 'groups' },
    ];
    const { findings } = await judge([fileWith(...roles)], NOWHERE);
    const notes = findings.filter(({ rule }) => rule === 'NotJudged');
    expect(notes.map(({ severity, field, line }) => [severity, field, line])).toEqual([
      ['note', 'spec.roles[0].when', 9],
      ['note', 'spec.roles[2].when', 14],
    ]);
    expect(notes[0]?.message).toContain("was not tried: Argo's rule engine cannot be started (ENOENT");
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  });
});
