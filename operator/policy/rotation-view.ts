import type { Progress } from '../api/objects.ts';

/** What of `spec.client.secret.rotation` decides; times and durations are in milliseconds. */
export interface RotationRules {
  /** The schedule's first tick strictly after a time; undefined where none comes. */
  readonly tickAfter: (time: number) => number | undefined;
  /** How much later than a tick this policy rotates, so that not all do so at once. */
  readonly jitter: number;
  /** Shortest time between two ticks. */
  readonly shortestPeriod: number;
}

/** What Keycloak knows of the client's secret; times by Keycloak's clock. */
export interface KeycloakSecret {
  /** Attribute `client.secret.creation.time`; a secret that was set by hand leaves it as it was. */
  readonly createdAt: number | undefined;
  /** Attribute `client.secret.expiration.time`: from then on Keycloak refuses this secret and the old one. */
  readonly expiresAt: number | undefined;
  /** The old secret, where one is kept, also once its time is over; without `expiresAt` Keycloak refuses it. */
  readonly rotated: { readonly expiresAt: number | undefined } | undefined;
  /** The realm's secret-rotation policy, where it applies to this client: how long an old secret stays valid. */
  readonly coverage: { readonly rotatedPeriod: number } | undefined;
  /** Whether it cannot be told if such a policy applies. */
  readonly coverageHidden: boolean;
  /** Whether an administrator has left the client enabled. */
  readonly enabled: boolean;
}

/** What the Secret's annotations tell of its value. They prove nothing, and may be missing or damaged. */
export interface RotationMarks {
  /** Keycloak's creation time of the value that the Secret took over last. */
  readonly created: number | undefined;
  /** When the value is taken to have come, by the operator's clock. */
  readonly since: number | undefined;
  /** The last request to rotate that was met, as it was written. */
  readonly handled: string | undefined;
}

/** The client's Secret in Kubernetes. */
export interface HeldSecret {
  /** Whether it holds what Keycloak has just now. */
  readonly holdsValue: boolean;
  /**
   * Whether nobody else has written its value since the operator did: where it differs, Keycloak's is another one then.
   * Undefined where that cannot be told.
   */
  readonly isUntouched?: boolean;
  readonly marks: RotationMarks;
  /** What Argo Server's pods are to be marked with once they have read it: see `revisionMark`. */
  readonly mark: string;
  /** What the token endpoint said of this revision, in this reconcile or as the status remembers. */
  readonly proof: 'proved' | 'missing' | 'refused' | 'unknown';
}

/** Argo Server's Deployment. */
export type ServerDeployment =
  | { readonly state: 'missing' }
  | {
      readonly state: 'found';
      /** Mark on the pod template. */
      readonly mark: string | undefined;
      readonly paused: boolean;
      /** As the deployment controller tells of the present generation; of an older one it is `rolling`. */
      readonly progress: Progress;
      /** When the rollout under way began, or was first seen. */
      readonly startedAt: number | undefined;
      /** When the last rollout was complete. */
      readonly completedAt: number | undefined;
      /** What keeps it from being complete, in words: image, quota, probe. */
      readonly why: string | undefined;
      /** Whether something takes the mark off each time. */
      readonly reverted: boolean;
      /** Present where a rollout may take all pods away before new ones are ready. */
      readonly interrupts?: true;
    };

/** What would keep a new Argo Server from starting, or from letting anybody in. */
export type ServerObstacle = 'SettingsWrong' | 'ServerAccessMissing' | 'ArgoSecretEmpty';

/** Somebody's request to rotate. */
export interface RotationRequest {
  /** The annotation's value as it is written. */
  readonly value: string;
  /** The time that it gives; undefined where it is none. */
  readonly at: number | undefined;
}

/** Everything that decides on the next step of a rotation. */
export interface RotationView {
  readonly now: number;
  /** Whether this operator holds the lease, and nothing that it has sent may still be on its way. */
  readonly leading: boolean;
  /** Undefined: rotated on request alone. */
  readonly rules: RotationRules | undefined;
  /** How long the old secret stays valid once Argo Server has the new one; undefined: as long as the realm says. */
  readonly overlap: number | undefined;
  readonly request: RotationRequest | undefined;
  /** How long a rollout may take. */
  readonly rolloutDeadline: number;
  readonly keycloak: KeycloakSecret;
  /** Whether the issuer's discovery document answers; without it Argo Server cannot start. */
  readonly issuerAnswers: boolean;
  /** Why Argo Server must not be restarted as things stand; undefined where it may. */
  readonly serverObstacle: ServerObstacle | undefined;
  readonly secret: HeldSecret | undefined;
  /** Undefined: the policy names none, and restarting Argo Server is left to its user. */
  readonly deployment: ServerDeployment | undefined;
}
