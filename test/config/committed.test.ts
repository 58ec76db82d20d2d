import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { rbac } from '../../operator/cli/rbac/render.ts';
import type { RightsRole, Rule } from '../../operator/rbac.ts';

const CONFIG = join(import.meta.dirname, '..', '..', 'config');
const ACCOUNT = { operatorNamespace: 'argo-access-system', serviceAccount: 'argo-access-operator' };

describe('committed rights', () => {
  it.each([
    ['base', 'default'],
    ['example', 'example'],
  ])('of config/%s are what its configuration gives', async (source, target) => {
    const committed = await readFile(join(CONFIG, target, 'rights.yaml'), 'utf8');
    const command = `npm run --silent argo-access -- rbac --config config/${source}/config.yaml > config/${target}/rights.yaml`;
    expect(
      committed === (await rbac(join(CONFIG, source, 'config.yaml'), ACCOUNT)),
      `config/${target}/rights.yaml is stale; run: ${command}`,
    ).toBe(true);
  });
});

async function readyRole(name: string): Promise<RightsRole> {
  return parse(await readFile(join(CONFIG, 'clusterroles', `${name}.yaml`), 'utf8'));
}

function grants({ rules }: RightsRole): readonly string[] {
  const spread = ({ resourceNames = ['any'] }: Rule) => resourceNames;
  return rules.flatMap(rule =>
    rule.resources.flatMap(resource =>
      rule.verbs.flatMap(verb => spread(rule).map(name => `${verb} ${rule.apiGroups} ${resource} ${name}`)),
    ),
  );
}

describe('the ready ClusterRoles', () => {
  it.each([
    ['submitter', 'viewer'],
    ['admin', 'submitter'],
  ])('%s allows all that %s allows, and more', async (more, less) => {
    const [large, small] = [grants(await readyRole(more)), grants(await readyRole(less))];
    expect(small.filter(grant => !large.includes(grant))).toEqual([]);
    expect(large.length).toBeGreaterThan(small.length);
  });

  it.each(['viewer', 'submitter', 'admin'])(
    '%s gives no Secret but those named, and no wildcard',
    async name => {
      const { metadata, rules } = await readyRole(name);
      expect(metadata.name).toBe(`argo-access-${name}`);
      for (const rule of rules) {
        expect([...rule.apiGroups, ...rule.resources, ...rule.verbs].join()).not.toContain('*');
        if (rule.resources.includes('secrets'))
          expect([rule.verbs, rule.resourceNames?.length]).toEqual([['get'], 2]);
      }
    },
  );

  it('viewer changes nothing', async () => {
    const verbs = (await readyRole('viewer')).rules.flatMap(rule => rule.verbs);
    expect([...new Set(verbs)].sort()).toEqual(['get', 'list', 'watch']);
  });
});
