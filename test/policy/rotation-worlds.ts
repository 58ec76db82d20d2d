import { DEADLINE, isComplete, LIFE, OVERLAP, PERIOD, type World } from './rotation-model.ts';

/** A policy in sync shortly before a rotation is due, and when it is, with each kind of surroundings. */
export function beginnings(trouble: number): readonly World[] {
  const each = <T, U>(list: readonly T[], make: (item: T) => readonly U[]) => list.flatMap(make);
  return each([-3, 2], offset =>
    each([-2, 0, 2], skew =>
      each([true, false], covered =>
        each([OVERLAP, undefined], overlap =>
          each([true, false], hasServer => [
            beginning({ now: PERIOD * 11 + offset, skew, covered, overlap, hasServer, trouble }),
          ]),
        ),
      ),
    ),
  );
}

interface Surroundings {
  readonly now: number;
  readonly skew: number;
  readonly covered: boolean;
  readonly overlap: number | undefined;
  readonly hasServer: boolean;
  readonly trouble: number;
}

function beginning({ now, skew, covered, overlap, hasServer, trouble }: Surroundings): World {
  const made = PERIOD * 10 + 4;
  const created = made + skew;
  return {
    now,
    skew,
    overlap,
    keycloak: {
      secret: 1,
      created,
      expires: covered ? created + LIFE : undefined,
      old: undefined,
      covered,
      locked: false,
    },
    issuer: true,
    secret: { uid: 2, value: 1, revision: 1, created, since: made, handled: undefined },
    status: { revision: 1, proved: 1 },
    proof: undefined,
    deployment: hasServer
      ? {
          mark: '2/1',
          template: 3,
          pods: [{ template: 3, value: 1, ready: true }],
          startedAt: made,
          completedAt: made,
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
  const names = new Map<string | number | undefined, number>();
  return (name: string | number | undefined) => {
    if (name === undefined) return '';
    const known = names.get(name) ?? names.size;
    names.set(name, known);
    return known;
  };
}

/** The same text for states that no future can tell apart: times count from now, names by their order. */
export function keyOf(world: World): string {
  const { now, keycloak, secret, ghost, status } = world;
  const ago = (time: number | undefined) => (time === undefined ? '' : time - now);
  const value = renamed();
  const mark = renamed();
  const revision = (number: number) => (number === 0 ? '' : number - (secret?.revision ?? status.revision));
  return [
    ((now % PERIOD) + PERIOD) % PERIOD,
    world.skew,
    world.overlap,
    value(keycloak.secret),
    ago(keycloak.created),
    ago(keycloak.expires),
    keycloak.old && [value(keycloak.old.value), ago(keycloak.old.expires)],
    keycloak.covered,
    keycloak.locked,
    world.issuer,
    secret && [
      mark(`${secret.uid}/${secret.revision}`),
      value(secret.value),
      ago(secret.created),
      ago(secret.since),
    ],
    revision(status.revision),
    revision(status.proved),
    world.proof && [revision(world.proof.revision), world.proof.result],
    ...requestKey(world),
    world.trouble,
    ago(ghost.made),
    ghost.madeSinceTakeOver,
    ghost.used,
    ghost.excused,
    ghost.jumped,
    ...deploymentKey(world, value, mark),
  ].join(' ');
}

/** What was met last matters to what is asked for, and to what may be asked for after a clock was set back. */
function requestKey({ now, request, secret, trouble }: World): unknown[] {
  const handled = secret?.handled ?? Number.NEGATIVE_INFINITY;
  const pending = request !== undefined && request > handled ? request - now : '';
  return [pending, trouble === 0 ? '' : Math.max(handled - now, -PERIOD)];
}

type Namer = ReturnType<typeof renamed>;

/** A rollout's beginning matters until it is late, its end as long as an old secret waits for it. */
function deploymentKey({ now, deployment, keycloak, secret }: World, value: Namer, mark: Namer): unknown[] {
  if (deployment === undefined) return [];
  const { pods, startedAt, completedAt, paused, broken, unfit, template } = deployment;
  const name = renamed();
  const begun = isComplete(deployment) ? '' : Math.max(startedAt - now, -DEADLINE);
  const matters = completedAt !== undefined && keycloak.old !== undefined;
  const done = matters
    ? Math.max(completedAt, secret?.since ?? completedAt) - now
    : completedAt === undefined;
  return [
    ...[mark(deployment.mark), name(template), begun, done, paused, broken, unfit],
    ...pods.flatMap(pod => [name(pod.template), value(pod.value), pod.ready]),
  ];
}
