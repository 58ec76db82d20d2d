import { z } from 'zod';
import { type Answer, createTransport, type Transport } from '../../keycloak/transport.ts';

const DEADLINE_MS = 10_000;
const discoverySchema = z.object({
  issuer: z.string(),
  scopes_supported: z.array(z.string()).optional(),
  userinfo_endpoint: z.string().optional(),
});

/** Code of an answer for which nobody was asked: the certificates to trust cannot be read. */
export const UNREADABLE_CA = 'UNREADABLE_CA';

/** How an issuer is asked. */
export interface IssuerQuestion {
  /** Certificates in PEM that Argo Server trusts too. */
  readonly ca?: string | undefined;
  /** Where they stand, for people. */
  readonly caField?: string;
  /** The issuer that the document is to name, where it is another; Argo's setting `issuerAlias`. */
  readonly alias?: string | undefined;
}

/** What came of asking an issuer. */
export interface IssuerAnswer {
  /** Why it does not answer as Argo Server needs it at its start; undefined where it does. */
  readonly problem: string | undefined;
  /** Why there was no answer at all, such as `ECONNREFUSED` or a code of Node's about certificates. */
  readonly code?: string;
  /** Where it answers with another status than 200. */
  readonly status?: number;
  /** What the document names as its issuer, where there is a document. */
  readonly named?: string;
  /** The scopes that the document lists, where it does. */
  readonly scopes?: readonly string[] | undefined;
  /** The address of the user info, where the document has one. */
  readonly userInfo?: string | undefined;
}

/** Asks an issuer for its discovery document, as Argo Server does at its start, from where the command runs. */
export async function askIssuer(issuer: string, question: IssuerQuestion = {}): Promise<IssuerAnswer> {
  const { ca, caField = 'spec.server.rootCA', alias = issuer } = question;
  const document = `${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`;
  const transport = transportWith(ca);
  if (transport === undefined) {
    return { problem: `the certificates of ${caField} cannot be read`, code: UNREADABLE_CA };
  }
  try {
    return await answerOf(transport, document, alias);
  } finally {
    await transport.close();
  }
}

/** Why an issuer does not answer as Argo Server needs it at its start; undefined where it does. */
export async function issuerProblem(issuer: string, ca: string | undefined): Promise<string | undefined> {
  return (await askIssuer(issuer, { ca })).problem;
}

function transportWith(ca: string | undefined): Transport | undefined {
  try {
    return createTransport({ ca, timeoutMs: DEADLINE_MS, connections: 1 });
  } catch {
    return undefined;
  }
}

async function answerOf(transport: Transport, document: string, issuer: string): Promise<IssuerAnswer> {
  const answer = await follow(transport, document).catch((error: unknown) => whyNoAnswer(error));
  if (typeof answer === 'string') return { problem: `${document} does not answer (${answer})`, code: answer };
  const { status } = answer;
  if (status !== 200) return { problem: `${document} answers with status ${status}`, status };
  const { data } = discoverySchema.safeParse(parsed(answer.text));
  if (data === undefined) {
    return { problem: `${document} answers with something else than a discovery document` };
  }
  const named = data.issuer;
  const problem = named === issuer ? undefined : `${document} names another issuer, ${named}`;
  return { problem, named, scopes: data.scopes_supported, userInfo: data.userinfo_endpoint };
}

/** Redirects that are followed, as Argo Server does; nothing secret is sent. */
const MOST_REDIRECTS = 5;

async function follow(transport: Transport, url: string, left = MOST_REDIRECTS): Promise<Answer> {
  const answer = await transport.get(url);
  const next = URL.parse(answer.headers.get('location') ?? '', url);
  const isRedirect = answer.status >= 300 && answer.status < 400 && answer.headers.has('location');
  return isRedirect && next !== null && left > 0 ? follow(transport, next.href, left - 1) : answer;
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
