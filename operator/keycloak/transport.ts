import { X509Certificate } from 'node:crypto';
import { getCACertificates } from 'node:tls';
import { Agent, Dispatcher1Wrapper } from 'undici';

/** How a connection speaks HTTP. */
export interface TransportOptions {
  /** Certificates in PEM that are trusted besides the well-known ones. */
  readonly ca: string | undefined;
  /** Deadline of each request in milliseconds, its whole answer included. */
  readonly timeoutMs: number;
  /** Most connections that are opened to Keycloak. */
  readonly connections: number;
}

/** An HTTP answer, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** One pool of connections, to be used by every request of a connection. */
export interface Transport {
  /** For `fetch`: pool, headers, and redirects handed back, for they would carry credentials elsewhere. */
  readonly requestOptions: RequestInit;
  /** Reads a public document within the deadline, or another one in milliseconds. */
  get(url: string, timeoutMs?: number): Promise<Answer>;
  /** Sends a form and reads the whole answer within the deadline. */
  post(url: string, authorization: string, form: Readonly<Record<string, string>>): Promise<Answer>;
  /** Breaks off what is under way and closes the pool. */
  close(): Promise<void>;
}

const USER_AGENT = 'argo-access-operator';

const PEM = /-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs;

/** The certificates of a PEM text. Node itself takes one that cannot be read for no certificate at all. */
function certificatesOf(pem: string): readonly string[] {
  const certificates = (pem.match(PEM) ?? []).map(text => new X509Certificate(text).toString());
  if (certificates.length === 0) throw new Error('there is no certificate in PEM');
  return certificates;
}

/** Opens a pool; nothing is sent yet. Throws where the certificates cannot be read. */
export function createTransport({ ca, timeoutMs, connections }: TransportOptions): Transport {
  const agent = new Agent({
    connections,
    connect: {
      timeout: timeoutMs,
      ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ...certificatesOf(ca)] }),
    },
  });
  // Node's own fetch speaks the dispatcher interface of the undici inside Node, which may be an older one.
  const dispatcher = new Dispatcher1Wrapper(agent);
  const requestOptions = {
    dispatcher,
    redirect: 'manual',
    headers: { 'user-agent': USER_AGENT },
  } as unknown as RequestInit;

  async function exchange(
    url: string,
    init: RequestInit,
    headers: Record<string, string>,
    deadlineMs = timeoutMs,
  ): Promise<Answer> {
    const response = await fetch(url, {
      ...requestOptions,
      ...init,
      headers: { 'user-agent': USER_AGENT, accept: 'application/json', ...headers },
      signal: AbortSignal.timeout(deadlineMs),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  return {
    requestOptions,
    get: (url, deadlineMs) => exchange(url, {}, {}, deadlineMs),
    post: (url, authorization, form) =>
      exchange(url, { method: 'POST', body: new URLSearchParams(form) }, { authorization }),
    async close() {
      await agent.destroy();
    },
  };
}
