import { z } from 'zod';
import { createTransport, type Transport } from '../../keycloak/transport.ts';

const DEADLINE_MS = 10_000;
const discoverySchema = z.object({ issuer: z.string() });

/**
 * Why an issuer does not answer as Argo Server needs it at its start, from where the command runs; undefined where it
 * does.
 *
 * @param ca certificates in PEM that Argo Server trusts too
 */
export async function issuerProblem(issuer: string, ca: string | undefined): Promise<string | undefined> {
  const document = `${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`;
  const transport = transportWith(ca);
  if (transport === undefined) return 'the certificates of spec.server.rootCA cannot be read';
  try {
    return await problemOf(transport, document, issuer);
  } finally {
    await transport.close();
  }
}

function transportWith(ca: string | undefined): Transport | undefined {
  try {
    return createTransport({ ca, timeoutMs: DEADLINE_MS, connections: 1 });
  } catch {
    return undefined;
  }
}

async function problemOf(
  transport: Transport,
  document: string,
  issuer: string,
): Promise<string | undefined> {
  const answer = await transport.get(document).catch((error: unknown) => whyNoAnswer(error));
  if (typeof answer === 'string') return `${document} does not answer (${answer})`;
  if (answer.status !== 200) return `${document} answers with status ${answer.status}`;
  const { data } = discoverySchema.safeParse(parsed(answer.text));
  if (data === undefined) return `${document} answers with something else than a discovery document`;
  return data.issuer === issuer ? undefined : `${document} names another issuer, ${data.issuer}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The innermost code, such as ECONNREFUSED. */
function whyNoAnswer(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  if (error.cause !== undefined) return whyNoAnswer(error.cause);
  if (error.name === 'TimeoutError') return `not within ${DEADLINE_MS / 1000} s`;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
