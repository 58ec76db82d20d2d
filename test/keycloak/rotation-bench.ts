import { createRealm, type KeycloakRealm } from '../../operator/keycloak/realm.ts';
import type { SessionOptions } from '../../operator/keycloak/session.ts';
import type { KeycloakClient } from '../../operator/policy/keycloak-types.ts';
import { ROTATING_OPERATOR_ROLES } from '../env/keycloak-admin.ts';
import { type Bench, clientFields, startBench } from './harness.ts';

/** A bench whose operator may rotate secrets with an overlap. */
export interface RotationBench extends Bench {
  /** The realm as one session sees it that all tests use. */
  readonly keycloak: KeycloakRealm;
  /** The realm as a new session sees it, by default with a resync period of an hour. */
  readonly openRealm: (options?: Partial<SessionOptions>, resyncPeriodMs?: number) => KeycloakRealm;
  /** A client that the operator has just made. */
  readonly makeClient: () => Promise<KeycloakClient>;
  readonly readClient: (id: string) => Promise<KeycloakClient>;
  /** Makes a policy for all clients of `makeClient`, whose secrets it lets expire after an hour. */
  readonly cover: (rotatedPeriodSeconds?: number) => Promise<void>;
}

/** An attribute that all clients of `makeClient` have. */
export const CLUSTER = ['argo-access.io/cluster', 'cluster-1'] as const;

/** Sets up a bench on the shared servers; files that run at the same time give it different names. */
export async function startRotationBench(name: string): Promise<RotationBench> {
  const bench = await startBench(name, ROTATING_OPERATOR_ROLES);
  const match = Object.fromEntries([CLUSTER]);
  let made = 0;
  const openRealm: RotationBench['openRealm'] = (options, resyncPeriodMs = 3_600_000) =>
    createRealm({
      session: bench.open(options),
      realm: bench.realm,
      signInRealm: bench.realm,
      wanted: () => [],
      resyncPeriodMs,
    });
  const keycloak = openRealm();
  const readClient = async (id: string) => {
    const client = await keycloak.clients.read(id);
    if (client === undefined) throw new Error(`no client ${id}`);
    return client;
  };
  return {
    ...bench,
    keycloak,
    openRealm,
    readClient,
    async makeClient() {
      made += 1;
      return readClient(
        await keycloak.clients.create(clientFields(`argo-${made}`, { attributes: match }), []),
      );
    },
    cover: (rotatedPeriodSeconds = 600) =>
      bench.admin.coverByRotationPolicy(bench.realm, {
        secretPeriodSeconds: 3600,
        rotatedPeriodSeconds,
        match,
      }),
  };
}
