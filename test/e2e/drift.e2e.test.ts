import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ANNOTATION_ADOPT_BY,
  ANNOTATION_REVISION,
  ARGO_PRECEDENCE,
  ARGO_RULE,
  ARGO_TOKEN_NAME,
  LABEL_POLICY,
  LABEL_POLICY_UID,
} from '../../operator/api/names.ts';
import { specSchema } from '../../operator/api/schema.ts';
import { eventually } from '../env/process.ts';
import { assertNoLeak, secretsOf } from './leaks.ts';
import { pictureOf } from './picture.ts';
import { changesMade, edit, expectQuiet } from './quiet.ts';
import {
  applyPolicy,
  awaitGone,
  awaitPolicy,
  awaitReady,
  bindingsPath,
  corePath,
  createWorld,
  type Got,
  HOME,
  policyPath,
  reconciles,
  TEAM,
  touch,
  usualSpec,
  type World,
  writesOf,
} from './world.ts';

const ADMIN = corePath('serviceaccounts', 'workflows-admin');
const VIEWER = corePath('serviceaccounts', 'workflows-viewer');
const ADMIN_TOKEN = corePath('secrets', 'workflows-admin.service-account-token');
const CREDENTIALS = corePath('secrets', 'argo-server-sso');
const POLICY = policyPath('workflows');
const BINDING = 'argo-access:argo:workflows-admin:clusterrole:argo-access-admin';
const HOME_BINDING = `${bindingsPath(HOME)}/${BINDING}`;
const TEAM_BINDING = `${bindingsPath(TEAM)}/${BINDING}`;

let world: World;
/** Secrets that were there, and must not have been shown either. */
const former = new Set<string>();

beforeAll(async () => {
  world = await createWorld({ groups: ['/platform/admins'] });
  await world.startOperator();
});
afterAll(() => world?.stop());

const merge = (path: string, change: object) => edit(world, path, change);

const annotate = (path: string, annotations: Readonly<Record<string, string | null>>) =>
  merge(path, { metadata: { annotations } });

const remove = (path: string) => world.send('DELETE', path);

/** Takes all labels off that the object has. */
async function stripLabels(path: string): Promise<void> {
  const { labels = {} } = (await world.get(path))?.metadata ?? {};
  await merge(path, {
    metadata: { labels: Object.fromEntries(Object.keys(labels).map(key => [key, null])) },
  });
}

const disown = (path: string) => merge(path, { metadata: { ownerReferences: [] } });

/** As `kubectl replace --force`: deleted and made again by somebody, labels and owners as they were. */
async function replaceByForce(path: string, change: object): Promise<void> {
  const collection = path.slice(0, path.lastIndexOf('/'));
  const found = await world.get<Got & { readonly kind?: string }>(path);
  const { name, labels, annotations, ownerReferences } = found?.metadata ?? {};
  const { metadata: _, ...rest } = { ...found };
  await world.api.fail({ kind: 'status', status: 503, matches: ({ method }) => method === 'POST' });
  await remove(path);
  const body = { ...rest, metadata: { name, labels, annotations, ownerReferences }, ...change };
  await world.send('POST', collection, body);
  await world.api.heal();
}

async function editStatus(change: object): Promise<void> {
  await merge(`${POLICY}/status`, { status: change });
}

describe('drift in Kubernetes', () => {
  let before: readonly object[];
  beforeAll(async () => {
    const spec = usualSpec();
    const client = {
      ...(spec.client as object),
      secret: { name: 'argo-server-sso', labels: { team: 'platform' } },
    };
    await applyPolicy(world, specSchema.parse({ ...spec, client }));
    await awaitReady(world);
    before = await pictureOf(world);
  });

  const clusterAdmin = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' };
  const mallory = { kind: 'User', name: 'mallory', apiGroup: 'rbac.authorization.k8s.io' };

  // The resync of this policy comes every five minutes: what undoes these is the watch event.
  it.each<[string, () => Promise<unknown>]>([
    ['a rule that was changed', () => annotate(ADMIN, { [ARGO_RULE]: 'true' })],
    ['a rule that was removed', () => annotate(ADMIN, { [ARGO_RULE]: null })],
    ['a precedence that was changed', () => annotate(VIEWER, { [ARGO_PRECEDENCE]: '5000' })],
    ['a precedence that was removed', () => annotate(VIEWER, { [ARGO_PRECEDENCE]: null })],
    ['a token name that was changed', () => annotate(VIEWER, { [ARGO_TOKEN_NAME]: 'another' })],
    ['a token name that was removed', () => annotate(VIEWER, { [ARGO_TOKEN_NAME]: null })],
    ['a token put before ours', () => merge(VIEWER, { secrets: [{ name: 'another' }] })],
    ['a label that was removed', () => merge(ADMIN, { metadata: { labels: { [LABEL_POLICY]: null } } })],
    [
      'the label of ownership, changed',
      () => merge(ADMIN, { metadata: { labels: { [LABEL_POLICY_UID]: 'x' } } }),
    ],
    ['all labels of an account, removed', () => stripLabels(ADMIN)],
    ['the owner of an account, removed', () => disown(ADMIN)],
    [
      'all labels and the owner of an account, removed at once',
      () => merge(VIEWER, { metadata: { labels: null, ownerReferences: null } }),
    ],
    ['all labels of the Secret, removed', () => stripLabels(CREDENTIALS)],
    ['the owner of the Secret, removed', () => disown(CREDENTIALS)],
    [
      'a label of the policy on the Secret, changed',
      () => merge(CREDENTIALS, { metadata: { labels: { team: 'x' } } }),
    ],
    ['a damaged revision', () => annotate(CREDENTIALS, { [ANNOTATION_REVISION]: 'many' })],
    ['a revision that was removed', () => annotate(CREDENTIALS, { [ANNOTATION_REVISION]: null })],
    ['all labels of a token, removed', () => stripLabels(ADMIN_TOKEN)],
    ['the owner of a token, removed', () => disown(ADMIN_TOKEN)],
    ['a token that was deleted', () => remove(ADMIN_TOKEN)],
    ['an account that was deleted', () => remove(ADMIN)],
    ['a binding that was deleted', () => remove(HOME_BINDING)],
    ['a binding in another namespace that was deleted', () => remove(TEAM_BINDING)],
    ['a subject that was added', () => merge(HOME_BINDING, { subjects: [mallory] })],
    ['subjects that were removed', () => merge(TEAM_BINDING, { subjects: [] })],
    ['all labels of a binding in another namespace, removed', () => stripLabels(TEAM_BINDING)],
    ['all labels of a binding, removed', () => stripLabels(HOME_BINDING)],
    ['the owner of a binding, removed', () => disown(HOME_BINDING)],
    ['a binding made anew to another role', () => replaceByForce(HOME_BINDING, { roleRef: clusterAdmin })],
    ['a binding made anew, alike, by another manager', () => replaceByForce(TEAM_BINDING, {})],
    ['an account made anew, alike, by another manager', () => replaceByForce(VIEWER, {})],
  ])('undoes %s', async (_, breakIt) => {
    const made = await changesMade(world);
    await breakIt();
    await eventually(
      'all is as it was',
      async () => {
        expect(await pictureOf(world)).toEqual(before);
        return (await changesMade(world)) > made;
      },
      20_000,
      20,
    ).catch(async error => {
      expect(await pictureOf(world), String(error)).toEqual(before);
      throw error;
    });
    await expectQuiet(world);
    expect(await pictureOf(world)).toEqual(before);
  });

  it('no longer takes an account for its own that bears none of its marks, until somebody consents', async () => {
    await merge(VIEWER, { metadata: { labels: null, annotations: null, ownerReferences: null } });
    const bare = await world.get(VIEWER);
    await awaitPolicy(
      world,
      'says that the name is taken',
      (_, condition) => condition('RolesReady')?.reason === 'NameTaken' && condition('Stalled') !== undefined,
    );
    await touch(world);
    expect(await world.get(VIEWER)).toEqual(bare);
    await annotate(VIEWER, { [ANNOTATION_ADOPT_BY]: 'workflows' });
    await awaitReady(world);
    await annotate(VIEWER, { [ANNOTATION_ADOPT_BY]: null });
    await expectQuiet(world);
    expect(await pictureOf(world)).toEqual(before);
  });

  it('lets the token of an account that came anew be that of the new one', async () => {
    const account = await world.get(ADMIN);
    const token = await world.get(ADMIN_TOKEN);
    expect(token?.metadata.annotations?.['kubernetes.io/service-account.uid']).toBe(account?.metadata.uid);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['the secret was edited', () => merge(CREDENTIALS, { data: { 'client-secret': 'bWFsbG9yeQ==' } })],
    ['the secret was removed', () => merge(CREDENTIALS, { data: { 'client-secret': null } })],
    ['the id was edited', () => merge(CREDENTIALS, { data: { 'client-id': 'eA==' } })],
    ['the id was removed', () => merge(CREDENTIALS, { data: { 'client-id': null } })],
    [
      'the secret was edited and made immutable',
      () => merge(CREDENTIALS, { data: { 'client-secret': 'bWFsbG9yeQ==' }, immutable: true }),
    ],
    ['the Secret was deleted', () => remove(CREDENTIALS)],
  ])("writes the client's credentials again where %s, counts and proves them", async (_, breakIt) => {
    const was = await world.get(CREDENTIALS);
    const revision = Number(was?.metadata.annotations?.[ANNOTATION_REVISION]);
    await breakIt();
    await awaitPolicy(world, 'has proved the next revision', ({ status }) => {
      return status?.secret?.provedRevision === revision + 1;
    });
    await expectQuiet(world);
    const is = await world.get(CREDENTIALS);
    expect(is?.data).toEqual(was?.data);
    expect(is?.metadata.annotations?.[ANNOTATION_REVISION]).toBe(`${revision + 1}`);
    before = await pictureOf(world);
  });

  it.each<[string, () => Promise<unknown>]>([
    [
      'emptied',
      () => editStatus({ conditions: null, inventory: null, roles: null, secret: null, client: null }),
    ],
    [
      'replaced by an empty one',
      () =>
        world.kubectl([
          ...['patch', 'argoaccesspolicy', 'workflows', '-n', HOME, '--subresource=status'],
          ...['--type=json', '-p', '[{"op":"replace","path":"/status","value":{}}]'],
        ]),
    ],
    ['made to say that nothing is ready', () => editStatus({ conditions: [] })],
    ['given another inventory', () => editStatus({ inventory: [] })],
    [
      'given another client',
      () => editStatus({ client: { id: 'x', clientId: 'y', realm: 'z', adopted: true } }),
    ],
    ['given another revision', () => editStatus({ secret: { name: 'x', revision: 1 } })],
  ])('concludes a status again that somebody has %s', async (_, breakIt) => {
    const { conditions: was = [], ...rest } = (await awaitReady(world)).status ?? {};
    const facts = was.map(({ lastTransitionTime: __, ...condition }) => condition);
    await breakIt();
    await eventually('the status is as it was', async () => {
      const { conditions = [], ...now } = (await awaitReady(world)).status ?? {};
      expect(now).toEqual(rest);
      expect(conditions.map(({ lastTransitionTime: __, ...condition }) => condition)).toEqual(facts);
      return true;
    });
    await expectQuiet(world);
    expect(await pictureOf(world)).toEqual(before);
  });

  it('does not touch what somebody writes into the inventory', async () => {
    const foreign = corePath('secrets', 'database');
    const made = (await world.send('POST', foreign.slice(0, foreign.lastIndexOf('/')), {
      metadata: { name: 'database' },
      stringData: { password: 'not-for-argo' },
    })) as Got;
    const { inventory = [] } = (await awaitReady(world)).status ?? {};
    const entry = { kind: 'Secret', namespace: HOME, name: 'database', uid: made.metadata.uid };
    await editStatus({ inventory: [...inventory, entry] });
    await eventually('the entry is gone', async () => {
      return (await awaitReady(world)).status?.inventory?.every(({ name }) => name !== 'database');
    });
    await expectQuiet(world);
    expect(await world.get(foreign)).toEqual(made);
    await remove(foreign);
  });

  it('puts the finalizer back, without which a deletion would leave things behind', async () => {
    const was = (await awaitReady(world)).metadata.finalizers;
    await merge(POLICY, { metadata: { finalizers: null } });
    await awaitPolicy(world, 'has its finalizer', ({ metadata }) => metadata.finalizers !== undefined);
    expect((await world.get(POLICY))?.metadata.finalizers).toEqual(was);
    await expectQuiet(world);
  });

  it('leaves alone what others add to its objects', async () => {
    for (const path of [ADMIN, ADMIN_TOKEN, CREDENTIALS, HOME_BINDING, TEAM_BINDING]) {
      await merge(path, {
        metadata: { labels: { theirs: 'a' }, annotations: { 'example.com/theirs': 'b' } },
      });
    }
    await merge(CREDENTIALS, { data: { theirs: 'eA==' } });
    await merge(ADMIN, { imagePullSecrets: [{ name: 'registry' }], automountServiceAccountToken: false });
    const after = await pictureOf(world);
    const account = await world.get(ADMIN);
    await expectQuiet(world);
    expect(await pictureOf(world)).toEqual(after);
    expect(await world.get(ADMIN)).toEqual(account);
    await annotate(ADMIN, { [ARGO_RULE]: 'true' });
    await merge(CREDENTIALS, { metadata: { labels: { team: 'x' } } });
    await eventually('ours is undone, theirs is there', async () => {
      expect(await pictureOf(world)).toEqual(after);
      return true;
    });
    await expectQuiet(world);
  });

  it('writes nothing for a policy in sync, on a look and after a restart', async () => {
    await expectQuiet(world);
    await world.operator().stop();
    world.api.reset();
    world.keycloak.reset();
    await world.startOperator();
    await eventually('it has looked', async () => (await reconciles(world)) > 0);
    await touch(world);
    expect(writesOf(world.api)).toEqual([]);
    expect(writesOf(world.keycloak)).toEqual([]);
  });

  it('has lost track of nothing: a deletion leaves nothing behind', async () => {
    for (const secret of await secretsOf(world)) former.add(secret);
    await remove(POLICY);
    await awaitGone(world);
    await eventually('what it owned is gone', async () => {
      const names = (await pictureOf(world)).map(object => (object as { object: string }).object);
      expect(names.filter(name => /workflows-|argo-server-sso/.test(name))).toEqual([]);
      return true;
    });
    expect(await world.admin.client(world.realm, 'argo-workflows')).toBeUndefined();
  });
});

describe('what has been said of all this', () => {
  it('holds no secret', () => assertNoLeak(world, former));

  it('would be found to hold one', async () => {
    const shown = ['everything is as the policy says', 'argo/workflows'];
    for (const text of shown) await expect(assertNoLeak(world, [text])).rejects.toThrow('secrets in');
  });
});
