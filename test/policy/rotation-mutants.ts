import { planRotation, ROTATION_RULES, type RotationRule } from '../../operator/policy/rotation.ts';
import type { RotationStep } from '../../operator/policy/rotation-step.ts';
import type { RotationView } from '../../operator/policy/rotation-view.ts';
import type { Planner } from './rotation-model.ts';

const SKEW = 5 * 60_000;

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
  'takes no notice of settings that Argo Server cannot start with': blind(() => ({
    serverObstacle: undefined,
  })),
  'takes every refusal for the end of a life': blind(({ now, secret, keycloak }) => ({
    keycloak: {
      ...keycloak,
      expiresAt: secret?.proof === 'refused' && keycloak.expiresAt !== undefined ? now : keycloak.expiresAt,
    },
  })),
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
  'writes the marks but not the value': twisted(step =>
    step.kind === 'TakeOver' ? { kind: 'RecordMarks', marks: step.marks } : step,
  ),
};
