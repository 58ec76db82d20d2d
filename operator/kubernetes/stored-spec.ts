import { z } from 'zod';
import type { Policy } from '../api/objects.ts';
import { type PolicySpec, specSchema } from '../api/schema.ts';

/** How many faults of a spec are told. */
const MAX_ISSUES = 3;

/** What a deletion needs of a spec: where the client and its Secret are, and whether they stay. */
const remnantSchema = z
  .object({
    keycloak: z
      .object({ connection: z.string().catch('default'), realm: z.string().optional().catch(undefined) })
      .catch({ connection: 'default' }),
    client: z
      .object({ clientId: z.string(), secret: z.object({ name: z.string() }) })
      .optional()
      .catch(undefined),
    // A word of another version is taken for the one that loses nothing.
    deletionPolicy: z.enum(['Delete', 'Retain']).optional().catch('Retain'),
    suspend: z.boolean().catch(false),
  })
  .catch({ keycloak: { connection: 'default' }, suspend: false, deletionPolicy: 'Retain' });

function remnantOf(stored: unknown): PolicySpec {
  const { keycloak, client, deletionPolicy, suspend } = remnantSchema.parse(stored);
  return {
    keycloak: { ...keycloak, groups: { source: 'Groups', claim: 'groups', fullPath: true } },
    ...(client && {
      client: {
        clientId: client.clientId,
        url: '',
        additionalUrls: [],
        adopt: false,
        secret: {
          name: client.secret.name,
          clientIdKey: '',
          clientSecretKey: '',
          labels: {},
          annotations: {},
        },
      },
    }),
    roles: [],
    deletionPolicy,
    suspend,
  };
}

/**
 * A spec as the API server has stored it, perhaps by the rules of another version of the CRD. Where it is not
 * valid by ours, only what a deletion needs is kept of it, and what is wrong is said.
 */
export function decodeSpec(stored: unknown): Pick<Policy, 'spec' | 'invalid'> {
  const { data, error } = specSchema.safeParse(stored);
  if (error === undefined) return { spec: data };
  const issues = error.issues.slice(0, MAX_ISSUES);
  const invalid = issues.map(({ path, message }) => `${['spec', ...path].join('.')}: ${message}`).join('; ');
  return { spec: remnantOf(stored), invalid };
}
