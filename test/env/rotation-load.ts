import { type LoadOptions, type LoginLoad, type LoginResult, startLoad } from './login-load.ts';
import { eventually } from './process.ts';
import { type RotationStepDone, STEP, type StepName } from './rotation-steps.ts';

/** A rotation while users sign in. */
export interface RotationLoad {
  readonly load: LoadOptions;
  /** The steps that will come about, in order. */
  readonly names: readonly StepName[];
  /** How many go on after each step, and at least are open across it. */
  readonly atATime: number;
  /** How many sign in before the rotation and after it, at least. */
  readonly around: number;
  /** How many logins there are in all, at least. */
  readonly atLeast: number;
  readonly begin: () => Promise<unknown>;
  /** The secret that Keycloak has now. */
  readonly currentSecret: () => Promise<string>;
  /** What has happened since a time in milliseconds since the epoch. */
  readonly stepsSince: (since: number) => Promise<readonly RotationStepDone[]>;
}

/** A login that failed. */
export type FailedLogin = Extract<LoginResult, { readonly ok: false }>;

/** How the logins went. */
export interface RotationOutcome {
  readonly results: readonly LoginResult[];
  readonly failed: readonly FailedLogin[];
  readonly steps: readonly RotationStepDone[];
}

const DEADLINE_MS = 90_000;
const LOOK_MS = 20;
const POLL_MS = 5;

/**
 * Lets users sit at the form across each step: whenever one has happened, so many more come to the form, and as many of
 * those who have sat there longest go on; after the last one all do.
 */
async function signInAcross(
  load: LoginLoad,
  { names, atATime, stepsSince }: RotationLoad,
  since: number,
): Promise<void> {
  for (const name of names) {
    const happened = async () => (await stepsSince(since)).some(step => step.name === name);
    await eventually(name, happened, DEADLINE_MS, LOOK_MS);
    if (name === names.at(-1)) break;
    await load.hold(atATime);
    await load.submitHeld(atATime);
  }
  await load.submitHeld();
}

/** The last moment at which Keycloak was asked and still had the secret given, in milliseconds since the epoch. */
async function lastMomentOf(
  secret: string,
  { currentSecret }: Pick<RotationLoad, 'currentSecret'>,
): Promise<number> {
  let moment = Date.now();
  const isNew = async () => {
    const asked = Date.now();
    if ((await currentSecret()) !== secret) return true;
    moment = asked;
    return false;
  };
  await eventually('Keycloak has another secret', isNew, DEADLINE_MS, POLL_MS);
  return moment;
}

/** Rotates a secret while users sign in, some of whom sit at the form across each step. */
export async function rotateUnderLoad(options: RotationLoad): Promise<RotationOutcome> {
  const { atATime, around, atLeast, begin, currentSecret, names, stepsSince } = options;
  const load = startLoad(options.load);
  const until = (count: number) =>
    eventually(`${count} have signed in`, async () => load.results.length >= count, DEADLINE_MS, LOOK_MS);
  try {
    await load.hold(2 * atATime);
    await until(around);
    const old = await currentSecret();
    const since = Date.now();
    // Nobody can fail before it, whereas the operator knows of its new secret only later.
    const [lastMoment] = await Promise.all([lastMomentOf(old, options), begin()]);
    await signInAcross(load, options, since);
    await until(Math.max(atLeast, load.results.length + around));
    const results = await load.stop();
    const steps = (await stepsSince(since))
      .filter(({ name }) => names.includes(name))
      .map(step => (step.name === STEP.regenerated ? { ...step, at: lastMoment } : step));
    return { results, failed: results.filter(result => !result.ok), steps };
  } finally {
    await load.stop();
  }
}

/** When a step happened, in milliseconds since the epoch; not a number where it did not. */
export function timeOf({ steps }: RotationOutcome, name: StepName): number {
  return steps.find(step => step.name === name)?.at ?? Number.NaN;
}

/** How many logins were open across each step, in the order of the steps. */
export function openAcross({ results, steps }: RotationOutcome): readonly number[] {
  const openAt = (moment: number) =>
    results.filter(({ openedAt, doneAt }) => openedAt < moment && doneAt > moment).length;
  return steps.map(({ at }) => openAt(at));
}
