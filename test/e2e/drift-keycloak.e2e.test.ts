import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ANNOTATION_REVISION, ATTRIBUTE_CLUSTER, ATTRIBUTE_OWNER } from '../../operator/api/names.ts';
import { specSchema } from '../../operator/api/schema.ts';
import { eventually } from '../env/process.ts';
import { assertNoLeak } from './leaks.ts';
import { type Mapper, pictureOfClient, type Representation } from './picture.ts';
import { changesMade, edit, expectQuiet } from './quiet.ts';
import {
  applyPolicy,
  awaitPolicy,
  awaitReady,
  corePath,
  createWorld,
  type Got,
  policyPath,
  reconciles,
  touch,
  type World,
  writesOf,
} from './world.ts';

const CALLBACK = 'https://fields.example.com/oauth2/callback';
const GRANTS = {
  device: 'oauth2.device.authorization.grant.enabled',
  ciba: 'oidc.ciba.grant.enabled',
  exchange: 'standard.token.exchange.enabled',
} as const;

/** Something that an administrator of Keycloak does to the client of a policy. */
interface Drift {
  readonly what: string;
  /** The policy. */
  readonly name: string;
  readonly breakIt: () => Promise<unknown>;
}

let world: World;
/** Secrets that were replaced, and must not have been shown either. */
const former: string[] = [];

beforeAll(async () => {
  const groups = ['fields', 'flows', 'mappers', 'life'].map(name => `/platform/${name}`);
  world = await createWorld({ groups, resyncPeriod: '1s' });
  await world.startOperator();
});
afterAll(() => world?.stop());

describe('drift in Keycloak', () => {
  const precedences: Readonly<Record<string, number>> = { fields: 1000, flows: 900, mappers: 800, life: 700 };

  function spec(name: string, adopt = false) {
    return specSchema.parse({
      precedence: precedences[name],
      client: {
        clientId: `argo-${name}`,
        url: `https://${name}.example.com`,
        adopt,
        secret: { name: `${name}-sso` },
      },
      roles: [{ name: 'admin', groups: [`/platform/${name}`] }],
    });
  }

  beforeAll(async () => {
    for (const name of Object.keys(precedences)) await applyPolicy(world, spec(name), name);
    for (const name of Object.keys(precedences)) await awaitReady(world, name);
  });

  async function clientOf(name: string): Promise<Representation> {
    const client = await world.admin.client(world.realm, `argo-${name}`);
    if (client === undefined) throw new Error(`no client argo-${name}`);
    return client as Representation;
  }

  async function changeClient(name: string, fields: Record<string, unknown>): Promise<void> {
    await world.admin.updateClient(world.realm, (await clientOf(name)).id, fields);
  }

  function credentials(name: string): Promise<Got | undefined> {
    return world.get(corePath('secrets', `${name}-sso`));
  }

  async function secretOf(name: string): Promise<string> {
    return Buffer.from((await credentials(name))?.data?.['client-secret'] ?? '', 'base64').toString('utf8');
  }

  /** Waits until the operator has read the realm's clients, and has looked at the policy after that. */
  async function awaitComparison(name: string): Promise<void> {
    world.keycloak.reset();
    await eventually('clients are read', async () =>
      world.keycloak.requests.some(({ method, path, status }) => {
        return method === 'GET' && /\/clients\/?(\?|$)/.test(path) && status === 200;
      }),
    );
    for (const look of ['first', 'second']) {
      const seen = await reconciles(world, name);
      await edit(world, policyPath(name), { metadata: { annotations: { look: `${look} ${seen}` } } });
      await eventually('it is looked at', async () => (await reconciles(world, name)) > seen);
    }
  }

  /** Breaks something of several clients at once, and waits until each of them is as it was as a whole. */
  async function expectUndone(...drifts: readonly Drift[]): Promise<void> {
    const names = drifts.map(({ name }) => name);
    const pictures = () => Promise.all(names.map(async name => pictureOfClient(await clientOf(name))));
    const counts = () => Promise.all(names.map(name => changesMade(world, name)));
    const [before, made] = await Promise.all([pictures(), counts()]);
    await Promise.all(drifts.map(({ breakIt }) => breakIt()));
    await eventually(
      'all is as it was',
      async () => {
        expect(await pictures()).toEqual(before);
        return (await counts()).every((count, at) => count > (made[at] ?? count));
      },
      20_000,
      50,
    ).catch(async error => {
      expect(await pictures(), String(error)).toEqual(before);
      throw error;
    });
    for (const name of names) await expectQuiet(world, name);
  }

  const mappersPath = async () =>
    `/${world.realm}/clients/${(await clientOf('mappers')).id}/protocol-mappers/models`;

  async function ourMapper(): Promise<Mapper> {
    const { protocolMappers = [] } = await clientOf('mappers');
    const found = protocolMappers.find(({ config }) => config['claim.name'] === 'groups');
    if (found === undefined) throw new Error('no mapper for groups');
    return found;
  }

  async function changeMapper(change: Readonly<Record<string, string>>): Promise<void> {
    const mapper = await ourMapper();
    const config = { ...mapper.config, ...change };
    await world.admin.request('PUT', `${await mappersPath()}/${mapper.id}`, { ...mapper, config });
  }

  async function addMapper(name: string, claim: string): Promise<void> {
    await world.admin.request('POST', await mappersPath(), {
      name,
      protocol: 'openid-connect',
      protocolMapper: 'oidc-hardcoded-claim-mapper',
      config: {
        'claim.name': claim,
        'claim.value': 'x',
        'id.token.claim': 'true',
        'jsonType.label': 'String',
      },
    });
  }

  async function removeMapper(id: string): Promise<void> {
    await world.admin.request('DELETE', `${await mappersPath()}/${id}`);
  }

  const fields = (what: string, change: Record<string, unknown>): Drift => {
    return { what, name: 'fields', breakIt: () => changeClient('fields', change) };
  };
  const flows = (what: string, change: Record<string, unknown>): Drift => {
    return { what, name: 'flows', breakIt: () => changeClient('flows', change) };
  };
  const mappers = (what: string, breakIt: Drift['breakIt']): Drift => ({ what, name: 'mappers', breakIt });
  const everything = {
    implicitFlowEnabled: true,
    directAccessGrantsEnabled: true,
    fullScopeAllowed: true,
    serviceAccountsEnabled: true,
    redirectUris: ['*'],
  };

  // Each round takes one resync, so that a round breaks several clients, each in one way.
  const rounds: readonly (readonly Drift[])[] = [
    [
      fields('a redirect URI that was added', { redirectUris: [CALLBACK, 'https://evil.example.org/*'] }),
      flows('the implicit flow, switched on', { implicitFlowEnabled: true }),
      mappers('a mapper that no longer writes paths', () => changeMapper({ 'full.path': 'false' })),
    ],
    [
      fields('redirect URIs that were removed', { redirectUris: [] }),
      flows('direct access grants, switched on', { directAccessGrantsEnabled: true }),
      mappers('a mapper of another claim', () => changeMapper({ 'claim.name': 'roles' })),
    ],
    [
      fields('another base URL', { baseUrl: 'https://evil.example.org' }),
      flows('the device grant, switched on', { attributes: { [GRANTS.device]: 'true' } }),
      mappers('a mapper that leaves the ID token out', () => changeMapper({ 'id.token.claim': 'false' })),
    ],
    [
      fields('another description', { description: 'mine' }),
      flows('CIBA, switched on', { attributes: { [GRANTS.ciba]: 'true' } }),
      mappers('a mapper for the access token', () => changeMapper({ 'access.token.claim': 'true' })),
    ],
    [
      fields('full scope, switched on', { fullScopeAllowed: true }),
      flows('token exchange, switched on', { attributes: { [GRANTS.exchange]: 'true' } }),
      mappers('a mapper that was deleted', async () => removeMapper((await ourMapper()).id)),
    ],
    [
      fields('another way to authenticate', { clientAuthenticatorType: 'client-jwt' }),
      flows('a service account, switched on', { serviceAccountsEnabled: true }),
    ],
    [
      fields('the standard flow, switched off', { standardFlowEnabled: false }),
      flows('a client made bearer-only', { bearerOnly: true }),
    ],
    [flows('much at once', everything)],
  ];

  it.each(rounds.map(round => [round.map(({ what }) => what).join(', and '), round] as const))(
    'undoes %s',
    async (_, round) => expectUndone(...round),
  );

  it('takes a mapper of another name for what it is, and keeps it right', async () => {
    const { id: _, ...mapper } = await ourMapper();
    await changeClient('mappers', { protocolMappers: [{ ...mapper, name: 'our groups' }] });
    await awaitComparison('mappers');
    await expectQuiet(world, 'mappers');
    expect((await ourMapper()).name).toBe('our groups');
    await expectUndone(mappers('it', () => changeMapper({ 'full.path': 'false' })));
    expect((await ourMapper()).name).toBe('our groups');
  });

  it('reports a second mapper of the claim, and heals when it is removed', async () => {
    await addMapper('rival', 'groups');
    const before = pictureOfClient(await clientOf('mappers'));
    const blocked = await awaitPolicy(
      world,
      'says that the claim is taken',
      (_, condition) =>
        condition('ClientReady')?.reason === 'ClaimTaken' && condition('Stalled') !== undefined,
      'mappers',
    );
    const message = blocked.status?.conditions?.find(({ type }) => type === 'ClientReady')?.message;
    expect(message).toContain('mapper "rival" writes the claim groups too');
    await awaitComparison('mappers');
    expect(writesOf(world.keycloak)).toEqual([]);
    expect(pictureOfClient(await clientOf('mappers'))).toEqual(before);
    const { protocolMappers = [] } = await clientOf('mappers');
    await removeMapper(protocolMappers.find(({ name }) => name === 'rival')?.id ?? '');
    await expectQuiet(world, 'mappers');
  });

  it('leaves what it does not manage as it was found, also while it undoes the rest', async () => {
    await addMapper('department', 'department');
    await changeClient('fields', {
      name: 'Workflows',
      webOrigins: ['https://fields.example.com'],
      consentRequired: true,
      attributes: {
        'post.logout.redirect.uris': 'https://fields.example.com',
        'access.token.lifespan': '120',
      },
    });
    await awaitComparison('fields');
    await expectQuiet(world, 'fields');
    await expectUndone(
      fields('a managed field', { baseUrl: 'https://evil.example.org' }),
      mappers('a managed mapper', () => changeMapper({ 'id.token.claim': 'false' })),
    );
    const { name, webOrigins, consentRequired, attributes } = await clientOf('fields');
    expect({ name, webOrigins, consentRequired }).toEqual({
      name: 'Workflows',
      webOrigins: ['https://fields.example.com'],
      consentRequired: true,
    });
    expect(attributes['access.token.lifespan']).toBe('120');
    const { protocolMappers = [] } = await clientOf('mappers');
    expect(protocolMappers.map(mapper => mapper.name)).toContain('department');
  });

  /** Waits until the Secret holds Keycloak's secret, as the next revision, and that is proved. */
  async function expectFollowed(revision: number): Promise<void> {
    await eventually(
      'the Secret follows',
      async () => (await secretOf('life')) === (await clientOf('life')).secret,
    );
    const policy = await awaitPolicy(
      world,
      'has proved it',
      ({ status }) => status?.secret?.provedRevision === revision,
      'life',
    );
    expect(policy.status?.secret?.revision).toBe(revision);
    expect((await credentials('life'))?.metadata.annotations?.[ANNOTATION_REVISION]).toBe(`${revision}`);
    await expectQuiet(world, 'life');
  }

  it('follows a secret that was made anew in Keycloak', async () => {
    former.push(await secretOf('life'));
    const { id } = await clientOf('life');
    await world.admin.request('POST', `/${world.realm}/clients/${id}/client-secret`);
    await expectFollowed(2);
    expect(former).not.toContain(await secretOf('life'));
  });

  it('follows a secret that was written in Keycloak', async () => {
    former.push(await secretOf('life'));
    await changeClient('life', { secret: 'chosen-by-an-administrator' });
    await expectFollowed(3);
    expect(await secretOf('life')).toBe('chosen-by-an-administrator');
  });

  it('undoes a client made public, and its Secret follows the secret that Keycloak makes with it', async () => {
    former.push(await secretOf('life'));
    const before = pictureOfClient({ ...(await clientOf('life')), secret: '', attributes: {} });
    await changeClient('life', { publicClient: true });
    await expectFollowed(4);
    expect(pictureOfClient({ ...(await clientOf('life')), secret: '', attributes: {} })).toEqual(before);
  });

  it('makes a client anew that was deleted, and its Secret follows', async () => {
    former.push(await secretOf('life'));
    const { id } = await clientOf('life');
    await world.admin.removeClient(world.realm, id);
    await eventually('there is a client again', async () => {
      return (await world.admin.client(world.realm, 'argo-life')) !== undefined;
    });
    await expectFollowed(5);
    const policy = await awaitReady(world, 'life');
    expect(policy.status?.client?.id).not.toBe(id);
    expect(policy.status?.client).toMatchObject({ id: (await clientOf('life')).id, adopted: false });
  });

  it('lets a client that an administrator has disabled stay so, and says it', async () => {
    await changeClient('life', { enabled: false });
    const policy = await awaitPolicy(
      world,
      'says that the client is disabled',
      (_, condition) => condition('Ready')?.reason === 'ClientDisabled',
      'life',
    );
    expect(policy.status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'False',
      message:
        'client argo-life is disabled in Keycloak, so nobody can sign in; enable it there when that is wanted',
    });
    await touch(world, 'life');
    await awaitComparison('life');
    expect(writesOf(world.api)).toEqual([]);
    expect(writesOf(world.keycloak)).toEqual([]);
    await changeClient('life', { enabled: true });
    await expectQuiet(world, 'life');
  });

  async function expectNotTakenBack(reason: string, words: string): Promise<void> {
    const before = pictureOfClient(await clientOf('life'));
    const policy = await awaitPolicy(
      world,
      `says ${reason}`,
      (_, condition) => condition('Ready')?.reason === reason && condition('Stalled')?.reason === reason,
      'life',
    );
    expect(policy.status?.conditions?.find(({ type }) => type === 'Ready')?.message).toContain(words);
    await awaitComparison('life');
    expect(writesOf(world.keycloak)).toEqual([]);
    expect(pictureOfClient(await clientOf('life'))).toEqual(before);
    expect(await secretOf('life')).toBe(before && (await clientOf('life')).secret);
  }

  it.each([
    ['owner', ATTRIBUTE_OWNER, 'ClientExists', 'set spec.client.adopt to true'],
    ['cluster', ATTRIBUTE_CLUSTER, 'ClientOwnedByAnother', 'belongs to another'],
  ])(
    'does not take a client for its own whose mark of %s was removed, until it is back',
    async (_, key, ...said) => {
      const { attributes } = await clientOf('life');
      await changeClient('life', { attributes: { [key]: '' } });
      await expectNotTakenBack(...(said as [string, string]));
      await changeClient('life', { attributes: { [key]: attributes[key] } });
      await expectQuiet(world, 'life');
    },
  );

  it('takes a client over again whose marks were all removed, when the policy says so', async () => {
    await changeClient('life', { attributes: { [ATTRIBUTE_OWNER]: '', [ATTRIBUTE_CLUSTER]: '' } });
    await expectNotTakenBack('ClientExists', 'set spec.client.adopt to true');
    const value = await secretOf('life');
    await applyPolicy(world, spec('life', true), 'life');
    const policy = await awaitReady(world, 'life');
    expect(policy.status?.client?.adopted).toBe(true);
    expect(await secretOf('life')).toBe(value);
    await expectQuiet(world, 'life');
  });

  it('writes nothing at all while everything is in sync, resync after resync', async () => {
    world.api.reset();
    for (let round = 0; round < 2; round += 1) await awaitComparison('life');
    expect(writesOf(world.api)).toEqual([]);
    expect(writesOf(world.keycloak)).toEqual([]);
  });
});

describe('what has been said of all this', () => {
  it('holds no secret', () => assertNoLeak(world, former));
});
