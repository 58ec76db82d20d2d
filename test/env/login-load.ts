import { setTimeout as pause } from 'node:timers/promises';
import { USER_PASSWORD } from './keycloak-admin.ts';
import { createBrowser, LoginError, openForm } from './login.ts';
import { NoReadyPod, type PodService } from './pod-service.ts';

/** An Argo Server as browsers see it. */
export interface LoginSite {
  readonly service: PodService;
  /** Where Keycloak sends a user back to; whatever its host is, the Service is asked. */
  readonly redirectUri: string;
}

/** When a login began and ended, in milliseconds since the epoch. */
interface LoginTimes {
  readonly openedAt: number;
  readonly doneAt: number;
}

/** How a login went. */
export type LoginResult = LoginTimes &
  (
    | { readonly ok: true }
    | {
        readonly ok: false;
        /** What Argo Server answered when the user came back; undefined where it did not get as far as that. */
        readonly status: number | undefined;
        readonly reason: string;
      }
  );

/** A login whose user sits at Keycloak's form. */
export interface OpenLogin {
  readonly openedAt: number;
  /** Sends user and password, and goes back to Argo Server; never throws. */
  readonly submit: () => Promise<LoginResult>;
}

/** Argo Server has refused a user who came back from Keycloak. */
class Refused extends LoginError {
  readonly status: number;

  constructor(status: number, text: string) {
    super('callback', `${status} ${text}`);
    this.status = status;
  }
}

/** What went wrong, with its cause: `fetch` itself says only that it failed. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${reasonOf(error.cause)}`;
}

function failure(openedAt: number, error: unknown): LoginResult {
  // What a Service without pods would answer.
  const unavailable = error instanceof NoReadyPod ? 503 : undefined;
  const status = error instanceof Refused ? error.status : unavailable;
  return { openedAt, doneAt: Date.now(), ok: false, status, reason: reasonOf(error) };
}

/**
 * Begins a login: the redirect of Argo Server, and Keycloak's form, at which the user then sits.
 *
 * @throws LoginError, NoReadyPod, or what `fetch` throws, where there is no form
 */
export async function openLogin(site: LoginSite, username: string): Promise<OpenLogin> {
  const { service, redirectUri } = site;
  const openedAt = Date.now();
  const browse = createBrowser();
  /** Status, address and text of what Argo Server answers. */
  const argo = (path: string) =>
    service.through(async url => {
      const response = await browse(`${url}${path}`);
      const text = await response.text();
      return { status: response.status, location: response.headers.get('location'), text };
    });
  const { status, location, text } = await argo('/oauth2/redirect');
  if (location === null) throw new LoginError('redirect', `${status} ${text}`);
  const send = await openForm(location, redirectUri);
  const submit = async (): Promise<LoginResult> => {
    try {
      const { pathname, search } = await send(username, USER_PASSWORD);
      const answer = await argo(`${pathname}${search}`);
      if (answer.status !== 302) throw new Refused(answer.status, answer.text);
      return { openedAt, doneAt: Date.now(), ok: true };
    } catch (error) {
      return failure(openedAt, error);
    }
  };
  return { openedAt, submit };
}

/** Signs in from beginning to end; never throws. */
export async function loginThrough(site: LoginSite, username: string): Promise<LoginResult> {
  const began = Date.now();
  try {
    return await (await openLogin(site, username)).submit();
  } catch (error) {
    return failure(began, error);
  }
}

/** Logins without end. */
export interface LoadOptions {
  readonly site: LoginSite;
  /** Who signs in, one after the other. */
  readonly users: readonly [string, ...string[]];
  /** How many logins are under way at a time, besides those that are held. */
  readonly concurrency: number;
}

/** Logins that go on until they are stopped, and others that are held at the form. */
export interface LoginLoad {
  /** All that have ended so far, in the order of their ends. */
  readonly results: readonly LoginResult[];
  /** How many are held at the form. */
  readonly held: () => number;
  /** Opens so many logins more, and holds them there; fails where one cannot be opened. */
  readonly hold: (count: number) => Promise<void>;
  /** Sends the forms of those that are held longest, by default of all. */
  readonly submitHeld: (count?: number) => Promise<readonly LoginResult[]>;
  /** Begins no more logins, and ends once those under way have; those that are held are forgotten. */
  readonly stop: () => Promise<readonly LoginResult[]>;
}

const AFTER_FAILURE_MS = 20;
/** Keycloak hashes a password for each: more at a time than processors only wait for each other. */
const FORMS_AT_A_TIME = 4;

/** Works on a list, so many at a time. */
async function fewAtATime<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const waiting = [...items.entries()];
  const results: R[] = [];
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      results[next[0]] = await work(next[1]);
    }
  };
  await Promise.all(Array.from({ length: FORMS_AT_A_TIME }, lane));
  return results;
}

/** Begins to sign users in, over and over. */
export function startLoad({ site, users, concurrency }: LoadOptions): LoginLoad {
  const results: LoginResult[] = [];
  const held: OpenLogin[] = [];
  let turn = 0;
  let stopping = false;
  const nextUser = () => {
    turn += 1;
    return users[turn % users.length] ?? users[0];
  };
  const record = (result: LoginResult) => {
    results.push(result);
    return result;
  };
  const loop = async () => {
    while (!stopping) {
      const { ok } = record(await loginThrough(site, nextUser()));
      // What fails without a request would not let anything else happen.
      if (!ok) await pause(AFTER_FAILURE_MS);
    }
  };
  const loops = Array.from({ length: concurrency }, loop);
  return {
    results,
    held: () => held.length,
    hold: async count => {
      const who = Array.from({ length: count }, nextUser);
      held.push(...(await fewAtATime(who, user => openLogin(site, user))));
    },
    submitHeld: (count = held.length) =>
      fewAtATime(held.splice(0, count), async login => record(await login.submit())),
    stop: async () => {
      stopping = true;
      await Promise.all(loops);
      return results;
    },
  };
}
