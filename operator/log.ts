import { type DestinationStream, type Logger, pino } from 'pino';
import type { Policy } from './api/objects.ts';
import type { Change } from './policy/change.ts';
import type { Failure, PolicyEvent } from './policy/conclude.ts';
import { describeChange } from './policy/describe-change.ts';
import type { Reason } from './policy/reasons.ts';

/** Log of what is done for policies, one line for each change. */
export interface PolicyLog {
  readonly changed: (policy: Policy, change: Change) => void;
  readonly failed: (policy: Policy, failure: Failure) => void;
  readonly told: (policy: Policy, event: PolicyEvent) => void;
  /** Something about the policy that its status cannot tell. */
  readonly problem: (policy: Policy, message: string) => void;
}

/** Makes the operator's log: JSON, or in colour on a terminal. */
export function createLog(destination?: DestinationStream): Logger {
  const level = process.env.LOG_LEVEL ?? 'info';
  const base = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (destination !== undefined) return pino(base, destination);
  if (!process.stdout.isTTY) return pino(base);
  return pino({ ...base, transport: { target: 'pino-pretty', options: { singleLine: true } } });
}

/**
 * Log lines about policies; each names the policy as `namespace/name`.
 *
 * @param count told the reason of each failure
 * @param countChange told the kind of each change that was made
 */
export function createPolicyLog(
  log: Logger,
  count: (reason: Reason) => void = () => {},
  countChange: (kind: Change['kind']) => void = () => {},
): PolicyLog {
  const of = ({ metadata }: Policy) => ({ policy: `${metadata.namespace}/${metadata.name}` });
  return {
    changed: (policy, change) => {
      countChange(change.kind);
      if (change.kind === 'Rehearse') return;
      log.info({ ...of(policy), ...describeChange(change, policy) }, sentence(change));
    },
    failed: (policy, { change, reason, message }) => {
      count(reason);
      log.warn({ ...of(policy), ...describeChange(change, policy), reason }, message);
    },
    problem: (policy, message) => log.warn(of(policy), message),
    told: (policy, { type, reason, message }) =>
      log[type === 'Warning' ? 'warn' : 'info']({ ...of(policy), reason }, message),
  };
}

function sentence(change: Change): string {
  switch (change.kind) {
    case 'ProveSecret':
      return 'asked the token endpoint about the secret';
    case 'RegenerateSecret':
      return 'made a new secret';
    case 'EndOverlap':
      return 'ended the old secret';
    case 'RollDeployment':
      return 'restarted what reads the secret at its start';
    case 'CreateObject':
    case 'CreateClient':
    case 'CreateMapper':
    case 'CreateClientRole':
      return 'created';
    case 'DeleteObject':
    case 'DeleteClient':
    case 'DeleteMapper':
      return 'deleted';
    default:
      return 'changed';
  }
}
