import fc from 'fast-check';
import type { Written } from './plan-check.ts';
import { SETTINGS } from './rotating-world.ts';
import { HOME, TEAM } from './world.ts';

interface Role {
  readonly name: string;
  readonly groups?: readonly string[];
  readonly everyone?: boolean;
  readonly when?: string;
  readonly grants: readonly object[];
}

const grants = fc.uniqueArray(
  fc.record({
    clusterRole: fc.constantFrom('argo-access-admin', 'argo-access-submitter', 'argo-access-viewer'),
    namespaces: fc.subarray([HOME, TEAM], { minLength: 1 }),
  }),
  { maxLength: 2, selector: ({ clusterRole }) => clusterRole },
);

const matching = fc.oneof(
  fc.record({ groups: fc.subarray(['/platform/admins', '/teams/a', '/teams/b'], { minLength: 1 }) }),
  fc.record({ everyone: fc.constant(true) }),
  fc.record({
    when: fc.constantFrom(
      '($env?.email ?? "") endsWith "@example.org"',
      'any($env?.groups ?? [], # startsWith "/teams/")',
    ),
  }),
);

const role = fc
  .tuple(fc.constantFrom('one', 'two', 'three', 'four'), matching, grants)
  .map(([name, match, granted]): Role => ({ name, ...match, grants: granted }));

/** Roles of which no two name a group, or are for everyone. */
const roles = fc
  .uniqueArray(role, { minLength: 1, maxLength: 4, selector: ({ name }) => name })
  .map(list => {
    const taken = new Set<string>();
    const free = (name: string) => !taken.has(name) && taken.add(name) !== undefined;
    return list.flatMap((each): readonly Role[] => {
      if (each.everyone) return free('') ? [each] : [];
      if (each.groups === undefined) return [each];
      const groups = each.groups.filter(free);
      return groups.length === 0 ? [] : [{ ...each, groups }];
    });
  })
  .filter(list => list.length > 0);

const server = fc.option(
  fc.record({ sessionExpiry: fc.constantFrom('8h', '9h'), deployment: fc.constant('argo-server') }),
  { nil: undefined },
);

const login = fc
  .record({
    url: fc.constantFrom('https://a.example.com', 'https://b.example.com'),
    additionalUrls: fc.subarray(['https://c.example.com']),
    secret: fc.record({
      name: fc.constantFrom('one-sso', 'two-sso'),
      clientSecretKey: fc.constantFrom('client-secret', 'password'),
      labels: fc.constantFrom({}, { tier: 'gold' }, { tier: 'silver', team: 'a' }),
    }),
    claim: fc.constantFrom('groups', 'teams'),
    server,
    roles,
    precedence: fc.constantFrom(5000, 4000),
  })
  .map(
    ({ url, additionalUrls, secret, claim, server: argo, ...rest }): Written => ({
      name: 'login',
      spec: {
        client: { clientId: 'argo-login', url, additionalUrls, secret },
        keycloak: { groups: { claim } },
        ...(argo && { server: { ...argo, configMap: { name: SETTINGS } } }),
        ...rest,
      },
    }),
  );

const team = fc
  .record({ roles, precedence: fc.constantFrom(9000, 950) })
  .map((spec): Written => ({ name: 'team', spec }));

/**
 * What a repository has, at one time and another: a policy with a login, or one of roles only beside it, or neither.
 * Their precedences are written: where one policy moves by the other's default, it depends on which is applied first.
 */
const repository = fc
  .tuple(fc.option(login, { freq: 6, nil: undefined }), fc.option(team, { freq: 3, nil: undefined }))
  .map(policies => policies.filter(each => each !== undefined));

/** So many states of a repository, by a seed. */
export function generateMerges(count: number, seed: number): readonly (readonly Written[])[] {
  return fc.sample(repository, { numRuns: count, seed });
}
