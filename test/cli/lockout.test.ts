import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Deployment } from '../../operator/api/objects.ts';
import { announcement, type Findings, refusals } from '../../operator/cli/lockout/checks.ts';
import { askIssuer, issuerProblem } from '../../operator/cli/lockout/issuer.ts';
import { onlyTarget, targetOf } from '../../operator/cli/lockout/target.ts';
import { read } from '../docs-pages.ts';
import { freePort } from '../env/process.ts';
import { FINE, policyWith } from './status-fixtures.ts';

const TARGET = targetOf(policyWith());

const DEPLOYMENT: Deployment = {
  kind: 'Deployment',
  metadata: { name: 'argo-server', namespace: 'argo', uid: 'd', resourceVersion: '1' },
  selector: {},
  templateAnnotations: {},
  paused: false,
  rollout: { progress: 'complete', startedAt: undefined, completedAt: undefined, why: undefined },
  serviceAccountName: 'argo-server',
  containers: [],
};

const GOOD: Findings = { issuerProblem: undefined, deployment: DEPLOYMENT, missingAccess: [] };

describe('a lockout', () => {
  const cases: Readonly<Record<string, readonly [Partial<Findings>, readonly RegExp[]]>> = {
    'goes on where Argo Server would come back': [{}, []],
    'goes on where the rights of its account cannot be looked at': [{ missingAccess: undefined }, []],
    'is refused while the issuer is silent': [
      { issuerProblem: 'https://x does not answer (ECONNREFUSED)' },
      [/^the issuer does not answer, .*: https:\/\/x does not answer \(ECONNREFUSED\); bring Keycloak back/],
    ],
    'is refused where the key would not be made anew': [
      { missingAccess: ['create secrets', 'get secrets "sso"'] },
      [
        /^ServiceAccount argo-server may not create secrets, get secrets "sso" in namespace argo, .*; give it/,
      ],
    ],
    'is refused without the Deployment': [
      { deployment: undefined },
      [/^Deployment argo-server does not exist in namespace argo; correct spec.server.deployment$/],
    ],
    'is refused where the Deployment is paused': [
      { deployment: { ...DEPLOYMENT, paused: true } },
      [/ is paused and would not restart; kubectl --namespace argo rollout resume deployment\/argo-server$/],
    ],
    'is refused where not all of it is available, with the reason': [
      {
        deployment: {
          ...DEPLOYMENT,
          rollout: { ...DEPLOYMENT.rollout, progress: 'rolling', why: 'no quota' },
        },
      },
      [/ is being rolled out, or not all of it is available: no quota; wait until it is, or mend it/],
    ],
    'is refused with all reasons at once': [
      { issuerProblem: 'x', deployment: { ...DEPLOYMENT, paused: true }, missingAccess: ['create secrets'] },
      [/issuer/, /ServiceAccount/, /paused/],
    ],
  };
  it.each(Object.entries(cases))('%s', (_, [findings, expected]) => {
    const found = refusals(TARGET, { ...GOOD, ...findings });
    expect(found).toHaveLength(expected.length);
    for (const [index, pattern] of expected.entries()) expect(found[index]).toMatch(pattern);
  });

  it('says beforehand what it does, and what could not be checked', () => {
    const text = announcement(TARGET, 'prod', GOOD);
    expect(text).toMatch(
      /^This ends every open session of Argo Server, .* argo\/argo-server of context prod:/,
    );
    expect(text).toContain('Secret argo/sso is deleted');
    expect(text).not.toContain('Not checked');
    expect(announcement(TARGET, 'prod', { ...GOOD, missingAccess: undefined })).toContain(
      'Not checked, for you may not create localsubjectaccessreviews in namespace argo',
    );
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
  });

  it('says what docs/cli.md shows', () => {
    expect(read('docs/cli.md')).toContain(`\n${announcement(TARGET, 'production', GOOD)}\nGo on? [y/N] y\n`);
  });

  it('is of the one policy with an Argo Server', () => {
    const ofRoles = policyWith({}, { client: undefined, server: undefined }, { name: 'team' });
    expect(onlyTarget([ofRoles, policyWith()], 'argo')).toMatchObject({
      namespace: 'argo',
      deployment: 'argo-server',
      issuer: FINE.issuer,
    });
    expect(() => onlyTarget([ofRoles], 'argo')).toThrow(
      'no policy of namespace argo names an Argo Server in spec.server.deployment; choose the namespace by --namespace',
    );
    expect(() => onlyTarget([policyWith(), policyWith(FINE, {}, { name: 'second' })], 'argo')).toThrow(
      'several policies of namespace argo name an Argo Server; name one of workflows, second',
    );
  });

  it('is refused where the policy does not tell enough', () => {
    expect(() => targetOf(policyWith({}))).toThrow('policy argo/workflows does not say its issuer yet');
    const unnamed = policyWith(FINE, { server: { configMap: { name: 'settings' } } });
    expect(() => targetOf(unnamed)).toThrow(
      /names no Argo Server in .*: kubectl --namespace argo delete secret sso/,
    );
  });
});

describe('an issuer', () => {
  let answer: readonly [status: number, body: (url: string) => string] = [200, () => ''];
  const server = createServer((request, response) => {
    const [status, body] = answer;
    if (request.url?.startsWith('/moved')) {
      response.writeHead(301, { location: url + request.url.replace('/moved', '') });
    } else response.writeHead(request.url?.endsWith('/.well-known/openid-configuration') ? status : 404);
    response.end(body(url));
  });
  let url = '';
  beforeAll(async () => {
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/realms/platform`;
  });
  afterAll(() => server.close());

  it.each([
    ['answers', 200, (at: string) => JSON.stringify({ issuer: at }), undefined],
    ['is another', 200, () => '{"issuer":"https://other"}', / names another issuer, https:\/\/other$/],
    ['is none', 200, () => '<html>', / answers with something else than a discovery document$/],
    ['is down', 503, () => '', / answers with status 503$/],
  ] as const)('that %s is told so', async (_, status, body, expected) => {
    answer = [status, body];
    const problem = await issuerProblem(url, undefined);
    if (expected === undefined) expect(problem).toBeUndefined();
    else expect(problem).toMatch(expected);
  });

  it('that goes by another name is told to be another, unless that name is expected', async () => {
    answer = [200, () => '{"issuer":"https://other","scopes_supported":["openid"]}'];
    const known = { problem: undefined, named: 'https://other', scopes: ['openid'] };
    expect(await askIssuer(url, { alias: 'https://other' })).toEqual(known);
    expect((await askIssuer(url)).problem).toMatch(/ names another issuer/);
  });

  it('that has moved is followed, as Argo Server does, and told to be another', async () => {
    answer = [200, at => JSON.stringify({ issuer: at })];
    const moved = new URL('/moved', url).href;
    expect(await issuerProblem(moved, undefined)).toMatch(/ names another issuer, http.*\/realms\/platform$/);
  });

  it('that nobody serves is told with the reason', async () => {
    const nobody = `http://127.0.0.1:${await freePort()}/realms/x`;
    expect(await issuerProblem(nobody, undefined)).toBe(
      `${nobody}/.well-known/openid-configuration does not answer (ECONNREFUSED)`,
    );
    expect(await issuerProblem(url, '-----BEGIN CERTIFICATE-----')).toBe(
      'the certificates of spec.server.rootCA cannot be read',
    );
  });
});
