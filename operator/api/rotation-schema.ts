import { duration } from './fields.ts';
import { object, text } from './rules.ts';

/** `spec.client.secret.rotation`. Whether schedule and time zone exist, only a library can tell: a check does. */
export const rotation = object({
  schedule: text(1, 128).describe(
    'Five fields of cron (minute, hour, day of the month, month, day of the week), or a macro such as @daily. Each ' +
      'policy rotates a little later, always by the same time, so that not all do so at once: status.secret.nextRotation ' +
      'says when. A secret that Keycloak would end before that is rotated earlier. Example: "0 3 * * 0", Sundays at three.',
  ),
  timeZone: text(1, 64)
    .default('UTC')
    .describe('Time zone of the schedule, a name of the IANA database. Example: Europe/Berlin.'),
  overlap: duration({ max: '720h' })
    .optional()
    .describe(
      'How long the old secret stays valid once Argo Server has the new one, for logins under way. It needs a client ' +
        'policy with the executor secret-rotation in the realm, that keeps an old secret for at least this and a rollout; ' +
        'without one, rotations wait. Default: as long as the realm keeps it; not at all without such a policy. Example: 1h.',
    ),
}).describe(
  'When the client gets a new secret. Without it only on request: set the annotation argo-access.io/rotate-requested-at of the ' +
    'policy to the present time, such as 2026-01-31T09:30:00Z.',
);
