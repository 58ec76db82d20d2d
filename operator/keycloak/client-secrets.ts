import { z } from 'zod';
import { Withdrawn } from './admin-client.ts';
import type { Session } from './session.ts';

/** Deadline of a regeneration in milliseconds: a Lease that was held when it was sent is held as long. */
const REGENERATION_MS = 4_000;

const secretSchema = z.object({ value: z.string().min(1) });

/**
 * Has Keycloak make a new secret for the client of this internal id. `mayStill` is asked right before each sending;
 * where it says false, nothing is sent and the answer is false. Throws `KeycloakError`: then it may have been made
 * all the same.
 */
export async function regenerateSecret(
  session: Session,
  realm: string,
  id: string,
  mayStill: () => boolean,
): Promise<boolean> {
  const sending = session.call(
    realm,
    { action: `regenerate the secret of client ${id}`, role: 'manage-clients', missing: 'object' },
    ({ clients }) => clients.generateNewClientSecret({ id }),
    // Not kept: what counts is read back with the rest of the client.
    answer => secretSchema.safeParse(answer).success || undefined,
    { timeoutMs: REGENERATION_MS, mayStill },
  );
  return sending.catch(error => {
    if (error instanceof Withdrawn) return false;
    throw error;
  });
}
