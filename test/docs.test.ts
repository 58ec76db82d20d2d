import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { policySchema } from '../operator/api/policy-schema.ts';
import { specSchema } from '../operator/api/schema.ts';
import { configSchema } from '../operator/config/schema.ts';
import { Reason } from '../operator/policy/reasons.ts';
import { desiredSso } from '../operator/policy/server-sso.ts';
import {
  anchors,
  capitalWords,
  documents,
  type Fields,
  links,
  PAGES,
  policies,
  ROOT,
  read,
  tableRows,
} from './docs-pages.ts';
import { makePolicy } from './policy/fixtures.ts';

const ROTATION = 'docs/rotation.md';
const INSTALL = 'docs/install-argo.md';

/** Words in the form of reasons that are something else: conditions, kinds of objects and of policies, metrics' labels, causes. */
const NO_REASONS = [
  'Ready',
  'Reconciling',
  'Stalled',
  'True',
  'False',
  'ServerReady',
  'SecretReady',
  'ClientReady',
  'RegenerateSecret',
  'ProveSecret',
  'RollDeployment',
  'EndOverlap',
  'Schedule',
  'Expiry',
  'Request',
  'ByHand',
  'RollingUpdate',
  'Recreate',
];

it.each([ROTATION, INSTALL])('%s names no reason that does not exist', page => {
  const known: readonly string[] = [...Object.values(Reason), ...NO_REASONS];
  expect(capitalWords(page).filter(word => !known.includes(word))).toEqual([]);
});

/** How many cells a row of a table has; a bar within a cell is written `\\|`. */
const columns = (row: string) => row.replaceAll('\\|', '').split('|').length;

describe('the documents', () => {
  it('show policies', () => {
    expect(new Set(policies.map(({ page }) => page))).toEqual(new Set(['README.md', ROTATION, INSTALL]));
  });

  it.each(policies)('$page shows a policy that is valid, number $index', ({ policy }) => {
    expect(policySchema.safeParse(policy).error?.issues ?? []).toEqual([]);
  });

  it.each(PAGES.flatMap(links))('$page leads to $target', ({ page, target }) => {
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? page : join(dirname(page), path);
    expect(existsSync(join(ROOT, file)), file).toBe(true);
    if (anchor !== undefined) expect(anchors(file)).toContain(anchor);
  });

  it.each(PAGES)('%s: every row of a table has the columns of its head', page => {
    const tables = read(page).matchAll(/^(?:\|.*\|\n)+/gm);
    const uneven = [...tables].flatMap(([table]) => {
      const [head = '', ...rows] = table.trim().split('\n');
      return rows.filter(row => columns(row) !== columns(head));
    });
    expect(uneven).toEqual([]);
  });

  it('show parts of a policy, and of the configuration, that are valid', () => {
    const rest = {
      client: { clientId: 'argo', url: 'https://argo.example.com', secret: { name: 'argo' } },
      roles: [{ name: 'viewer', everyone: true }],
    };
    const servers = documents(INSTALL).flatMap(({ kind, server }) =>
      kind === undefined && server !== undefined && !('sso' in (server as Fields)) ? [server] : [],
    );
    expect(servers).toHaveLength(2);
    for (const server of servers) expect(specSchema.safeParse({ ...rest, server }).error).toBeUndefined();

    const namespaces = documents(INSTALL).flatMap(part => (part.namespaces === undefined ? [] : [part]));
    expect(namespaces).toHaveLength(1);
    const connection = {
      name: 'default',
      url: 'https://keycloak.example.com',
      realm: 'platform',
      clientId: 'operator',
      clientSecretEnv: 'SECRET',
    };
    const config = { instanceId: 'production', connections: [connection], ...namespaces[0] };
    expect(configSchema.safeParse(config).error?.issues ?? []).toEqual([]);
  });
});

describe(INSTALL, () => {
  const folder = join(ROOT, 'operator', 'policy');
  const found = ['checks-server.ts', 'checks-settings.ts'].flatMap(name =>
    [...readFileSync(join(folder, name), 'utf8').matchAll(/Reason\.(\w+)/g)].map(([, reason = '']) => reason),
  );
  const own = [...new Set(found)].filter(reason => !reason.startsWith('Kubernetes'));

  it.each(own)('explains %s in a table', reason => {
    expect(tableRows(INSTALL).some(row => row.startsWith(`| \`${reason}\``))).toBe(true);
  });

  const [shown] = policies.filter(({ page }) => page === INSTALL);
  const policy = makePolicy(shown?.policy.spec);
  const issuer = 'https://keycloak.example.com/realms/platform';
  const version = { major: 4, minor: 1 };

  it('shows the settings that the operator writes for the policy that it shows', () => {
    const configMap = documents(INSTALL).find(({ kind }) => kind === 'ConfigMap') as {
      readonly data: { readonly sso: string };
    };
    expect(parse(configMap.data.sso)).toEqual(desiredSso(policy, issuer, version));
  });

  it("shows the same as values of argo-helm's chart", () => {
    const chart = documents(INSTALL).find(({ server }) => 'sso' in ((server ?? {}) as Fields));
    const sso = { enabled: true, ...desiredSso(policy, issuer, version) };
    expect(chart).toEqual({ server: { authModes: ['sso'], sso } });
  });
});
