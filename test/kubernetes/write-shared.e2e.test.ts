import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ANNOTATION_ROLLED, FIELD_MANAGER } from '../../operator/api/names.ts';
import type { SharedObject } from '../../operator/api/objects.ts';
import { createKubernetesClient, type KubernetesClient } from '../../operator/kubernetes/client.ts';
import type { RawObject } from '../../operator/kubernetes/decode.ts';
import { decodeConfigMap, decodeDeployment } from '../../operator/kubernetes/decode-server.ts';
import type { KubernetesErrorKind } from '../../operator/kubernetes/errors.ts';
import { objectPath, SHARED } from '../../operator/kubernetes/paths.ts';
import { createWriter, type KubernetesWriter } from '../../operator/kubernetes/write.ts';
import { eventually } from '../env/process.ts';
import { type SharedEnvironment, sharedEnvironment, uniqueName } from '../env/shared.ts';
import { argoServer, type Kubectl, makeKubectl } from './argo-server-objects.ts';

const { signal } = new AbortController();
const namespace = uniqueName('write-shared');
const OTHER_UID = '00000000-0000-4000-8000-000000000000';
const SSO = 'issuer: https://keycloak.example.com/realms/r\n';

let env: SharedEnvironment['kubernetes'];
let kubectl: Kubectl;
let client: KubernetesClient;
let writer: KubernetesWriter;
let names = 0;

beforeAll(async () => {
  env = (await sharedEnvironment()).kubernetes;
  kubectl = makeKubectl(env);
  client = createKubernetesClient({ kubeconfigPath: env.kubeconfigPath });
  writer = createWriter(client, 'argo-access-operator', () => 0);
  await kubectl(['create', 'namespace', namespace]);
});

afterAll(async () => {
  await kubectl(['delete', 'namespace', namespace, '--wait=false']);
  await client.close();
});

interface Raw {
  readonly metadata: {
    readonly uid: string;
    readonly generation: number;
    readonly managedFields: readonly { readonly manager: string; readonly operation: string }[];
  };
  readonly data: Readonly<Record<string, string>>;
  readonly spec: {
    readonly template: { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> } };
  };
}

async function stored(kind: SharedObject['kind'], name: string): Promise<Raw> {
  const path = objectPath(SHARED[kind], namespace, name);
  return (await client.request({ method: 'GET', path, signal })) as Raw;
}

/** Makes an object with kubectl, and gives what names it. */
async function make(kind: SharedObject['kind'], object: object, args: readonly string[] = ['create']) {
  const { name } = (object as { readonly metadata: { readonly name: string } }).metadata;
  await kubectl([...args, '-f', '-'], JSON.stringify(object));
  const { uid } = (await stored(kind, name)).metadata;
  return { namespace, name, uid };
}

function uniqueObject(): string {
  names += 1;
  return `o-${names}`;
}

const configMap = (data: object) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: uniqueObject(), namespace },
  data,
});
const makeConfigMap = (data: object, args?: readonly string[]) => make('ConfigMap', configMap(data), args);
const makeDeployment = (args?: readonly string[]) =>
  make('Deployment', argoServer(namespace, uniqueObject()), args);

const failsAs = (kind: KubernetesErrorKind) => expect.objectContaining({ name: 'KubernetesError', kind });

/** The managers of an object, as `manager operation`. */
const managers = ({ metadata }: Raw) =>
  metadata.managedFields.map(({ manager, operation }) => `${manager} ${operation}`);

async function refusal(action: Promise<unknown>): Promise<string> {
  const error: unknown = await action.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toEqual(failsAs('FieldTaken'));
  return error instanceof Error ? error.message : '';
}

describe('the settings', () => {
  it('are one key: all others stay byte for byte, whoever has made the ConfigMap', async () => {
    const data = { artifactRepository: 's3:\n    bucket: b  \n', 'x.y': '' };
    for (const args of [['create'], ['apply'], ['apply', '--server-side']]) {
      const ref = await makeConfigMap(data, args);
      const answer = await writer.applySettings(ref, SSO, signal);
      const after = await stored('ConfigMap', ref.name);
      expect(after.data).toEqual({ ...data, sso: SSO });
      expect(answer).toEqual(decodeConfigMap(after as unknown as RawObject));
      expect(answer.metadata.managed?.data).toEqual(['sso']);
    }
  });

  it('may be the first key of a ConfigMap', async () => {
    const ref = await make('ConfigMap', { ...configMap({}), data: undefined });
    expect((await writer.applySettings(ref, SSO, signal)).data).toEqual({ sso: SSO });
  });

  it('that are ours are changed, and are no write where they are so already', async () => {
    const ref = await makeConfigMap({});
    await writer.applySettings(ref, SSO, signal);
    const second = await writer.applySettings(ref, `${SSO}# x\n`, signal);
    expect(second.data).toEqual({ sso: `${SSO}# x\n` });
    expect(await writer.applySettings(ref, `${SSO}# x\n`, signal)).toEqual(second);
  });

  it('that somebody else holds stay, and who holds them is said with the remedy', async () => {
    const ref = await makeConfigMap({ sso: 'theirs', other: 'o' }, ['create', '--field-manager=somebody']);
    expect(await refusal(writer.applySettings(ref, SSO, signal))).toBe(
      `ConfigMap ${namespace}/${ref.name}: .data.sso is managed by "somebody"; remove the key there and keep it out ` +
        'of what that one applies, and the operator writes it, or set spec.server.configMap.manage to false',
    );
    expect((await stored('ConfigMap', ref.name)).data).toEqual({ sso: 'theirs', other: 'o' });
  });

  it('that somebody has edited since are no longer ours', async () => {
    const ref = await makeConfigMap({});
    await writer.applySettings(ref, SSO, signal);
    const patch = ['patch', 'configmap', ref.name, '-n', namespace, '--type=merge'];
    await kubectl([...patch, '--field-manager=kubectl-edit', '-p', '{"data":{"sso":"edited"}}']);
    expect(await refusal(writer.applySettings(ref, SSO, signal))).toContain('managed by "kubectl-edit";');
    expect((await stored('ConfigMap', ref.name)).data).toEqual({ sso: 'edited' });
    await kubectl([...patch, '-p', '{"data":{"sso":null}}']);
    expect((await writer.applySettings(ref, SSO, signal)).data).toEqual({ sso: SSO });
  });

  it('that somebody else holds with the same value are held together, which is no conflict', async () => {
    const ref = await makeConfigMap({ sso: SSO }, ['apply', '--server-side', '--field-manager=somebody']);
    expect((await writer.applySettings(ref, SSO, signal)).metadata.managed?.data).toEqual(['sso']);
    expect(await refusal(writer.applySettings(ref, `${SSO}# x\n`, signal))).toContain('"somebody"');
  });

  it('are never made in a ConfigMap that is not there, nor in another of the same name', async () => {
    const ref = await makeConfigMap({ other: 'o' });
    const another = writer.applySettings({ ...ref, uid: OTHER_UID }, SSO, signal);
    await expect(another).rejects.toEqual(failsAs('Conflict'));
    expect((await stored('ConfigMap', ref.name)).data).toEqual({ other: 'o' });
    await kubectl(['delete', 'configmap', ref.name, '-n', namespace]);
    await expect(writer.applySettings(ref, SSO, signal)).rejects.toEqual(failsAs('Conflict'));
    await expect(stored('ConfigMap', ref.name)).rejects.toEqual(failsAs('NotFound'));
  });

  it('in a ConfigMap that cannot change are refused', async () => {
    const ref = await make('ConfigMap', { ...configMap({}), immutable: true });
    await expect(writer.applySettings(ref, SSO, signal)).rejects.toEqual(failsAs('Invalid'));
  });
});

describe('the mark that rolls a Deployment out', () => {
  it('is one annotation: all else of the spec stays, and the generation goes up by one', async () => {
    for (const args of [['create'], ['apply'], ['apply', '--server-side']]) {
      const ref = await makeDeployment(args);
      const before = await stored('Deployment', ref.name);
      const answer = await writer.rollDeployment({ ref, mark: 'm1' }, signal);
      const after = await stored('Deployment', ref.name);
      const { template } = before.spec;
      const annotations = { ...template.metadata.annotations, [ANNOTATION_ROLLED]: 'm1' };
      expect(after.spec).toEqual({
        ...before.spec,
        template: { ...template, metadata: { ...template.metadata, annotations } },
      });
      expect(after.metadata.generation).toBe(before.metadata.generation + 1);
      expect(answer).toMatchObject({
        templateAnnotations: annotations,
        metadata: { generation: after.metadata.generation, managed: {} },
        rollout: { progress: 'rolling', startedAt: expect.any(Number) },
      });
      expect(managers(after)).toContain(`${FIELD_MANAGER} Apply`);
    }
  });

  it('may be the first annotation of a template', async () => {
    const whole = argoServer(namespace, uniqueObject());
    const { template } = whole.spec;
    const bare = { ...template, metadata: { labels: template.metadata.labels } };
    const ref = await make('Deployment', { ...whole, spec: { ...whole.spec, template: bare } });
    const answer = await writer.rollDeployment({ ref, mark: 'm1' }, signal);
    expect(answer.templateAnnotations).toEqual({ [ANNOTATION_ROLLED]: 'm1' });
  });

  it('is changed, and is no write and no rollout where it is so already', async () => {
    const ref = await makeDeployment();
    const first = await writer.rollDeployment({ ref, mark: 'm1' }, signal);
    const again = await writer.rollDeployment({ ref, mark: 'm1' }, signal);
    expect(again.metadata.generation).toBe(first.metadata.generation);
    const second = await writer.rollDeployment({ ref, mark: 'm2' }, signal);
    expect(second.metadata.generation).toBe((first.metadata.generation ?? 0) + 1);
    expect(second.templateAnnotations[ANNOTATION_ROLLED]).toBe('m2');
  });

  it('that another manager has set already is held together, without a rollout', async () => {
    const ref = await makeDeployment();
    const annotations = { [ANNOTATION_ROLLED]: 'm1' };
    const body = JSON.stringify({ spec: { template: { metadata: { annotations } } } });
    await kubectl(['patch', 'deployment', ref.name, '-n', namespace, '--field-manager=somebody', '-p', body]);
    const before = await stored('Deployment', ref.name);
    const answer = await writer.rollDeployment({ ref, mark: 'm1' }, signal);
    expect(answer.metadata.generation).toBe(before.metadata.generation);
    const message = await refusal(writer.rollDeployment({ ref, mark: 'm2' }, signal));
    expect(message).toContain(
      `.spec.template.metadata.annotations.${ANNOTATION_ROLLED} is managed by "somebody"; take the annotation out`,
    );
    const after = await stored('Deployment', ref.name);
    expect(after.spec).toEqual(before.spec);
  });

  const seen = async ({ name }: { readonly name: string }) =>
    decodeDeployment((await stored('Deployment', name)) as unknown as RawObject);

  it('that an undone rollout has set back is taken again, in the version that was seen', async () => {
    const ref = await makeDeployment();
    await writer.rollDeployment({ ref, mark: 'm1' }, signal);
    // The history has what the deployment controller has seen.
    const inHistory = async (mark: string) => {
      const { templateAnnotations, metadata } = await seen(ref);
      const raw = (await stored('Deployment', ref.name)) as Raw & {
        readonly status?: { readonly observedGeneration?: number };
      };
      const isSeen = raw.status?.observedGeneration === metadata.generation;
      return isSeen && templateAnnotations[ANNOTATION_ROLLED] === mark;
    };
    await eventually('m1 is in the history', () => inHistory('m1'));
    await writer.rollDeployment({ ref, mark: 'm2' }, signal);
    await eventually('m2 is in the history', () => inHistory('m2'));
    await kubectl(['rollout', 'undo', `deployment/${ref.name}`, '-n', namespace]);
    const undone = await seen(ref);
    expect(undone).toMatchObject({ markHeld: 'Update', templateAnnotations: { [ANNOTATION_ROLLED]: 'm1' } });
    expect(await refusal(writer.rollDeployment({ ref, mark: 'm2' }, signal))).toContain('"kubectl');
    const older = writer.rollDeployment({ ref, mark: 'm2', takenIn: '1' }, signal);
    await expect(older).rejects.toEqual(failsAs('Conflict'));
    const answer = await eventually('it is taken', async () => {
      const { resourceVersion } = (await seen(ref)).metadata;
      const taken = writer.rollDeployment({ ref, mark: 'm2', takenIn: resourceVersion }, signal);
      return taken.catch(() => undefined);
    });
    expect(answer.templateAnnotations[ANNOTATION_ROLLED]).toBe('m2');
    expect(answer).not.toHaveProperty('markHeld');
    const next = await writer.rollDeployment({ ref, mark: 'm3' }, signal);
    expect(next.templateAnnotations[ANNOTATION_ROLLED]).toBe('m3');
  });

  it('that another manager applies is told with a command that takes it off', async () => {
    const ref = await makeDeployment();
    const template = { metadata: { annotations: { [ANNOTATION_ROLLED]: 'm1' } } };
    const applied = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: ref.name },
      spec: { template },
    };
    const apply = ['apply', '--server-side', '--field-manager=other', '-n', namespace, '-f', '-'];
    await kubectl(apply, JSON.stringify(applied));
    expect((await seen(ref)).markHeld).toBe('Apply');
    const message = await refusal(writer.rollDeployment({ ref, mark: 'm2' }, signal));
    const [, words = '', patch = ''] = /\(kubectl ([^']+) -p '([^']+)'\)/.exec(message) ?? [];
    await kubectl([...words.split(' '), '-p', patch]);
    expect(await seen(ref)).toMatchObject({ templateAnnotations: { 'example.com/theirs': 'kept' } });
    const answer = await writer.rollDeployment({ ref, mark: 'm2' }, signal);
    expect(answer.templateAnnotations[ANNOTATION_ROLLED]).toBe('m2');
  });

  it('stays when its owner applies the Deployment again, with kubectl or server-side', async () => {
    for (const args of [['apply'], ['apply', '--server-side']]) {
      const object = argoServer(namespace, uniqueObject());
      const ref = await make('Deployment', object, args);
      const rolled = await writer.rollDeployment({ ref, mark: 'm1' }, signal);
      await kubectl([...args, '-f', '-'], JSON.stringify(object));
      const after = decodeDeployment((await stored('Deployment', ref.name)) as unknown as RawObject);
      expect(after.templateAnnotations[ANNOTATION_ROLLED]).toBe('m1');
      expect(after.metadata.generation).toBe(rolled.metadata.generation);
    }
  });

  it('comes back after an owner that replaces the whole Deployment has taken it off', async () => {
    const object = argoServer(namespace, uniqueObject());
    const ref = await make('Deployment', object);
    await writer.rollDeployment({ ref, mark: 'm1' }, signal);
    await kubectl(['replace', '-f', '-'], JSON.stringify(object));
    const bare = decodeDeployment((await stored('Deployment', ref.name)) as unknown as RawObject);
    expect(bare.templateAnnotations).not.toHaveProperty(ANNOTATION_ROLLED);
    const answer = await writer.rollDeployment({ ref, mark: 'm1' }, signal);
    expect(answer.templateAnnotations[ANNOTATION_ROLLED]).toBe('m1');
  });

  it('never makes a Deployment, nor marks another of the same name', async () => {
    const ref = await makeDeployment();
    const before = await stored('Deployment', ref.name);
    const another = writer.rollDeployment({ ref: { ...ref, uid: OTHER_UID }, mark: 'm1' }, signal);
    await expect(another).rejects.toEqual(failsAs('Conflict'));
    expect((await stored('Deployment', ref.name)).spec).toEqual(before.spec);
    await kubectl(['delete', 'deployment', ref.name, '-n', namespace]);
    await expect(writer.rollDeployment({ ref, mark: 'm1' }, signal)).rejects.toEqual(failsAs('Conflict'));
    await expect(stored('Deployment', ref.name)).rejects.toEqual(failsAs('NotFound'));
  });
});
