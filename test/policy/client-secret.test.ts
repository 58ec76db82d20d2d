import { describe, expect, it } from 'vitest';
import {
  ANNOTATION_ADOPT_BY,
  ANNOTATION_REVISION,
  ANNOTATION_ROLLED,
  ANNOTATION_SECRET_SINCE,
  ATTRIBUTE_CLUSTER,
  ATTRIBUTE_OWNER,
} from '../../operator/api/names.ts';
import type { Policy, Secret } from '../../operator/api/objects.ts';
import { SecretValue } from '../../operator/api/secret-value.ts';
import type { Change } from '../../operator/policy/change.ts';
import { planClientSecret, retainSecret } from '../../operator/policy/client-secret.ts';
import { isProved, revisionOf } from '../../operator/policy/client-secret-view.ts';
import { NO_SERVER } from '../../operator/policy/nothing-seen.ts';
import type { Observation, Proof } from '../../operator/policy/observation.ts';
import { plan } from '../../operator/policy/plan.ts';
import { makeClient, makePolicy, observe } from './fixtures.ts';
import {
  keycloakDown,
  keycloakWith,
  MANAGED,
  makeSecret,
  makeToken,
  marksOf,
  ownerOf,
  SPEC,
} from './objects.ts';
import { makeDeployment } from './server-objects.ts';

const OURS = { [ATTRIBUTE_OWNER]: 'test/argo/workflows', [ATTRIBUTE_CLUSTER]: 'cluster-1' };
const CLIENT = makeClient({ attributes: OURS, secret: new SecretValue('new') });
const LABELS = {
  'app.kubernetes.io/managed-by': 'argo-access-operator',
  'argo-access.io/policy': 'workflows',
  'argo-access.io/policy-namespace': 'argo',
  'argo-access.io/policy-uid': 'uid-workflows',
};

/** A policy whose status remembers a revision, and which one was proved. */
function remembering(
  revision: number | undefined,
  provedRevision?: number,
  secret = SPEC.client.secret,
): Policy {
  const known =
    revision === undefined
      ? {}
      : { secret: { name: 'argo-server-sso', revision, ...(provedRevision && { provedRevision }) } };
  return makePolicy({ ...SPEC, client: { ...SPEC.client, secret } }, { status: known });
}

/** Our Secret with a value and a revision, written as it is. */
function holding(value: string, revision: string | undefined, name = 'argo-server-sso'): Secret {
  return makeSecret(
    name,
    { 'client-id': 'argo-workflows', 'client-secret': value },
    {
      labels: LABELS,
      ownerReferences: [ownerOf('workflows', 'uid-workflows')],
      managed: { ...MANAGED, data: ['client-id', 'client-secret'] },
      annotations: {
        [ANNOTATION_SECRET_SINCE]: '2026-03-01T11:00:00Z',
        ...(revision !== undefined && { [ANNOTATION_REVISION]: revision }),
      },
    },
  );
}

function seeing(
  policy: Policy,
  secrets: readonly Secret[],
  overrides: Partial<Observation> = {},
): Observation {
  return observe(policy, { secrets, keycloak: keycloakWith(CLIENT), ...overrides });
}

/** Changes in a form that shows values: what is written, and under which number. */
function shown(changes: readonly Change[]): readonly string[] {
  return changes.map(change => {
    switch (change.kind) {
      case 'CreateObject':
      case 'ApplyObject': {
        const { object } = change;
        const data = object.kind === 'Secret' ? Object.entries(object.data) : [];
        const values = data.map(([key, value]) => `${key}=${value.reveal()}`).join(' ');
        return `${change.kind} ${object.metadata.name} #${object.metadata.annotations[ANNOTATION_REVISION]} ${values}`;
      }
      case 'ProveSecret':
        return `ProveSecret ${change.clientId} #${change.revision} ${change.secret.reveal()} ${change.redirectUri}`;
      case 'PatchObject':
      case 'DeleteObject':
        return `${change.kind} ${change.ref.name}`;
      default:
        return change.kind;
    }
  });
}

const prove = (revision: number) =>
  `ProveSecret argo-workflows #${revision} new https://workflows.example.com/oauth2/callback`;
const written = (verb: string, revision: number, name = 'argo-server-sso') =>
  `${verb} ${name} #${revision} client-id=argo-workflows client-secret=new`;
const proof = (revision: number, result: Proof['result']): Proof => ({ revision, result, message: 'said' });

const CASES: readonly (readonly [string, Observation, readonly string[]])[] = [
  [
    'a Secret that is not there: made with the value and its number in one write, then proved',
    seeing(remembering(undefined), []),
    [written('CreateObject', 1), prove(1)],
  ],
  [
    'a Secret that was deleted: made under a new number',
    seeing(remembering(4, 4), []),
    [written('CreateObject', 5), prove(5)],
  ],
  [
    'a Secret that holds the value and was proved: nothing',
    seeing(remembering(3, 3), [holding('new', '3')]),
    [],
  ],
  [
    'a Secret that holds the value, with the proof lost: proved again, nothing written',
    seeing(remembering(3), [holding('new', '3')]),
    [prove(3)],
  ],
  [
    'a Secret that holds the value, with the status lost: proved again, nothing written',
    seeing(remembering(undefined), [holding('new', '3')]),
    [prove(3)],
  ],
  [
    'a Secret whose value was edited, or is old: written with the next number, then proved',
    seeing(remembering(3, 3), [holding('old', '3')]),
    [written('ApplyObject', 4), prove(4)],
  ],
  [
    'a Secret without its number: the number that is remembered',
    seeing(remembering(3, 3), [holding('new', undefined)]),
    [written('ApplyObject', 3)],
  ],
  [
    'a Secret with a damaged number: the number that is remembered',
    seeing(remembering(3, 3), [holding('new', 'three')]),
    [written('ApplyObject', 3)],
  ],
  [
    'a Secret with a number put back, and the value changed too: never a number that was proved before',
    seeing(remembering(3, 3), [holding('old', '2')]),
    [written('ApplyObject', 4), prove(4)],
  ],
  [
    'a Secret with a number put back: the number that is remembered',
    seeing(remembering(3, 3), [holding('new', '2')]),
    [written('ApplyObject', 3)],
  ],
  [
    'a Secret with a number beyond reason, and nothing remembered: from the start',
    seeing(remembering(undefined), [holding('new', '999999999')]),
    [written('ApplyObject', 1), prove(1)],
  ],
  [
    'a status with a number beyond reason: the number that the Secret has',
    seeing(remembering(1e15), [holding('new', '3')]),
    [prove(3)],
  ],
  [
    'a new value after the highest number: from the start',
    seeing(remembering(99_999_999, 99_999_999), [holding('old', '99999999')]),
    [written('ApplyObject', 1), prove(1)],
  ],
  [
    'the highest number, remembered alone: the one after that of the Secret',
    seeing(remembering(99_999_999, 99_999_999), [holding('old', '3')]),
    [written('ApplyObject', 4), prove(4)],
  ],
  [
    'a Secret that began from the start, with the status lost: its number stays',
    seeing(remembering(99_999_999, 99_999_999), [holding('new', '1')]),
    [prove(1)],
  ],
  [
    'a Secret that was just proved: nothing',
    seeing(remembering(3), [holding('new', '3')], { proof: proof(3, 'proved') }),
    [],
  ],
  [
    'a proof that was refused in this pass: not asked again',
    seeing(remembering(3, 3), [holding('new', '3')], { proof: proof(3, 'refused') }),
    [],
  ],
  [
    'a proof without result in this pass: not asked again',
    seeing(remembering(3), [holding('new', '3')], { proof: proof(3, 'unknown') }),
    [],
  ],
  [
    'a proof of an earlier number: asked for the present one',
    seeing(remembering(3, 3), [holding('old', '3')], { proof: proof(3, 'proved') }),
    [written('ApplyObject', 4), prove(4)],
  ],
  [
    'a disabled client: written, not proved, for the endpoint would refuse it',
    seeing(remembering(undefined), [], { keycloak: keycloakWith({ ...CLIENT, enabled: false }) }),
    [written('CreateObject', 1)],
  ],
  [
    'a client without a secret: nothing',
    seeing(remembering(3), [], { keycloak: keycloakWith({ ...CLIENT, secret: undefined }) }),
    [],
  ],
  ['no client: nothing', seeing(remembering(3), [], { keycloak: keycloakWith(undefined) }), []],
  ['no answer from Keycloak: nothing', seeing(remembering(3), [], { keycloak: keycloakDown(0) }), []],
  ['a policy without client: nothing', seeing(makePolicy({ roles: SPEC.roles }), []), []],
];

describe('the Secret with the credentials', () => {
  it.each(CASES)('%s', (_, observation, expected) => {
    expect(shown(planClientSecret(observation))).toEqual(expected);
  });

  it('is not written before the client is ours', () => {
    const foreign = { ...CLIENT, attributes: {} };
    const observation = seeing(remembering(undefined), [], { keycloak: keycloakWith(foreign) });
    expect(plan(observation, []).secret).toEqual([]);
  });

  it('that is adopted keeps its other keys, and loses the annotation by which it came', () => {
    const found = makeSecret(
      'argo-server-sso',
      { theirs: 'kept' },
      { annotations: { [ANNOTATION_ADOPT_BY]: 'workflows' } },
    );
    const [change, ...rest] = planClientSecret(seeing(remembering(undefined), [found]));
    expect(change).toMatchObject({ kind: 'ApplyObject', uid: found.metadata.uid });
    expect(shown(rest)).toEqual([prove(1)]);
    const kept = holding('new', '1');
    const managed = { ...MANAGED, ...kept.metadata.managed, annotations: [ANNOTATION_ADOPT_BY] };
    const retained = { ...kept, metadata: { ...kept.metadata, managed } };
    expect(planClientSecret(seeing(remembering(1, 1), [retained]))).toEqual([
      {
        kind: 'PatchObject',
        ref: { kind: 'Secret', namespace: 'argo', name: 'argo-server-sso', uid: kept.metadata.uid },
        removeLabels: [],
        removeAnnotations: [ANNOTATION_ADOPT_BY],
        removeData: [],
      },
    ]);
  });

  it('takes the next number where the id in it was edited, or a key by somebody’s hand: a pod may have read it', () => {
    const edited = makeSecret(
      'argo-server-sso',
      { 'client-id': 'x', 'client-secret': 'new' },
      holding('new', '3').metadata,
    );
    const next = [written('ApplyObject', 4), prove(4)];
    expect(shown(planClientSecret(seeing(remembering(3, 3), [edited])))).toEqual(next);
    const same = holding('new', '3');
    const byHand = (data: readonly string[]) => ({
      ...same,
      metadata: { ...same.metadata, managed: { ...MANAGED, data } },
    });
    for (const data of [['client-id'], ['client-secret']])
      expect(shown(planClientSecret(seeing(remembering(3, 3), [byHand(data)])))).toEqual(next);
  });

  it('is made anew where somebody has made an old value immutable, and left alone otherwise', () => {
    const frozen = (secret: Secret): Secret => ({ ...secret, immutable: true });
    const changed = seeing(remembering(3, 3), [frozen(holding('old', '3'))]);
    expect(shown(planClientSecret(changed))).toEqual([
      'DeleteObject argo-server-sso',
      written('CreateObject', 4),
      prove(4),
    ]);
    expect(shown(planClientSecret(seeing(remembering(3, 3), [frozen(holding('new', '3'))])))).toEqual([]);
  });

  it('under another key takes the value over with a new number', () => {
    const policy = remembering(3, 3, { ...SPEC.client.secret, ...{ clientSecretKey: 'constructor' } });
    expect(shown(planClientSecret(seeing(policy, [holding('new', '3')])))).toEqual([
      'ApplyObject argo-server-sso #4 client-id=argo-workflows constructor=new',
      'PatchObject argo-server-sso',
      prove(4),
    ]);
  });

  it('carries the labels and annotations that the policy wants, under its own', () => {
    const policy = remembering(undefined, undefined, {
      ...SPEC.client.secret,
      ...{ labels: { team: 'a' }, annotations: { note: 'b' } },
    });
    const [change] = planClientSecret(seeing(policy, []));
    expect(change?.kind === 'CreateObject' ? change.object.metadata : undefined).toMatchObject({
      labels: { ...LABELS, team: 'a' },
      annotations: { note: 'b', [ANNOTATION_REVISION]: '1' },
    });
  });
});

describe('a new value never gets a number that pods are marked with', () => {
  const marked = (mark: string): Partial<Observation> => {
    const object = { ...makeDeployment(), templateAnnotations: { [ANNOTATION_ROLLED]: mark } };
    return { server: { ...NO_SERVER, deployment: { state: 'found', object } } };
  };

  it.each([
    ['where the Secret and the status were put back', 2, '2', '3-0123456789abcdef', 4],
    ['where it begins from the start', 99_999_999, '99999999', '1-0123456789abcdef', 2],
    ['where pods have the highest', 2, '2', '99999999-0123456789abcdef', 3],
    ['where somebody has written the mark', 2, '2', 'seven', 3],
  ])('%s', (_, remembered, number, mark, expected) => {
    const observation = seeing(remembering(remembered, remembered), [holding('old', number)], marked(mark));
    expect(shown(planClientSecret(observation))).toEqual([written('ApplyObject', expected), prove(expected)]);
  });

  it('but for a Secret that is made anew, whose marks are others', () => {
    const observation = seeing(remembering(undefined), [], marked('1-0123456789abcdef'));
    expect(shown(planClientSecret(observation))).toEqual([written('CreateObject', 1), prove(1)]);
  });

  it('and a value that stays keeps its own', () => {
    const observation = seeing(remembering(2, 2), [holding('new', '2')], marked('9-0123456789abcdef'));
    expect(planClientSecret(observation)).toEqual([]);
  });
});

describe('a Secret under a former name', () => {
  const policy = remembering(3, 3);
  const former = holding('new', '3', 'former-sso');

  it('stays until the new one is there and proved', () => {
    expect(shown(planClientSecret(seeing(policy, [former])))).toEqual([written('CreateObject', 4), prove(4)]);
    expect(shown(planClientSecret(seeing(policy, [former, holding('new', '4')])))).toEqual([prove(4)]);
    expect(
      shown(planClientSecret(seeing(policy, [former, holding('new', '4')], { proof: proof(4, 'refused') }))),
    ).toEqual([]);
    expect(
      shown(planClientSecret(seeing(policy, [former, holding('new', '4')], { proof: proof(4, 'unknown') }))),
    ).toEqual([]);
  });

  it('goes last', () => {
    expect(
      shown(planClientSecret(seeing(policy, [former, holding('new', '4')], { proof: proof(4, 'proved') }))),
    ).toEqual(['DeleteObject former-sso']);
  });

  it.each([
    ['is a copy by hand', { ...former, metadata: { ...former.metadata, managed: undefined } }],
    ['is nobody knows whose', makeSecret('former-sso', { 'client-secret': 'new' })],
    ['is of another policy', makeSecret('former-sso', {}, marksOf(makePolicy(SPEC, { name: 'other' })))],
    [
      'was kept from an earlier policy',
      makeSecret('former-sso', {}, { managed: MANAGED, annotations: { [ANNOTATION_ADOPT_BY]: 'workflows' } }),
    ],
    ['holds a token', makeToken('workflows-admin', marksOf(policy))],
  ])('never goes where it %s', (_, secret) => {
    const { managed, ...metadata } = secret.metadata;
    const candidate: Secret = {
      ...secret,
      metadata: managed === undefined ? metadata : { ...metadata, managed },
    };
    expect(shown(planClientSecret(seeing(policy, [candidate, holding('new', '3')])))).toEqual([]);
  });
});

describe('the number of a Secret', () => {
  it.each([
    ['1', 1],
    ['99999999', 99_999_999],
    ['100000000', undefined],
    ['0', undefined],
    ['-1', undefined],
    ['01', undefined],
    ['1.5', undefined],
    ['1e3', undefined],
    [' 1', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('written as %j is %s', (text, revision) => {
    expect(revisionOf(holding('x', text))).toBe(revision);
  });

  it.each([
    ['just now', remembering(undefined), proof(2, 'proved'), true],
    ['as the status remembers', remembering(2, 2), undefined, true],
    ['as the status remembers, with a proof of another number', remembering(2, 2), proof(1, 'refused'), true],
    ['but was refused just now', remembering(2, 2), proof(2, 'refused'), false],
    ['but could not be asked about just now', remembering(2, 2), proof(2, 'unknown'), false],
    ['not at all', remembering(2), undefined, false],
    ['only for an earlier number', remembering(2, 1), undefined, false],
  ])('2 is proved %s', (_, policy, said, proved) => {
    expect(isProved(observe(policy, { proof: said }), 2)).toBe(proved);
  });
});

describe('a Secret that is kept beyond its policy', () => {
  it('is released, and marked so that a policy of that name may take it up', () => {
    expect(retainSecret(observe(remembering(3)), holding('new', '3'))).toEqual({
      kind: 'PatchObject',
      ref: { kind: 'Secret', namespace: 'argo', name: 'argo-server-sso', uid: 'uid-of-argo-server-sso' },
      setAnnotations: { [ANNOTATION_ADOPT_BY]: 'workflows' },
      removeLabels: [
        'argo-access.io/policy',
        'argo-access.io/policy-namespace',
        'argo-access.io/policy-uid',
        'app.kubernetes.io/managed-by',
      ],
      removeOwnerUid: 'uid-workflows',
    });
  });
});
