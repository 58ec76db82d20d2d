import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crdManifest } from '../../operator/api/crd.ts';
import { FIELD_MANAGER, FINALIZER } from '../../operator/api/names.ts';
import type { OwnedObject, OwnerReference, Policy } from '../../operator/api/objects.ts';
import { SecretValue } from '../../operator/api/secret-value.ts';
import { createKubernetesClient, type KubernetesClient } from '../../operator/kubernetes/client.ts';
import { decodePolicy, type RawObject } from '../../operator/kubernetes/decode.ts';
import type { KubernetesErrorKind } from '../../operator/kubernetes/errors.ts';
import { collectionPath, objectPath, POLICIES, RESOURCES } from '../../operator/kubernetes/paths.ts';
import { createWriter, decodeOwned, type KubernetesWriter } from '../../operator/kubernetes/write.ts';
import type { DesiredObject, DesiredSecret, ObjectRef } from '../../operator/policy/change.ts';
import { Reason } from '../../operator/policy/reasons.ts';
import { type SharedEnvironment, sharedEnvironment, uniqueName } from '../env/shared.ts';

const { signal } = new AbortController();
const namespace = uniqueName('write');
const NOW = Date.parse('2026-03-01T12:00:00.678Z');
const OTHER_UID = '00000000-0000-4000-8000-000000000000';
const MERGE = 'application/merge-patch+json';

let env: SharedEnvironment['kubernetes'];
let client: KubernetesClient;
let writer: KubernetesWriter;
let names = 0;

beforeAll(async () => {
  env = (await sharedEnvironment()).kubernetes;
  client = createKubernetesClient({ kubeconfigPath: env.kubeconfigPath });
  writer = createWriter(client, 'argo-access-operator', () => NOW);
  await kubectl(['create', 'namespace', namespace]);
  await kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], JSON.stringify(crdManifest()));
  await kubectl(['wait', '--for=condition=Established', 'crd', crdManifest().metadata.name]);
});

afterAll(async () => {
  // A test that failed may have left a finalizer, which would hold the namespace for ever.
  const left = (await kubectl(['get', 'aap,secrets', '-n', namespace, '-o', 'name']))
    .split('\n')
    .filter(Boolean);
  const patch = ['--type=merge', '-p', '{"metadata":{"finalizers":null}}'];
  for (const name of left) await kubectl(['patch', name, '-n', namespace, ...patch]);
  await kubectl(['delete', 'namespace', namespace, '--wait=false']);
  await client.close();
});

async function kubectl(args: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await env.kubectl(args, input);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

function uniqueObject(): string {
  names += 1;
  return `o-${names}`;
}

interface Raw {
  readonly metadata: {
    readonly uid: string;
    readonly resourceVersion: string;
    readonly managedFields: readonly { readonly manager: string; readonly operation: string }[];
    readonly [key: string]: unknown;
  };
  readonly [key: string]: unknown;
}

/** The object as the API server has it; undefined where there is none. */
async function stored({ kind, metadata }: Pick<OwnedObject, 'kind'> & { metadata: { name: string } }) {
  const path = objectPath(RESOURCES[kind], namespace, metadata.name);
  try {
    return (await client.request({ method: 'GET', path, signal })) as Raw;
  } catch {
    return undefined;
  }
}

/** Edits an object as somebody else would, with another field manager. */
async function edit({ kind, metadata }: OwnedObject, body: object): Promise<OwnedObject> {
  const path = objectPath(RESOURCES[kind], namespace, metadata.name);
  const query = { fieldManager: 'somebody' };
  return decodeOwned(
    kind,
    await client.request({ method: 'PATCH', path, query, body, contentType: MERGE, signal }),
  );
}

function refOf({ kind, metadata: { name, uid } }: OwnedObject): ObjectRef {
  return { kind, namespace, name, uid };
}

function secret(data: Readonly<Record<string, string>>, metadata: object = {}): DesiredSecret {
  return {
    kind: 'Secret',
    type: 'Opaque',
    metadata: { name: uniqueObject(), namespace, labels: {}, annotations: {}, ...metadata },
    data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, new SecretValue(text)])),
  };
}

const failsAs = (kind: KubernetesErrorKind) => expect.objectContaining({ kind });

const owner: OwnerReference = {
  apiVersion: POLICIES.apiVersion,
  kind: POLICIES.kind,
  name: 'p',
  uid: OTHER_UID,
  controller: true,
  blockOwnerDeletion: false,
};

describe('a creation', () => {
  it('makes each kind of object as it is wanted', async () => {
    const meta = () => ({
      name: uniqueObject(),
      namespace,
      labels: { l: 'a' },
      annotations: { 'example.com/x': 'any text: "é"' },
    });
    const roleRef = { kind: 'ClusterRole', name: 'view' } as const;
    const subjects = [{ kind: 'ServiceAccount', name: 'a', namespace }];
    const wanted: readonly DesiredObject[] = [
      { kind: 'ServiceAccount', metadata: meta() },
      { ...secret({ k: 'välue' }), metadata: meta() },
      { kind: 'RoleBinding', metadata: meta(), roleRef, subjects },
    ];
    for (const object of wanted) {
      const made = await writer.create(object, signal);
      expect(made).toEqual(decodeOwned(object.kind, await stored(object)));
      expect(made.metadata).toMatchObject(object.metadata);
      if (made.kind === 'RoleBinding') expect(made).toMatchObject({ roleRef, subjects });
      if (made.kind === 'Secret') expect(made.data.k?.reveal()).toBe('välue');
    }
  });

  it('that is rehearsed makes nothing, and fails as it would', async () => {
    const name = uniqueObject();
    const object: DesiredObject = {
      kind: 'ServiceAccount',
      metadata: { name, namespace, labels: {}, annotations: {} },
    };
    await writer.rehearsal.create(object, signal);
    const made = await writer.create(object, signal);
    await expect(writer.rehearsal.create(object, signal)).rejects.toEqual(failsAs('AlreadyExists'));
    await writer.rehearsal.delete(
      { kind: 'ServiceAccount', namespace, name, uid: made.metadata.uid },
      signal,
    );
    expect(decodeOwned('ServiceAccount', await stored(object))).toEqual(made);
  });

  it('with an owner makes it the owner', async () => {
    const made = await writer.create(secret({}, { owner }), signal);
    // Seen before garbage collection, which finds no such owner.
    expect(made.metadata.ownerReferences).toEqual([owner]);
  });

  it('never touches an object that exists', async () => {
    const object = secret({ k: 'first' });
    await writer.create(object, signal);
    const before = await stored(object);
    const other = { ...object, data: { k: new SecretValue('second') } };
    await expect(writer.create(other, signal)).rejects.toEqual(failsAs('AlreadyExists'));
    expect(await stored(object)).toEqual(before);
  });

  it('that is refused does not repeat the value of a Secret', async () => {
    const error: unknown = await writer
      .create(secret({ 'no key': 'hunter2' }), signal)
      .catch(thrown => thrown);
    expect(error).toEqual(failsAs('Invalid'));
    expect(String(error)).not.toMatch(/hunter2|aHVudGVyMg/);
  });
});

describe('an apply', () => {
  it('undoes the edits of others in what we manage, and leaves what they have added', async () => {
    const object = secret({ k: 'ours' }, { labels: { l: 'ours' }, annotations: { a: 'ours' } });
    const made = await writer.create(object, signal);
    await edit(made, {
      metadata: { labels: { l: 'theirs', m: 'theirs' }, annotations: { a: null } },
      data: { k: 'dGhlaXJz', j: 'dGhlaXJz' },
    });
    const after = await writer.apply(object, made.metadata.uid, signal);
    expect(after.metadata).toMatchObject({ labels: { l: 'ours', m: 'theirs' }, annotations: { a: 'ours' } });
    if (after.kind !== 'Secret') throw new Error('no Secret');
    expect(after.data.k?.reveal()).toBe('ours');
    expect(after.data.j?.reveal()).toBe('theirs');
    expect(after.metadata.managed).toEqual({ labels: ['l'], annotations: ['a'], data: ['k'] });
  });

  it('brings back an owner reference that was taken off', async () => {
    const account = await writer.create(
      { kind: 'ServiceAccount', metadata: { name: uniqueObject(), namespace, labels: {}, annotations: {} } },
      signal,
    );
    const owned = secret(
      {},
      {
        owner: {
          ...owner,
          apiVersion: 'v1',
          kind: 'ServiceAccount',
          name: account.metadata.name,
          uid: account.metadata.uid,
        },
      },
    );
    const made = await writer.create(owned, signal);
    await edit(made, { metadata: { ownerReferences: null } });
    const after = await writer.apply(owned, made.metadata.uid, signal);
    expect(after.metadata.ownerReferences).toEqual([owned.metadata.owner]);
  });

  it('does not create what is gone', async () => {
    const object = secret({});
    await expect(writer.apply(object, OTHER_UID, signal)).rejects.toEqual(failsAs('Conflict'));
    expect(await stored(object)).toBeUndefined();
  });

  it('does not touch another object of the same name', async () => {
    const object = secret({ k: 'v' });
    const old = await writer.create(object, signal);
    await writer.delete(refOf(old), signal);
    await writer.create(object, signal);
    const before = await stored(object);
    await expect(writer.apply(object, old.metadata.uid, signal)).rejects.toEqual(failsAs('Conflict'));
    expect(await stored(object)).toEqual(before);
  });

  it('that changes nothing leaves the version as it is', async () => {
    const object = secret({ k: 'v' }, { labels: { l: 'a' } });
    const made = await writer.create(object, signal);
    const first = await writer.apply(object, made.metadata.uid, signal);
    const second = await writer.apply(object, made.metadata.uid, signal);
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });
});

describe('keys that are no longer wanted', () => {
  it('stay after an apply, for the creation still holds them, and are known as ours', async () => {
    const object = secret({ k: 'v', j: 'w' }, { labels: { l: 'a', m: 'b' } });
    const made = await writer.create(object, signal);
    const less = {
      ...object,
      data: { k: new SecretValue('v') },
      metadata: { ...object.metadata, labels: { l: 'a' } },
    };
    const after = await writer.apply(less, made.metadata.uid, signal);
    const managers = (await stored(object))?.metadata.managedFields.map(({ manager, operation }) => [
      manager,
      operation,
    ]);
    expect(managers?.toSorted()).toEqual([
      [FIELD_MANAGER, 'Apply'],
      [FIELD_MANAGER, 'Update'],
    ]);
    expect(after.metadata.labels).toEqual({ l: 'a', m: 'b' });
    expect(after.metadata.managed?.labels.toSorted()).toEqual(['l', 'm']);
    expect(after.metadata.managed?.data.toSorted()).toEqual(['j', 'k']);
  });

  it('are removed by a patch, whichever of the two holds them, or somebody else', async () => {
    const object = secret(
      { k: 'v', j: 'w' },
      { labels: { l: 'a', m: 'b' }, annotations: { a: 'c', b: 'd' } },
    );
    const made = await writer.create(object, signal);
    await writer.apply(object, made.metadata.uid, signal);
    const patch = { removeLabels: ['m', 'none'], removeAnnotations: ['b'], removeData: ['j'] };
    const after = await writer.patch({ kind: 'PatchObject', ref: refOf(made), ...patch }, signal);
    expect(after.metadata).toMatchObject({ labels: { l: 'a' }, annotations: { a: 'c' } });
    expect(after.metadata.managed).toEqual({ labels: ['l'], annotations: ['a'], data: ['k'] });
    if (after.kind !== 'Secret') throw new Error('no Secret');
    expect(Object.keys(after.data)).toEqual(['k']);
    await edit(made, { metadata: { labels: { theirs: 'x' } } });
    const last = await writer.patch(
      { kind: 'PatchObject', ref: refOf(made), removeLabels: ['theirs'] },
      signal,
    );
    expect(last.metadata.labels).toEqual({ l: 'a' });
  });
});

describe('a patch', () => {
  const account = (secrets?: readonly object[]) =>
    client
      .request({
        method: 'POST',
        path: collectionPath(RESOURCES.ServiceAccount, namespace),
        body: { metadata: { name: uniqueObject(), annotations: { kept: 'yes' } }, secrets },
        signal,
      })
      .then(raw => decodeOwned('ServiceAccount', raw));

  it('sets and removes annotations, and touches nothing else', async () => {
    const made = await edit(await account([{ name: 's' }]), {
      metadata: { annotations: { old: 'a' }, labels: { l: 'b' } },
    });
    const after = await writer.patch(
      { kind: 'PatchObject', ref: refOf(made), setAnnotations: { new: 'c' }, removeAnnotations: ['old'] },
      signal,
    );
    expect(after).toMatchObject({ metadata: { labels: { l: 'b' } }, secrets: ['s'] });
    expect(after.metadata.annotations).toEqual({ kept: 'yes', new: 'c' });
  });

  it.each([
    { secrets: [{ name: 'a' }, { name: 'b' }, { name: 'c' }], remove: ['a', 'c', 'none'], left: ['b'] },
    { secrets: [{ name: 'a' }], remove: ['a'], left: [] },
    { secrets: [{ name: 'a' }, {}], remove: ['a', ''], left: [] },
  ])('takes $remove off the secrets $secrets of a ServiceAccount', async ({ secrets, remove, left }) => {
    const made = await account(secrets);
    const after = await writer.patch(
      { kind: 'PatchObject', ref: refOf(made), removeSecrets: remove },
      signal,
    );
    expect(after).toMatchObject({ secrets: left });
  });

  it('takes off one owner by its uid, and is fine where it is not there', async () => {
    const [one, two] = [await account(), await account()];
    const ownerOf = ({ metadata }: OwnedObject) => ({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      name: metadata.name,
      uid: metadata.uid,
    });
    const made = await edit(await account(), { metadata: { ownerReferences: [ownerOf(one), ownerOf(two)] } });
    const patch = { kind: 'PatchObject', ref: refOf(made), removeOwnerUid: one.metadata.uid } as const;
    expect((await writer.patch(patch, signal)).metadata.ownerReferences).toEqual([ownerOf(two)]);
    expect((await writer.patch(patch, signal)).metadata.ownerReferences).toEqual([ownerOf(two)]);
    const bare = await account();
    const after = await writer.patch({ ...patch, ref: refOf(bare) }, signal);
    expect(after.metadata.resourceVersion).toBe(bare.metadata.resourceVersion);
  });

  it('does not touch another object of the same name, nor one that is gone', async () => {
    const made = await account();
    const before = await stored(made);
    const ref = { ...refOf(made), uid: OTHER_UID };
    const patch = { kind: 'PatchObject', ref, removeAnnotations: ['kept'] } as const;
    await expect(writer.patch(patch, signal)).rejects.toEqual(failsAs('Conflict'));
    expect(await stored(made)).toEqual(before);
    const gone = { ...patch, ref: { ...ref, name: 'gone' } };
    await expect(writer.patch(gone, signal)).rejects.toEqual(failsAs('NotFound'));
  });
});

describe('a deletion', () => {
  it.each([
    { kind: 'ServiceAccount' },
    { kind: 'Secret', type: 'Opaque', data: {} },
    { kind: 'RoleBinding', roleRef: { kind: 'ClusterRole', name: 'view' }, subjects: [] },
  ] as const)('of a $kind removes it, and is fine once it is gone', async content => {
    const metadata = { name: uniqueObject(), namespace, labels: {}, annotations: {} };
    const made = await writer.create({ ...content, metadata }, signal);
    expect(await writer.delete(refOf(made), signal)).toBeUndefined();
    expect(await stored(made)).toBeUndefined();
    expect(await writer.delete(refOf(made), signal)).toBeUndefined();
  });

  it('with another uid deletes nothing', async () => {
    const made = await writer.create(secret({}), signal);
    const ref = { ...refOf(made), uid: OTHER_UID };
    await expect(writer.delete(ref, signal)).rejects.toEqual(failsAs('Conflict'));
    expect(await stored(made)).toBeDefined();
  });

  it('answers with the object as long as a finalizer holds it', async () => {
    const made = await writer.create(secret({}), signal);
    await edit(made, { metadata: { finalizers: ['example.com/hold'] } });
    const held = await writer.delete(refOf(made), signal);
    expect(held).toMatchObject({ kind: 'Secret', metadata: { uid: made.metadata.uid } });
    expect(held?.metadata.deletionTimestamp).toBeDefined();
    expect(await writer.delete(refOf(made), signal)).toEqual(held);
    await edit(made, { metadata: { finalizers: null } });
    expect(await writer.delete(refOf(made), signal)).toBeUndefined();
  });
});

describe('a policy', () => {
  const path = (name: string) => objectPath(POLICIES, namespace, name);
  const read = async (name: string) =>
    decodePolicy((await client.request({ method: 'GET', path: path(name), signal })) as RawObject);

  async function makePolicy(name = uniqueObject()): Promise<Policy> {
    const body = {
      apiVersion: POLICIES.apiVersion,
      kind: POLICIES.kind,
      metadata: { name },
      spec: { roles: [{ name: 'viewer', everyone: true }] },
    };
    const raw = await client.request({
      method: 'POST',
      path: collectionPath(POLICIES, namespace),
      body,
      signal,
    });
    return decodePolicy(raw as RawObject);
  }

  async function editPolicy({ metadata }: Policy, body: object): Promise<Policy> {
    const answer = await client.request({
      method: 'PATCH',
      path: path(metadata.name),
      body,
      contentType: MERGE,
      signal,
    });
    return decodePolicy(answer as RawObject);
  }

  const remove = ({ metadata }: Policy) =>
    client.request({ method: 'DELETE', path: path(metadata.name), signal });

  it('gets our finalizer and loses it again, beside those of others', async () => {
    const made = await editPolicy(await makePolicy(), { metadata: { finalizers: ['example.com/theirs'] } });
    const held = await writer.addFinalizer(made, signal);
    expect(held.metadata.finalizers).toEqual(['example.com/theirs', FINALIZER]);
    expect(held.spec).toEqual(made.spec);
    await remove(made);
    const after = await writer.removeFinalizer(await read(made.metadata.name), signal);
    expect(after?.metadata.finalizers).toEqual(['example.com/theirs']);
    await editPolicy(made, { metadata: { finalizers: null } });
  });

  it('is gone with its last finalizer when it was being deleted, and stays when it was not', async () => {
    const staying = await writer.addFinalizer(await makePolicy(), signal);
    const after = await writer.removeFinalizer(staying, signal);
    expect(after?.metadata.uid).toBe(staying.metadata.uid);
    expect(after?.metadata).not.toHaveProperty('finalizers');
    const going = await writer.addFinalizer(await makePolicy(), signal);
    await remove(going);
    expect(await writer.removeFinalizer(await read(going.metadata.name), signal)).toBeUndefined();
    await expect(read(going.metadata.name)).rejects.toEqual(failsAs('NotFound'));
    expect(await writer.removeFinalizer(going, signal)).toBeUndefined();
  });

  it('keeps its finalizers as they are when it has changed meanwhile', async () => {
    const made = await makePolicy();
    await editPolicy(made, { metadata: { finalizers: ['example.com/new'] } });
    await expect(writer.addFinalizer(made, signal)).rejects.toEqual(failsAs('Conflict'));
    const now = await read(made.metadata.name);
    expect(now.metadata.finalizers).toEqual(['example.com/new']);
    await editPolicy(now, { metadata: { finalizers: null } });
  });

  it('gets a status, and nothing else of it changes, whatever we take its spec for', async () => {
    const made = await editPolicy(await makePolicy(), { metadata: { labels: { l: 'a' } } });
    const mistaken: Policy = {
      ...made,
      spec: { ...made.spec, roles: [], suspend: true },
      invalid: 'a fault',
    };
    const status = { observedGeneration: 1, issuer: 'https://sso.example.com/realms/r' };
    const after = await writer.writeStatus(mistaken, status, signal);
    expect(after.status).toEqual(status);
    expect(after.spec).toEqual(made.spec);
    expect(after.metadata).toMatchObject({ labels: { l: 'a' }, generation: made.metadata.generation });
    const again = await writer.writeStatus(after, status, signal);
    expect(again.metadata.resourceVersion).toBe(after.metadata.resourceVersion);
  });

  it('keeps its status when it has changed meanwhile', async () => {
    const made = await makePolicy();
    await editPolicy(made, { metadata: { labels: { l: 'a' } } });
    await expect(writer.writeStatus(made, { issuer: 'x' }, signal)).rejects.toEqual(failsAs('Conflict'));
    expect(await read(made.metadata.name)).not.toHaveProperty('status');
  });

  it('gets no status when it is gone, nor another of the same name', async () => {
    const made = await makePolicy();
    await remove(made);
    await expect(writer.writeStatus(made, { issuer: 'x' }, signal)).rejects.toEqual(failsAs('NotFound'));
    await makePolicy(made.metadata.name);
    await expect(writer.writeStatus(made, { issuer: 'x' }, signal)).rejects.toEqual(failsAs('Conflict'));
    expect(await read(made.metadata.name)).not.toHaveProperty('status');
  });

  it('has events that kubectl shows, with our time and component', async () => {
    const made = await makePolicy(`${'a'.repeat(49)}-long`);
    const event = { type: 'Warning', reason: Reason.NotAllowed, message: 'may not: "x"' } as const;
    await writer.createEvent(made, event, signal);
    await writer.createEvent(made, { ...event, type: 'Normal', message: 'now it may' }, signal);
    const { items } = JSON.parse(await kubectl(['get', 'events', '-n', namespace, '-o', 'json'])) as {
      items: readonly object[];
    };
    expect(items).toContainEqual(
      expect.objectContaining({
        ...event,
        involvedObject: expect.objectContaining({ name: made.metadata.name, uid: made.metadata.uid }),
        firstTimestamp: '2026-03-01T12:00:00Z',
        lastTimestamp: '2026-03-01T12:00:00Z',
        count: 1,
        source: { component: 'argo-access-operator' },
        reportingComponent: 'argo-access-operator',
      }),
    );
    const described = await kubectl(['describe', 'aap', made.metadata.name, '-n', namespace]);
    expect(described).toMatch(/Warning +NotAllowed +\S+ +argo-access-operator +may not: "x"/);
    expect(described).toMatch(/Normal +NotAllowed +\S+ +argo-access-operator +now it may/);
  });

  it('has events that kubectl shows in their order, although they are of one second', async () => {
    const made = await makePolicy();
    const messages = Array.from({ length: 20 }, (_, index) => `event ${index}`);
    for (const message of messages) {
      await writer.createEvent(made, { type: 'Normal', reason: Reason.InSync, message }, signal);
    }
    const described = await kubectl(['describe', 'aap', made.metadata.name, '-n', namespace]);
    expect(described.match(/event \d+/g)).toEqual(messages);
  });

  it('has events also in the view of the newer API, which wants more fields of its own writers', async () => {
    const made = await makePolicy();
    await writer.createEvent(made, { type: 'Normal', reason: Reason.InSync, message: 'fine' }, signal);
    const listed = await kubectl(['events', '--for', `aap/${made.metadata.name}`, '-n', namespace]);
    expect(listed).toMatch(/Normal +InSync +\S+ +fine/);
  });
});
