import { isDeepStrictEqual } from 'node:util';
import type { Policy } from './api/objects.ts';
import type { PolicyStatus } from './api/status-schema.ts';
import { KubernetesError } from './kubernetes/errors.ts';
import type { KubernetesWriter } from './kubernetes/write.ts';
import type { PolicyLog } from './log.ts';
import type { PolicyEvent, Verdict } from './policy/conclude.ts';

/** Writes what was concluded of a policy: its status, then its events. */
export interface StatusWriter {
  /** Nothing is written where nothing differs. False where the policy had changed meanwhile: look again. */
  readonly write: (policy: Policy, verdict: Verdict, signal: AbortSignal) => Promise<boolean>;
}

/** What a status writer needs. */
export interface StatusOptions {
  readonly kubernetes: KubernetesWriter;
  /** Takes in the policy as the write has answered it. */
  readonly put: (policy: Policy) => void;
  /** Whether the operator may make events in a namespace. */
  readonly mayTell: (namespace: string) => boolean;
  readonly log: PolicyLog;
}

/** Writes the status where it differs; false where it has to be concluded again. */
async function replaceStatus(
  { kubernetes, put, log }: StatusOptions,
  policy: Policy,
  status: PolicyStatus,
  signal: AbortSignal,
): Promise<boolean> {
  if (isDeepStrictEqual(status, policy.status ?? {})) return true;
  try {
    put(await kubernetes.writeStatus(policy, status, signal));
    return true;
  } catch (error) {
    if (!(error instanceof KubernetesError)) throw error;
    if (error.kind !== 'Conflict' && error.kind !== 'NotFound') {
      log.problem(policy, `the status cannot be written: ${error.message}`);
    }
    return error.kind === 'NotFound';
  }
}

/** Makes the only place that writes status and events. */
export function createStatusWriter(options: StatusOptions): StatusWriter {
  const { kubernetes, mayTell, log } = options;
  const tell = async (policy: Policy, event: PolicyEvent, signal: AbortSignal) => {
    log.told(policy, event);
    if (!mayTell(policy.metadata.namespace)) return;
    try {
      await kubernetes.createEvent(policy, event, signal);
    } catch (error) {
      // The status says the same; an event that cannot be made, as in a namespace that goes, is no failure.
      if (!(error instanceof KubernetesError)) throw error;
    }
  };
  return {
    write: async (policy, verdict, signal) => {
      for (const event of verdict.deeds) await tell(policy, event, signal);
      if (!(await replaceStatus(options, policy, verdict.status, signal))) return false;
      for (const event of verdict.events) await tell(policy, event, signal);
      return true;
    },
  };
}
