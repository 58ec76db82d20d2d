import type {
  HeldSecret,
  KeycloakSecret,
  RotationRules,
  RotationView,
  ServerDeployment,
} from '../../operator/policy/rotation-view.ts';

/** Milliseconds of some minutes. */
export const minutes = (count: number) => count * 60_000;
/** Milliseconds of some hours. */
export const hours = (count: number) => minutes(60 * count);
/** Milliseconds of some days. */
export const days = (count: number) => hours(24 * count);

/** A tick of the daily schedule below; everything here happens around it. */
export const TICK = days(100);
/** When the present secret came: soon after the tick before. */
export const CAME = TICK - days(1) + minutes(1);

/** Daily at midnight UTC, without jitter and without an overlap of its own. */
export const DAILY: RotationRules = {
  tickAfter: time => (Math.floor(time / days(1)) + 1) * days(1),
  jitter: 0,
  shortestPeriod: days(1),
};

/** What differs from a policy at rest, by parts. */
export interface Differences extends Partial<Omit<RotationView, 'keycloak' | 'secret' | 'deployment'>> {
  readonly keycloak?: Partial<KeycloakSecret>;
  readonly secret?: Partial<HeldSecret>;
  readonly deployment?: Partial<Extract<ServerDeployment, { state: 'found' }>>;
}

/** A policy at rest an hour before the next tick, but for what is given. */
export function rotationView(differences: Differences = {}): RotationView {
  return {
    now: TICK - hours(1),
    leading: true,
    rules: DAILY,
    overlap: undefined,
    request: undefined,
    rolloutDeadline: minutes(10),
    issuerAnswers: true,
    serverObstacle: undefined,
    ...differences,
    keycloak: {
      createdAt: CAME,
      expiresAt: undefined,
      rotated: undefined,
      coverage: { rotatedPeriod: hours(2) },
      coverageHidden: false,
      enabled: true,
      ...differences.keycloak,
    },
    secret: {
      holdsValue: true,
      marks: { created: CAME, since: CAME, handled: undefined },
      mark: '1-a',
      proof: 'proved',
      ...differences.secret,
    },
    deployment: {
      state: 'found',
      mark: '1-a',
      paused: false,
      progress: 'complete',
      startedAt: undefined,
      completedAt: CAME + minutes(3),
      why: undefined,
      reverted: false,
      ...differences.deployment,
    },
  };
}
