import type { Policy } from '../../api/objects.ts';
import { parseTime } from '../../api/time.ts';
import { Reason } from '../../policy/reasons.ts';
import { conditionOf } from '../status/view.ts';

const OPERATOR = 'the operator to take up the request; see whether it runs';

/** Something that has been reached, or is waited for. */
export interface Step {
  readonly reason: string;
  readonly message: string;
}

/** How far a rotation has come. */
export type Progress =
  | { readonly state: 'done' }
  /** Nothing comes of waiting. */
  | { readonly state: 'held'; readonly why: string }
  | { readonly state: 'going'; readonly waitsFor: string };

/** Reasons of SecretReady with which there is no new secret for the time being. */
const HELD: ReadonlySet<string> = new Set([
  Reason.RotationPostponed,
  Reason.RequestOutdated,
  Reason.RequestUnreadable,
]);

/** Conditions of the parts that a rotation goes through. */
const PARTS = ['ClientReady', 'SecretReady', 'ServerReady'] as const;

/** What of a rotation is to be told, of a policy as it was when the rotation was asked for, and as it is now. */
export function stepsOf(before: Policy, now: Policy): readonly Step[] {
  const steps: Step[] = [];
  const { secret } = now.status ?? {};
  if (isReplaced(before, now) && secret !== undefined) {
    const { name, revision } = secret;
    steps.push({
      reason: 'NewSecret',
      message: `Secret ${name} has the new value, its revision ${revision}`,
    });
    if (isProved(now)) {
      steps.push({ reason: 'Proved', message: "Keycloak's token endpoint accepts it" });
    }
  }
  return [...steps, ...conditionSteps(before, now)];
}

function conditionSteps(before: Policy, now: Policy): readonly Step[] {
  return PARTS.flatMap(type => {
    const [was, is] = [conditionOf(before, type), conditionOf(now, type)];
    if (is === undefined || is.reason === Reason.InSync || is.reason === Reason.Progressing) return [];
    const same = was?.reason === is.reason && was.message === is.message;
    return same ? [] : [{ reason: is.reason, message: is.message }];
  });
}

/** What a wait makes of what it sees. */
export interface Patience {
  /** Whether what stood against it at its beginning may still be of then: the operator has had no time yet. */
  readonly early: boolean;
  /** When the wait ends, in milliseconds since the epoch. */
  readonly until: number;
}

/** How far a rotation has come since it was asked for. */
export function judgeProgress(before: Policy, now: Policy, { early, until }: Patience): Progress {
  if (isReplaced(before, now)) return judgeReplaced(now);
  const held = heldUp(now);
  if (held !== undefined && !(early && sameStatus(before, now))) return { state: 'held', why: held };
  const { overlapUntil } = now.status?.secret ?? {};
  const ends = parseTime(overlapUntil);
  if (overlapUntil === undefined || ends === undefined) return { state: 'going', waitsFor: OPERATOR };
  return ends > until
    ? { state: 'held', why: overlap(overlapUntil) }
    : { state: 'going', waitsFor: `the end of the old secret at ${overlapUntil}` };
}

/** The new value is there: it is to be proved, and Argo Server to read it. */
function judgeReplaced(now: Policy): Progress {
  const server = conditionOf(now, 'ServerReady');
  const stalled = stalledBy(now);
  if (isProved(now) && (server === undefined || server.status === 'True')) return { state: 'done' };
  if (stalled !== undefined) return { state: 'held', why: stalled };
  const waiting = isProved(now) ? server : conditionOf(now, 'SecretReady');
  return { state: 'going', waitsFor: waiting === undefined ? 'its proof' : said(waiting) };
}

/** A value that was only put back counts as a revision too, but as no rotation. */
function isReplaced(before: Policy, { status }: Policy): boolean {
  const [was, is] = [before.status?.secret, status?.secret];
  return (
    was !== undefined &&
    is !== undefined &&
    is.revision !== was.revision &&
    is.lastRotated !== was.lastRotated
  );
}

function isProved({ status }: Policy): boolean {
  return status?.secret !== undefined && status.secret.provedRevision === status.secret.revision;
}

/** What keeps a new secret from being made. */
function heldUp(now: Policy): string | undefined {
  const secret = conditionOf(now, 'SecretReady');
  if (secret !== undefined && HELD.has(secret.reason)) return said(secret);
  if (now.spec.suspend) return 'the policy has been suspended';
  return stalledBy(now);
}

/** Why the policy is stalled, where that is by a part that a rotation goes through, or by all. */
function stalledBy(now: Policy): string | undefined {
  const stalled = conditionOf(now, 'Stalled');
  if (stalled === undefined) return undefined;
  const roles = conditionOf(now, 'RolesReady');
  const byRoles = roles?.status === 'False' && roles.reason === stalled.reason && partsAreReady(now);
  return byRoles ? undefined : said(stalled);
}

function partsAreReady(now: Policy): boolean {
  return PARTS.every(type => conditionOf(now, type)?.status !== 'False');
}

function overlap(until: string): string {
  return (
    `the old secret of the last rotation stays valid until ${until}, and there is room for one old secret only: the ` +
    'next one is made then; docs/rotation.md says how to end it sooner'
  );
}

function sameStatus(before: Policy, now: Policy): boolean {
  return JSON.stringify(before.status) === JSON.stringify(now.status);
}

function said({ reason, message }: Step): string {
  return `${reason}: ${message}`;
}
