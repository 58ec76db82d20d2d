import type { KeycloakError } from './errors.ts';

/** Whether a connection answers, as its own requests tell. */
export interface ConnectionHealth {
  /** Since when no request has been answered, in milliseconds since the epoch; undefined while they are. */
  since(): number | undefined;
  /**
   * Whether to send another request. While Keycloak hangs, one at a time finds out whether it still does: all
   * others would only wait out their deadlines too, and keep everything else waiting.
   */
  admits(): boolean;
  succeeded(): void;
  /** @param sentAt when the request was sent, in milliseconds since the epoch */
  failed(error: KeycloakError, sentAt: number): void;
}

/** What {@link createConnectionHealth} needs. */
export interface ConnectionHealthOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Longest time that a request may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Told once when requests are no longer answered, and with undefined when they are again. */
  readonly tell: (error: KeycloakError | undefined) => void;
}

/** Kinds of failure that say nothing answered as Keycloak would; the others are answers. */
const NO_ANSWER: ReadonlySet<KeycloakError['kind']> = new Set([
  'Unreachable',
  'Timeout',
  'Untrusted',
  'WrongCredentials',
  'ServerError',
]);

/** How long a Keycloak that hangs is left alone before it is asked again, in milliseconds. */
const REST_MS = 2_000;

/** Starts as healthy. */
export function createConnectionHealth({ now, timeoutMs, tell }: ConnectionHealthOptions): ConnectionHealth {
  let since: number | undefined;
  let answeredAt = Number.NEGATIVE_INFINITY;
  /** While Keycloak hangs: when it may be asked again. */
  let askAgainAt: number | undefined;
  const succeeded = () => {
    answeredAt = now();
    askAgainAt = undefined;
    if (since === undefined) return;
    since = undefined;
    tell(undefined);
  };
  return {
    since: () => since,
    admits() {
      if (askAgainAt === undefined) return true;
      // A rest that would last for longer than any was begun before somebody set the clock back.
      const isResting = now() < askAgainAt && askAgainAt <= now() + timeoutMs + REST_MS;
      if (isResting) return false;
      askAgainAt = now() + timeoutMs + REST_MS;
      return true;
    },
    succeeded,
    failed(error, sentAt) {
      if (!NO_ANSWER.has(error.kind)) return succeeded();
      // Where others were answered meanwhile, it is that one request which takes too long.
      const hangs = error.kind === 'Timeout' && (answeredAt < sentAt || answeredAt > now());
      askAgainAt = hangs ? now() + REST_MS : undefined;
      if (since !== undefined) return;
      since = now();
      tell(error);
    },
  };
}
