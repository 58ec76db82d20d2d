import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Report } from '../../operator/cli/validate/finding.ts';
import { asGithub } from '../../operator/cli/validate/github.ts';
import { asSarif } from '../../operator/cli/validate/sarif.ts';
import { asText } from '../../operator/cli/validate/text.ts';
import { argoAccess } from './command-line.ts';

const CONFIG = join(import.meta.dirname, '..', '..', 'config', 'example', 'config.yaml');

function policy(name: string, { namespace = 'argo', group = '/teams/a', precedence = 1000 } = {}): string {
  return `apiVersion: argo-access.io/v1alpha1
kind: ArgoAccessPolicy
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  precedence: ${precedence}
  roles:
    - name: viewer
      groups: [${group}]
`;
}

const RIGHT = policy('right');
const WRONG = policy('wrong', { group: 'teams' });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'argo-access-cli-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Writes files into the folder; gives their paths. */
async function files(texts: Readonly<Record<string, string>>): Promise<readonly string[]> {
  return Promise.all(
    Object.entries(texts).map(async ([name, text]) => {
      const path = join(folder, name);
      await mkdir(join(path, '..'), { recursive: true });
      await writeFile(path, text);
      return path;
    }),
  );
}

const placesIn = (out: string) =>
  out
    .split('\n')
    .filter(line => line.includes(': error: '))
    .map(line => relative(folder, line.split(':')[0] ?? ''));

describe('argo-access validate', () => {
  it('ends with 0 where nothing is wrong, and says how much it has looked at', async () => {
    const [path = ''] = await files({ 'right.yaml': RIGHT });
    expect(await argoAccess(['validate', path])).toEqual({
      code: 0,
      out: '1 policy in 1 file: nothing wrong\n',
      err: '',
    });
  });

  it('ends with 1 where there is an error, in a line that editors understand', async () => {
    const [path = ''] = await files({ 'wrong.yaml': WRONG });
    const { code, out, err } = await argoAccess(['validate', path]);
    expect({ code, err }).toEqual({ code: 1, err: '' });
    expect(out).toMatch(
      /^.*wrong\.yaml:8:16: error: spec\.roles\[0\]\.groups\[0\]: must name .* \[Schema\]\n/,
    );
    expect(out).toMatch(/\n1 policy in 1 file: 1 error\n$/);
  });

  it('ends with 0 where there are only warnings', async () => {
    const [path = ''] = await files({ 'twice.yaml': `${RIGHT}---\n${RIGHT}` });
    const { code, out } = await argoAccess(['validate', path]);
    expect(code).toBe(0);
    expect(out).toMatch(/: warning: .*\n2 policies in 1 file: 1 warning\n$/);
  });

  it.each([
    [
      'a file that is not there',
      ['nowhere.yaml'],
      'nowhere.yaml cannot be read (ENOENT); correct the path\n',
    ],
    ['a folder without YAML', ['empty'], 'empty has no *.yaml, *.yml or *.json; correct the path\n'],
  ])('ends with 2 for %s, before it says anything of others', async (_, names, message) => {
    const [path = ''] = await files({ 'wrong.yaml': WRONG, 'empty/README.md': '' });
    const { code, out, err } = await argoAccess(['validate', path, ...names.map(name => join(folder, name))]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toBe(`${folder}/${message}`);
  });

  it.each([
    ['without a file', ['validate'], "missing required argument 'file'"],
    ['with a format that there is not', ['validate', '-o', 'xml', 'a'], 'Allowed choices are text, json'],
  ])('ends with 2 %s', async (_, args, message) => {
    const { code, out, err } = await argoAccess(args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
  });

  it('ends with 1 where the configuration is wrong', async () => {
    const [path = '', config = ''] = await files({ 'right.yaml': RIGHT, 'config.yaml': 'instanceId: A\n' });
    const { code, out, err } = await argoAccess(['validate', '--config', config, path]);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/^.*config\.yaml:1:1: instanceId: must be lower-case/);
  });

  it('reads the standard input', async () => {
    const { code, out } = await argoAccess(['validate', '-'], `${RIGHT}---\n${WRONG}`);
    expect(code).toBe(1);
    expect(out).toMatch(/^stdin:17:16: error: /);
  });

  it('reads folders to the bottom, but those of tools, and other files than YAML and JSON not', async () => {
    await files({
      'a.yaml': WRONG,
      'b/c/d.yml': WRONG,
      'b/e.json': JSON.stringify(parse(WRONG)),
      'b/README.md': WRONG,
      '.github/f.yaml': WRONG,
      'node_modules/g.yaml': WRONG,
    });
    await symlink(join(folder, 'a.yaml'), join(folder, 'b', 'z.yaml'));
    const { out } = await argoAccess(['validate', folder]);
    expect(placesIn(out)).toEqual(['a.yaml', 'b/c/d.yml', 'b/e.json', 'b/z.yaml']);
  });

  it('reads UTF-16 as kubectl does', async () => {
    const path = join(folder, 'wrong.yaml');
    const bytes = Buffer.from(`\ufeff${WRONG}`, 'utf16le');
    for (const text of [bytes, Buffer.from(bytes).swap16()]) {
      await writeFile(path, text);
      expect((await argoAccess(['validate', path])).out).toMatch(/wrong\.yaml:8:16: error: /);
    }
  });

  it('shows a name of a file on one line, so that it is no command of GitHub', async () => {
    const [path = ''] = await files({ 'a\n::error::b\u001b[31m.yaml': WRONG });
    expect((await argoAccess(['validate', path])).out).toMatch(
      /^\S+\/a ::error::b \[31m\.yaml:8:16: error: /,
    );
    expect((await argoAccess(['validate', `${path}x`])).err).toMatch(
      /^\S+\/a ::error::b \[31m\.yamlx cannot/,
    );
  });

  it('reads each file once, however often it is given', async () => {
    const [path = ''] = await files({ 'right.yaml': RIGHT });
    const { out } = await argoAccess(['validate', path, folder, path]);
    expect(out).toBe('1 policy in 1 file: nothing wrong\n');
  });

  it('takes what is given for what one cluster has', async () => {
    const paths = await files({ 'a.yaml': policy('a'), 'b.yaml': policy('b') });
    const { code, out } = await argoAccess(['validate', ...paths]);
    expect(code).toBe(1);
    expect(placesIn(out)).toEqual(['b.yaml']);
    expect(out).toContain('overlap 1000 to 1000 of policy a;');
    for (const path of paths) expect((await argoAccess(['validate', path])).code).toBe(0);
  });

  it('leaves other kinds alone, also such as are not YAML', async () => {
    const [path = ''] = await files({
      'other.yaml': 'kind: ConfigMap\nmetadata: [\n',
      'template.yaml': '{{- if .Values.on }}\nkind: Deployment\n{{ end }}\n',
    });
    const { code, out } = await argoAccess(['validate', path, folder]);
    expect({ code, out }).toEqual({ code: 0, out: '0 policies in 2 files: nothing wrong\n' });
  });

  it('knows the namespace of a policy that names none by --namespace', async () => {
    const bare = policy('bare').replace(', namespace: argo', '');
    const [path = ''] = await files({ 'bare.yaml': bare });
    const args = ['validate', '--config', CONFIG, path];
    expect((await argoAccess(args)).out).toContain('[NamespaceUnknown]');
    expect((await argoAccess([...args, '-n', 'argo'])).out).toBe('1 policy in 1 file: nothing wrong\n');
    expect((await argoAccess([...args, '--namespace', 'else'])).out).toContain('[NamespaceNotServed]');
  });

  it('takes the realm of a connection from the configuration, to tell clients apart', async () => {
    const client = (name: string, namespace: string, keycloak: string) =>
      policy(name, { namespace }).replace(
        'spec:\n',
        `spec:\n  keycloak: ${keycloak}\n  client: { clientId: c, url: https://a.example.com, secret: { name: s } }\n`,
      );
    const paths = await files({
      'a.yaml': client('a', 'argo', '{}'),
      'b.yaml': client('b', 'team-a', '{ realm: platform }'),
    });
    const twice = async (...args: readonly string[]) =>
      (await argoAccess(['validate', ...args, ...paths])).out.includes('[ClientIdTwice]');
    expect(await twice()).toBe(false);
    expect(await twice('--config', CONFIG)).toBe(true);
  });
});

const FINDING = {
  file: 'clusters/a b,c/100%.yaml',
  line: 8,
  column: 16,
  severity: 'error',
  rule: 'Schema',
  policy: 'argo/wrong',
  field: 'spec.roles[0].groups[0]',
  message: 'is "x\u001b[31m\r\ny"; mend it',
} as const;
const REPORT: Report = {
  files: 1,
  policies: 2,
  findings: [
    FINDING,
    { ...FINDING, line: 9, severity: 'warning', rule: 'KeyTwice' },
    { ...FINDING, line: 10, severity: 'note', rule: 'NotJudged', field: '', message: 'is not judged' },
  ],
};

describe('a report', () => {
  it('is a line for each finding, in which nothing that was written speaks to the terminal', () => {
    expect(asText(REPORT, false)).toBe(
      `clusters/a b,c/100%.yaml:8:16: error: spec.roles[0].groups[0]: is "x [31m y"; mend it [Schema]
clusters/a b,c/100%.yaml:9:16: warning: spec.roles[0].groups[0]: is "x [31m y"; mend it [KeyTwice]
clusters/a b,c/100%.yaml:10:16: note: is not judged [NotJudged]
2 policies in 1 file: 1 error, 1 warning, 1 note
`,
    );
  });

  it('has colours on a terminal that shows them', () => {
    const lines = asText(REPORT, true).split('\n');
    expect(lines[0]).toContain(
      '\u001b[1mclusters/a b,c/100%.yaml:8:16:\u001b[22m \u001b[31merror\u001b[39m: ',
    );
    expect(lines[1]).toContain('\u001b[33mwarning\u001b[39m: ');
  });

  it('is a workflow command of GitHub for each finding, with what it escapes', () => {
    expect(asGithub(REPORT)).toBe(
      `::error file=clusters/a b%2Cc/100%25.yaml,line=8,col=16,title=Schema::spec.roles[0].groups[0]: is "x\u001b[31m%0D%0Ay"; mend it
::warning file=clusters/a b%2Cc/100%25.yaml,line=9,col=16,title=KeyTwice::spec.roles[0].groups[0]: is "x\u001b[31m%0D%0Ay"; mend it
::notice file=clusters/a b%2Cc/100%25.yaml,line=10,col=16,title=NotJudged::is not judged
2 policies in 1 file: 1 error, 1 warning, 1 note
`,
    );
  });

  it('is a log of SARIF 2.1.0, in which each result has a rule and a place', () => {
    expect(asSarif(REPORT)).toMatchObject({
      version: '2.1.0',
      runs: [
        {
          tool: {
            driver: {
              name: 'argo-access',
              rules: [{ id: 'KeyTwice' }, { id: 'NotJudged' }, { id: 'Schema' }],
            },
          },
          results: [
            {
              ruleId: 'Schema',
              level: 'error',
              message: { text: `spec.roles[0].groups[0]: ${FINDING.message}` },
              locations: [
                {
                  physicalLocation: {
                    artifactLocation: { uri: 'clusters/a%20b%2Cc/100%25.yaml' },
                    region: { startLine: 8, startColumn: 16 },
                  },
                  logicalLocations: [{ fullyQualifiedName: 'spec.roles[0].groups[0]' }],
                },
              ],
            },
            { ruleId: 'KeyTwice', level: 'warning' },
            { ruleId: 'NotJudged', level: 'note' },
          ],
        },
      ],
    });
  });

  it.each([
    ['json', (text: string): unknown => JSON.parse(text)],
    ['yaml', (text: string): unknown => parse(text)],
  ])('says the same as %s', async (format, read) => {
    const { code, out } = await argoAccess(['validate', '-o', format, '-'], WRONG);
    expect(code).toBe(1);
    expect(read(out)).toEqual({
      files: 1,
      policies: 1,
      findings: [
        {
          file: 'stdin',
          line: 8,
          column: 16,
          severity: 'error',
          rule: 'Schema',
          policy: 'argo/wrong',
          field: 'spec.roles[0].groups[0]',
          message: expect.stringContaining('must name groups by a full path'),
        },
      ],
    });
  });

  it.each([
    ['sarif', '"ruleId": "Schema"'],
    ['github', '::error file=stdin,line=8,col=16,title=Schema::'],
  ])('is printed as %s', async (format, part) => {
    const { code, out } = await argoAccess(['validate', '--output', format, '-'], WRONG);
    expect(code).toBe(1);
    expect(out).toContain(part);
  });
});
