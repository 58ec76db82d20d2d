import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { type SharedEnvironment, sharedEnvironment } from '../env/shared.ts';
import { GITOPS, makeRunner, readWorkflow, runJob, type Workflow } from './workflow.ts';

let environment: SharedEnvironment;
let folder: string;
let workflow: Workflow;

beforeAll(async () => {
  environment = await sharedEnvironment();
  folder = await mkdtemp(join(tmpdir(), 'argo-access-gitops-'));
  workflow = await readWorkflow();
  await makeRunner(folder, environment.kubernetes.kubectlPath);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function render(path: string): Promise<string> {
  const { code, stdout, stderr } = await environment.kubernetes.kubectl(['kustomize', path]);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

interface Rendered {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly client?: { readonly url: string };
    readonly roles: readonly { readonly name: string }[];
  };
}

async function policiesOf(name: string): Promise<readonly Rendered[]> {
  const text = await render(join(GITOPS, 'overlays', name));
  return parseAllDocuments(text).map(document => document.toJS() as Rendered);
}

const shortly = ({ metadata, spec }: Rendered) =>
  [
    `${metadata.namespace}/${metadata.name}`,
    spec.client?.url ?? '-',
    ...spec.roles.map(({ name }) => name),
  ].join(' ');

describe('the overlays', () => {
  it('differ in what each environment has of its own', async () => {
    expect((await policiesOf('staging')).map(shortly)).toEqual([
      'argo/workflows https://workflows.staging.example.com admin developer viewer',
      'team-a/workflows - lead member',
    ]);
    expect((await policiesOf('production')).map(shortly)).toEqual([
      'argo/workflows https://workflows.example.com admin viewer',
      'team-a/workflows - lead member',
    ]);
  });

  it('are not rendered where a role would come to another place in the order', async () => {
    const copy = join(folder, 'moved');
    await cp(GITOPS, copy, { recursive: true });
    const path = join(copy, 'base', 'workflows.yaml');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('  - name: admin\n', '  - name: auditor\n'));
    await expect(render(join(copy, 'overlays', 'staging'))).rejects.toThrow('/spec/roles/0/name');
  });
});

describe('the job of a pull request', () => {
  const environments = ['staging', 'production'];
  const runner = (name: string, repository = GITOPS) => ({ repository, temp: folder, environment: name });

  it('is for both environments', () => {
    for (const { strategy } of Object.values(workflow.jobs)) {
      expect(strategy.matrix.environment).toEqual(environments);
    }
    expect(workflow.defaults.run.shell).toBe('bash');
  });

  it.each(environments)('finds nothing wrong with what %s gets', async name => {
    expect(await runJob(workflow, 'validate', runner(name))).toEqual([
      { code: 0, text: '2 policies in 3 files: nothing wrong\n' },
      { code: 0, text: '2 policies in 1 file: nothing wrong\n' },
    ]);
  });

  it("fails where a policy asks for more than the environment's configuration allows", async () => {
    const copy = join(folder, 'too-much');
    await cp(GITOPS, copy, { recursive: true });
    const path = join(copy, 'base', 'team-a.yaml');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('argo-access-viewer', 'cluster-admin'));
    const [written, rendered] = await runJob(workflow, 'validate', runner('production', copy));
    expect(written?.code).toBe(0);
    expect(rendered?.code).toBe(1);
    expect(rendered?.text).toMatch(/spec\.roles\[1\]\.grants\[0\].*cluster-admin.*\[NotAllowed]/);
  });
});

describe('the component for Argo CD', () => {
  it('adds the health check to the ConfigMap, and leaves what else is in it', async () => {
    const component = relative(folder, join(GITOPS, 'argocd'));
    await writeFile(
      join(folder, 'kustomization.yaml'),
      `resources: [argocd-cm.yaml]\ncomponents: [${component}]\n`,
    );
    const metadata = { name: 'argocd-cm', namespace: 'argocd' };
    const data = { url: 'https://argocd.example.com' };
    await writeFile(
      join(folder, 'argocd-cm.yaml'),
      JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data }),
    );
    expect(parse(await render(folder))).toMatchObject({
      metadata,
      data: {
        ...data,
        'resource.customizations.health.argo-access.io_ArgoAccessPolicy': await readFile(
          join(GITOPS, 'argocd', 'health.lua'),
          'utf8',
        ),
      },
    });
  });
});
