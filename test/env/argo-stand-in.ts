import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { authorizationUrl, claimsOf, type Discovery, discover, exchange, type LoginClient } from './login.ts';

/** How long a login may take, in seconds, before Argo Server no longer knows of it. */
const STATE_LIFE_S = 180;
const HOME = '/workflows';

/** A stand-in for Argo Server that runs. */
export interface ArgoStandIn {
  /** Where it listens; not where a browser is sent. */
  readonly url: string;
  /** Takes no more requests, and ends once those under way are answered. */
  readonly stop: () => Promise<void>;
}

interface Started {
  readonly client: LoginClient;
  readonly discovery: Discovery;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly text?: string;
}

function beginLogin({ client, discovery }: Started): Answer {
  const state = randomBytes(5).toString('hex');
  return {
    status: 302,
    headers: {
      location: authorizationUrl(discovery, client, state),
      'set-cookie': `${state}=${HOME}; Max-Age=${STATE_LIFE_S}; HttpOnly; SameSite=Lax`,
    },
  };
}

function hasCookie(request: IncomingMessage, name: string): boolean {
  const cookies = (request.headers.cookie ?? '').split('; ').map(pair => pair.split('=')[0]);
  return name !== '' && cookies.includes(name);
}

/** Why an ID token is none for this client; its signature is not looked at, for it came from the server itself. */
function tokenProblem({ client }: Started, token: string): string | undefined {
  const { iss, aud } = claimsOf(token);
  if (iss !== client.issuer) return `the token's issuer is ${String(iss)}`;
  return [aud].flat().includes(client.clientId) ? undefined : `the token is for ${String(aud)}`;
}

/** Unlike Argo Server, which only logs it, the answer says what is wrong: that is what a test looks at. */
async function endLogin(started: Started, request: IncomingMessage, query: URLSearchParams): Promise<Answer> {
  if (!hasCookie(request, query.get('state') ?? '')) return { status: 400, text: 'invalid state' };
  try {
    const tokens = await exchange(started.discovery, started.client, query.get('code') ?? '');
    const problem = tokenProblem(started, tokens.id_token);
    if (problem !== undefined) return { status: 401, text: problem };
    return {
      status: 302,
      headers: { location: HOME, 'set-cookie': 'authorization=session; SameSite=Strict' },
    };
  } catch (error) {
    return { status: 401, text: error instanceof Error ? error.message : String(error) };
  }
}

async function answer(started: Started, request: IncomingMessage): Promise<Answer> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://argo-server');
  switch (pathname) {
    case '/readyz':
      return { status: 200 };
    case '/oauth2/redirect':
      return beginLogin(started);
    case '/oauth2/callback':
      return endLogin(started, request, searchParams);
    default:
      return { status: 404 };
  }
}

function send(response: ServerResponse, { status, headers, text = '' }: Answer): void {
  response.writeHead(status, headers).end(text);
}

/**
 * Starts what Argo Server is to a browser that signs in: the redirect to the issuer and the exchange of the code that
 * comes back (argo-workflows, server/auth/sso/sso.go). Like Argo Server it reads its settings and the issuer's
 * discovery document once, at its start, which fails where it cannot.
 *
 * @param readSettings called once
 */
export async function startArgoStandIn(readSettings: () => Promise<LoginClient>): Promise<ArgoStandIn> {
  const client = await readSettings();
  const discovery = await discover(client.issuer);
  if (discovery.issuer !== client.issuer) {
    throw new Error(`the issuer ${client.issuer} calls itself ${discovery.issuer}`);
  }
  const started: Started = { client, discovery };
  const server = createServer((request, response) => {
    answer(started, request).then(
      given => send(response, given),
      error => send(response, { status: 500, text: String(error) }),
    );
  });
  // A connection that is kept could be used at the very moment at which the server ends it.
  server.maxRequestsPerSocket = 1;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}
