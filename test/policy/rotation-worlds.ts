import {
  DEADLINE,
  isComplete,
  LIFE,
  OVERLAP,
  PERIOD,
  ROTATED_PERIODS,
  type World,
} from './rotation-model.ts';

/** A policy in sync shortly before a rotation is due, and when it is, with each kind of surroundings. */
export function beginnings(trouble: number): readonly World[] {
  const each = <T, U>(list: readonly T[], make: (item: T) => readonly U[]) => list.flatMap(make);
  const { narrow, wide, widest } = ROTATED_PERIODS;
  const usual = { rotatedPeriod: narrow, trouble };
  const narrowly = each([-3, 2], offset =>
    each([-2, 0, 2], skew =>
      each([true, false], covered =>
        each([OVERLAP, undefined], overlap =>
          each([true, false], hasServer => [
            beginning({ ...usual, now: PERIOD * 11 + offset, skew, covered, overlap, hasServer }),
          ]),
        ),
      ),
    ),
  );
  // With an overlap of its own a policy does not mind how long the realm would keep an old secret.
  const surely = { covered: true, hasServer: true, overlap: undefined, trouble };
  const widely = each([wide, widest], rotatedPeriod =>
    each([-2, 2], skew => [beginning({ ...surely, now: PERIOD * 11 + 2, skew, rotatedPeriod })]),
  );
  return [...narrowly, ...widely];
}

interface Surroundings {
  readonly now: number;
  readonly skew: number;
  readonly covered: boolean;
  readonly overlap: number | undefined;
  readonly rotatedPeriod: number;
  readonly hasServer: boolean;
  readonly trouble: number;
}

function beginning(surroundings: Surroundings): World {
  const { now, skew, covered, overlap, rotatedPeriod, hasServer, trouble } = surroundings;
  const made = PERIOD * 10 + 4;
  const created = made + skew;
  return {
    now,
    skew,
    overlap,
    rotatedPeriod,
    keycloak: {
      secret: 1,
      created,
      expires: covered ? created + LIFE : undefined,
      old: undefined,
      covered,
      locked: false,
    },
    issuer: true,
    secret: { uid: 2, value: 1, touched: false, revision: 1, created, since: made, handled: undefined },
    status: { revision: 1, proved: 1 },
    proof: undefined,
    deployment: hasServer
      ? {
          mark: '2/1',
          template: 3,
          pods: [{ template: 3, value: 1, ready: true }],
          startedAt: made,
          completedAt: made,
          served: true,
          paused: false,
          broken: false,
          unfit: false,
        }
      : undefined,
    request: undefined,
    fresh: 4,
    trouble,
    ghost: { made, madeSinceTakeOver: false, used: false, excused: false, jumped: false },
  };
}

/** Numbers in the order in which they turn up, so that states alike but for their names are one. */
function renamed() {
  const names: (string | number)[] = [];
  return (name: string | number | undefined): number => {
    if (name === undefined) return -1;
    const known = names.indexOf(name);
    return known < 0 ? names.push(name) - 1 : known;
  };
}

/** What stands for nothing in a key; times are nowhere near. */
const NONE = -20_000;
/** Makes a character of every number in a key. */
const MIDDLE = 0x8000;

/**
 * The same text for states that no future can tell apart: times count from now, names by their order. Each number is
 * one character, as nothing in a search takes longer than making these and finding them again.
 */
export function keyOf(world: World): string {
  const { now, keycloak, secret, ghost, status, proof } = world;
  const ago = (time: number | undefined) => (time === undefined ? NONE : time - now);
  const value = renamed();
  const mark = renamed();
  const last = secret?.revision ?? status.revision;
  const revision = (number: number) => (number === 0 ? NONE : number - last);
  const numbers = [
    ((now % PERIOD) + PERIOD) % PERIOD,
    world.skew,
    world.overlap ?? NONE,
    world.rotatedPeriod,
    value(keycloak.secret),
    ago(keycloak.created),
    ago(keycloak.expires),
    value(keycloak.old?.value),
    ago(keycloak.old?.expires),
    mark(secret && `${secret.uid}/${secret.revision}`),
    value(secret?.value),
    ago(secret?.created),
    ago(secret?.since),
    revision(status.revision),
    revision(status.proved),
    proof === undefined ? NONE : revision(proof.revision),
    world.trouble,
    ago(ghost.made),
    flags(
      keycloak.covered,
      keycloak.locked,
      world.issuer,
      proof?.result === 'proved',
      ghost.madeSinceTakeOver,
      ghost.used,
      ghost.excused,
      ghost.jumped,
      secret?.touched ?? false,
    ),
  ];
  addRequest(numbers, world);
  addDeployment(numbers, world, value, mark);
  for (let index = 0; index < numbers.length; index += 1) numbers[index] = (numbers[index] ?? 0) + MIDDLE;
  return String.fromCharCode(...numbers);
}

function flags(...list: readonly boolean[]): number {
  return list.reduce((number, flag) => number * 2 + (flag ? 1 : 0), 0);
}

/** What was met last matters to what is asked for, and to what may be asked for after a clock was set back. */
function addRequest(numbers: number[], { now, request, secret, trouble }: World) {
  const handled = secret?.handled ?? Number.NEGATIVE_INFINITY;
  numbers.push(request !== undefined && request > handled ? request - now : NONE);
  numbers.push(trouble === 0 ? NONE : Math.max(handled - now, -PERIOD));
}

type Namer = ReturnType<typeof renamed>;

/** A rollout's beginning matters until it is late, its end as long as an old secret waits for it. */
function addDeployment(numbers: number[], world: World, value: Namer, mark: Namer) {
  const { now, deployment, keycloak, secret } = world;
  if (deployment === undefined) return;
  const { pods, startedAt, completedAt, served, paused, broken, unfit, template } = deployment;
  const name = renamed();
  const begun = isComplete(deployment) ? NONE : Math.max(startedAt - now, -DEADLINE);
  const matters = completedAt !== undefined && keycloak.old !== undefined;
  const end = matters ? Math.max(completedAt, secret?.since ?? completedAt) - now : NONE;
  const done = flags(matters, completedAt === undefined, served, paused, broken, unfit);
  numbers.push(mark(deployment.mark), name(template), begun, end, done);
  for (const pod of pods) numbers.push(name(pod.template), value(pod.value), pod.ready ? 1 : 0);
}
