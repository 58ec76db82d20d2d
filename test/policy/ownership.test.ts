import { describe, expect, it } from 'vitest';
import { ANNOTATION_ADOPT_BY, LABEL_POLICY_UID } from '../../operator/api/names.ts';
import type { ObjectMeta, OwnedObject } from '../../operator/api/objects.ts';
import { bearsMark, consentsToAdoption, isOurs, isOursToDelete } from '../../operator/policy/ownership.ts';
import { changesOf, plan } from '../../operator/policy/plan.ts';
import { makePolicy, observe } from './fixtures.ts';
import {
  MANAGED,
  makeAccount,
  makeBinding,
  makeMeta,
  makeSecret,
  makeToken,
  marksOf,
  ownerOf,
  settledPolicy,
} from './objects.ts';

const OWN = 'uid-workflows';
const LIVE = 'uid-other';
const GONE = 'uid-gone';

const label = (uid: string) => ({ labels: { [LABEL_POLICY_UID]: uid } });
const owner = (uid: string) => ({ ownerReferences: [ownerOf('some-policy', uid)] });
const adopt = (name: string) => ({ annotations: { [ANNOTATION_ADOPT_BY]: name } });
const managed = { managed: MANAGED };

interface Expected {
  /** Whether the policy may change it under one of its names. */
  readonly ours: boolean;
  /** Whether the policy may delete it where it is not wanted, with and without an entry in the inventory. */
  readonly deletable: { readonly listed: boolean; readonly unlisted: boolean };
}

const never = { listed: false, unlisted: false };
const always = { listed: true, unlisted: true };
const ifListed = { listed: true, unlisted: false };

const CASES: readonly (readonly [string, Partial<ObjectMeta>, Expected])[] = [
  ['as we made it', { ...label(OWN), ...owner(OWN), ...managed }, { ours: true, deletable: always }],
  ['with its owner reference removed', { ...label(OWN), ...managed }, { ours: true, deletable: always }],
  ['with its label stripped', { ...owner(OWN), ...managed }, { ours: true, deletable: always }],
  ['with all marks stripped', managed, { ours: true, deletable: ifListed }],
  ['with its label changed to nonsense', { ...label('x'), ...managed }, { ours: true, deletable: ifListed }],
  ['that is a copy, made by hand, of one of ours', label(OWN), { ours: true, deletable: never }],
  [
    'that is a copy with the owner reference',
    { ...label(OWN), ...owner(OWN) },
    { ours: true, deletable: never },
  ],
  ['that nobody marked', {}, { ours: false, deletable: never }],
  [
    'of another live policy',
    { ...label(LIVE), ...owner(LIVE), ...managed },
    { ours: false, deletable: never },
  ],
  [
    'of another live policy, by its owner reference',
    { ...owner(LIVE), ...managed },
    { ours: false, deletable: never },
  ],
  [
    'of a policy that is gone',
    { ...label(GONE), ...owner(GONE), ...managed },
    { ours: true, deletable: ifListed },
  ],
  [
    'labelled as ours on top of another live owner',
    { ...label(OWN), ...owner(LIVE), ...managed },
    { ours: true, deletable: never },
  ],
  [
    'with a label of another kind of owner',
    { ownerReferences: [{ ...ownerOf('x', OWN), kind: 'Deployment' }] },
    { ours: false, deletable: never },
  ],
  [
    'that we released to the policy',
    { ...adopt('workflows'), ...managed },
    { ours: false, deletable: never },
  ],
  [
    'that we released to another policy',
    { ...adopt('other'), ...managed },
    { ours: false, deletable: never },
  ],
  [
    'of ours that also carries a consent',
    { ...label(OWN), ...adopt('workflows'), ...managed },
    { ours: true, deletable: always },
  ],
];

describe('an object', () => {
  const metadata = (overrides: Partial<ObjectMeta>) => makeMeta('thing', overrides);
  const entry = { kind: 'Secret', namespace: 'argo', name: 'thing', uid: 'uid-of-thing' };

  function looking(listed: boolean) {
    const policy = makePolicy(
      { roles: [{ name: 'a', everyone: true }] },
      { status: { inventory: listed ? [entry] : [] } },
    );
    return observe(policy, { livePolicyUids: new Set([OWN, LIVE]) });
  }

  it.each(CASES)('%s', (_, overrides, { ours, deletable }) => {
    expect(isOurs(looking(false), metadata(overrides))).toBe(ours);
    expect(isOurs(looking(true), metadata(overrides))).toBe(ours);
    expect(isOursToDelete(looking(false), metadata(overrides))).toBe(deletable.unlisted);
    expect(isOursToDelete(looking(true), metadata(overrides))).toBe(deletable.listed);
  });

  it('is listed by uid: another one of that name is not', () => {
    expect(isOursToDelete(looking(true), metadata({ uid: 'made-anew', ...managed }))).toBe(false);
  });

  it('bears a mark, so that it is looked at, by any sign that a policy made it', () => {
    expect([managed, label(LIVE), owner(GONE)].map(each => bearsMark(metadata(each)))).toEqual([
      true,
      true,
      true,
    ]);
    expect(bearsMark(metadata(adopt('workflows')))).toBe(false);
  });

  it.each([
    ['annotated with the name of the policy', adopt('workflows'), true],
    ['annotated and left from a policy that is gone', { ...adopt('workflows'), ...label(GONE) }, true],
    ['annotated with another name', adopt('other'), false],
    ['annotated with nothing', adopt(''), false],
    ['annotated, but of a live policy', { ...adopt('workflows'), ...label(LIVE) }, false],
    ['not annotated', {}, false],
  ])('%s: consent %s %s', (_, overrides, consent) => {
    expect(consentsToAdoption(looking(false), metadata(overrides))).toBe(consent);
  });
});

describe('an inventory that somebody else has written', () => {
  const inventory = (...objects: readonly OwnedObject[]) =>
    objects.map(({ kind, metadata: { namespace, name, uid } }) => ({ kind, namespace, name, uid }));

  it('gets nothing deleted that our field manager has not made', () => {
    const objects = [
      makeAccount('theirs'),
      makeToken('theirs'),
      makeBinding('theirs', 'cluster-admin'),
    ] as const;
    const [account, secret, binding] = objects;
    const policy = settledPolicy({ status: { inventory: inventory(...objects) } });
    const observation = observe(policy, { accounts: [account], secrets: [secret], bindings: [binding] });
    expect(changesOf(plan(observation, [])).filter(({ kind }) => kind === 'DeleteObject')).toEqual([]);
  });

  it('gets nothing deleted that was made for a policy of another namespace', () => {
    const name = 'argo-access:team-a:workflows-dev:clusterrole:view';
    const binding = makeBinding('workflows-dev', 'view', { name, namespace: 'shared', managed: MANAGED });
    const policy = settledPolicy({ status: { inventory: inventory(binding) } });
    const observation = observe(policy, { bindings: [binding] });
    expect(isOursToDelete(observation, binding.metadata)).toBe(false);
    expect(changesOf(plan(observation, [])).filter(({ kind }) => kind === 'DeleteObject')).toEqual([]);
  });

  it('does not hide what is ours', () => {
    const policy = settledPolicy({ status: { inventory: [] } });
    const account = makeAccount('workflows-former', marksOf(policy));
    const secret = makeSecret('former-sso', {}, marksOf(policy));
    expect(isOursToDelete(observe(policy), account.metadata)).toBe(true);
    expect(isOursToDelete(observe(policy), secret.metadata)).toBe(true);
  });
});
