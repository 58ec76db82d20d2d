import { setTimeout as timer } from 'node:timers/promises';
import { CommandFailure, ExitCode, type Terminal } from '../terminal.ts';

/**
 * Runs something that Ctrl-C ends, also where it waits for what knows nothing of the signal. A second Ctrl-C ends the
 * process itself.
 */
export async function untilInterrupted<T>(
  { interrupt }: Pick<Terminal, 'interrupt'>,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ending = new AbortController();
  const { promise: interrupted, reject } = Promise.withResolvers<never>();
  const end = () => {
    const reason = new CommandFailure('interrupted', ExitCode.Interrupted);
    ending.abort(reason);
    reject(reason);
  };
  if (interrupt?.aborted) end();
  interrupt?.addEventListener('abort', end, { once: true });
  process.once('SIGINT', end);
  try {
    return await Promise.race([interrupted, work(ending.signal)]);
  } finally {
    process.off('SIGINT', end);
    interrupt?.removeEventListener('abort', end);
  }
}

/** Waits, in milliseconds; throws the signal's reason where it is aborted before that. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await timer(ms, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
