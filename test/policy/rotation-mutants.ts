import { planRotation, ROTATION_RULES, type RotationRule } from '../../operator/policy/rotation.ts';
import type { RotationStep } from '../../operator/policy/rotation-step.ts';
import type { RotationView } from '../../operator/policy/rotation-view.ts';
import type { Planner } from './rotation-model.ts';

const MINUTE = 60_000;
const SKEW = 5 * MINUTE;

/** The planner with some of its rules, by name, in the order given. */
function ruled(names: readonly string[]): Planner {
  const rules = names.map(name => {
    const rule = ROTATION_RULES.find(candidate => candidate.name === name);
    if (rule === undefined) throw new Error(`no rule ${name}`);
    return rule;
  });
  return view => planRotation(view, rules);
}

const ALL = ROTATION_RULES.map(({ name }) => name);
const without = (name: string) => ruled(ALL.filter(other => other !== name));

/** The planner that is shown something else than there is. */
function blind(change: (view: RotationView) => Partial<RotationView>): Planner {
  return view => planRotation({ ...view, ...change(view) });
}

/** The planner with a step of one kind changed. */
function twisted(change: (step: RotationStep, view: RotationView) => RotationStep): Planner {
  return view => {
    const plan = planRotation(view);
    return { ...plan, step: change(plan.step, view) };
  };
}

/** The planner that passes over what one rule asks for in some cases. */
function lenient(name: string, passesOver: (step: RotationStep) => boolean): Planner {
  const rules = ROTATION_RULES.map((rule): RotationRule => {
    if (rule.name !== name) return rule;
    return view => {
      const step = rule(view);
      return step !== undefined && passesOver(step) ? undefined : step;
    };
  });
  return view => planRotation(view, rules);
}

/** The planner that is told of another end of the secret, so that the margin before it is another. */
function ending(change: (life: number) => number): Planner {
  return blind(({ keycloak }) => {
    const { createdAt, expiresAt } = keycloak;
    if (createdAt === undefined || expiresAt === undefined) return {};
    // A quarter of a life is the margin: the planner sees one that is as much longer.
    const life = (change(expiresAt - createdAt) * 4) / 3;
    return { keycloak: { ...keycloak, expiresAt: createdAt + life } };
  });
}

const deployment = (view: RotationView, change: object): Partial<RotationView> =>
  view.deployment?.state === 'found' ? { deployment: { ...view.deployment, ...change } } : {};

/** Planners that are broken on purpose, each by the one thing that its name says. */
export const MUTANTS: Readonly<Record<string, Planner>> = {
  'leaves a Secret that differs as it is': without('takeOver'),
  'does everything else before the Secret follows': ruled([
    ...ALL.filter(n => n !== 'takeOver' && n !== 'wait' && n !== 'preflight' && n !== 'regenerate'),
    'preflight',
    'takeOver',
    'wait',
    'regenerate',
  ]),
  'rolls out what is not proved': without('prove'),
  'never rolls out': without('roll'),
  'does not wait for a rollout': without('awaitRollout'),
  'takes a rollout that is late for one that is done': lenient(
    'awaitRollout',
    step => step.kind === 'AwaitRollout' && step.late,
  ),
  'forgets about the old secret': without('endOverlap'),
  'ends the old secret before the rollout': ruled(
    ALL.filter(name => name !== 'endOverlap').toSpliced(ALL.indexOf('roll'), 0, 'endOverlap'),
  ),
  'counts the overlap from the new secret on': blind(view => deployment(view, { completedAt: 0 })),
  'does without the overlap that is asked for': blind(({ keycloak }) => ({
    keycloak: { ...keycloak, coverage: keycloak.coverage ?? { rotatedPeriod: Number.POSITIVE_INFINITY } },
  })),
  'takes no notice of the lease': blind(() => ({ leading: true })),
  'takes no notice of the issuer': blind(() => ({ issuerAnswers: true })),
  'takes no notice of a pause': blind(view => deployment(view, { paused: false })),
  'takes no notice of pods that are missing': blind(view =>
    view.deployment?.state === 'found' && view.deployment.progress === 'down'
      ? deployment(view, { progress: 'complete' })
      : {},
  ),
  'takes no notice of settings that Argo Server cannot start with': blind(() => ({
    serverObstacle: undefined,
  })),
  'takes every refusal for the end of a life': blind(({ now, secret, keycloak }) => ({
    keycloak: {
      ...keycloak,
      expiresAt: secret?.proof === 'refused' && keycloak.expiresAt !== undefined ? now : keycloak.expiresAt,
    },
  })),
  'takes a new value for the former one where somebody has put it into the Secret': blind(
    ({ secret, keycloak }) => ({
      secret: secret?.holdsValue
        ? { ...secret, isUntouched: true, marks: { ...secret.marks, created: keycloak.createdAt } }
        : secret,
    }),
  ),
  'allows for no difference between clocks': blind(({ rules }) => ({
    rules: rules && { ...rules, tickAfter: time => rules.tickAfter(time - SKEW) },
  })),
  'goes by the clock of Keycloak alone': twisted((step, { keycloak }) =>
    step.kind === 'TakeOver' ? { ...step, marks: { ...step.marks, since: keycloak.createdAt } } : step,
  ),
  'does not record that a request was met': twisted((step, { secret }) =>
    step.kind === 'TakeOver' || step.kind === 'RecordMarks'
      ? { ...step, marks: { ...step.marks, handled: secret?.marks.handled } }
      : step,
  ),
  'takes every take-over for what was asked for': twisted((step, { request }) =>
    step.kind === 'TakeOver' ? { ...step, marks: { ...step.marks, handled: request?.value } } : step,
  ),
  'does not know that secrets expire': blind(({ keycloak }) => ({
    keycloak: { ...keycloak, expiresAt: undefined },
  })),
  'rotates at the very end of a life': ending(life => life),
  'rotates when a life is over': ending(life => life + 10 * MINUTE),
  'lets an old secret overlap until the new one ends': view => {
    const plan = planRotation(view);
    const ends = view.keycloak.rotated?.expiresAt;
    return plan.step.kind === 'EndOverlap' &&
      view.overlap === undefined &&
      ends !== undefined &&
      view.now < ends
      ? { ...plan, step: { kind: 'AwaitOverlap', until: ends }, lookAgainAt: ends }
      : plan;
  },
  'writes the marks but not the value': twisted(step =>
    step.kind === 'TakeOver' ? { kind: 'RecordMarks', marks: step.marks } : step,
  ),
};
