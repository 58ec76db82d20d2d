import type { DueCause } from './rotation-due.ts';
import type { RotationMarks, ServerObstacle } from './rotation-view.ts';

/** Why a step must wait for somebody or something else. */
export type PostponeCause =
  | 'NotLeading'
  | 'IssuerSilent'
  | 'TokenEndpointUnclear'
  | 'ClientDisabled'
  | 'DeploymentMissing'
  | 'DeploymentPaused'
  | 'RolloutReverted'
  | 'PodsNotReady'
  | ServerObstacle
  | 'CoverageHidden'
  | 'OverlapNeedsPolicy'
  | 'RotatedPeriodTooShort';

/** What is wrong with the secret itself. */
export type FailureCause = 'SecretRefused' | 'SecretExpired';

/**
 * What to do next. Those with an effect have one alone, and each leaves a state from which the next step follows
 * by looking again:
 *
 * - `RegenerateSecret`: Keycloak makes a new secret; the one effect that may not be repeated
 * - `TakeOver`: the Secret gets Keycloak's value, the next revision and the marks, in one write
 * - `RecordMarks`: the marks alone, as the value is right already
 * - `Prove`: the token endpoint is asked whether the Secret's value works
 * - `Roll`: the Deployment's pod template gets the mark of what its pods are to read
 * - `EndOverlap`: Keycloak forgets the old secret
 */
export type RotationStep =
  | { readonly kind: 'Nothing' }
  | { readonly kind: 'TakeOver'; readonly marks: RotationMarks }
  | { readonly kind: 'RecordMarks'; readonly marks: RotationMarks }
  | { readonly kind: 'Prove' }
  | { readonly kind: 'Roll'; readonly mark: string }
  | {
      readonly kind: 'AwaitRollout';
      /** When it must be done; undefined where nobody tells when it began. */
      readonly until: number | undefined;
      /** Whether that time has passed, or Kubernetes has given up. */
      readonly late: boolean;
      readonly why: string | undefined;
    }
  | { readonly kind: 'AwaitOverlap'; readonly until: number }
  | { readonly kind: 'EndOverlap' }
  | { readonly kind: 'RegenerateSecret'; readonly cause: DueCause }
  | {
      readonly kind: 'Postpone';
      readonly what: 'Rollout' | 'Rotation' | 'Proof';
      readonly cause: PostponeCause;
    }
  | { readonly kind: 'Failed'; readonly cause: FailureCause };
