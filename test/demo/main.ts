// `npm run demo`: a policy becomes a working single sign-on, on real servers. Ends with 0 when all of it is so.
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Disappointment } from './expect.ts';
import { countHeld, duration, fails, say, title } from './print.ts';
import { type Stage, setStage } from './stage.ts';
import { play } from './steps.ts';

const INTERRUPTED = 130;
const STOP_DEADLINE = 20_000;
/** Level of pino. */
const INFO = 30;
const LAST_LINES = 10;

async function demo(cleanup: AsyncDisposableStack, signal: AbortSignal): Promise<void> {
  title('argo-access-operator: from one object in git to single sign-on for Argo Workflows');
  const stage = await setStage(cleanup, signal);
  try {
    await play(stage);
  } catch (error) {
    if (!signal.aborted) say(`\nThe operator's log ends with:\n${await lastLines(stage)}`);
    throw error;
  }
}

async function lastLines({ operator }: Stage): Promise<string> {
  const lines = (await operator.log()).filter(({ level }) => level >= INFO).slice(-LAST_LINES);
  return lines.map(line => JSON.stringify(line)).join('\n');
}

function whenAborted(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => reject(signal.reason));
  return promise;
}

/** Ends what was started; gives up on what does not end, for the process takes it along. */
async function cleanUp(cleanup: AsyncDisposableStack): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, STOP_DEADLINE);
  try {
    await Promise.race([cleanup.disposeAsync(), promise]);
  } catch (error) {
    fails('not everything could be stopped', String(error));
  }
}

async function main(): Promise<number> {
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // Once more: at once, and without order.
    process.on(signal, () => (ending.signal.aborted ? process.exit(INTERRUPTED) : ending.abort()));
  }
  const cleanup = new AsyncDisposableStack();
  const started = Date.now();
  try {
    await Promise.race([demo(cleanup, ending.signal), whenAborted(ending.signal)]);
    say(`\n${countHeld()} expectations, and all of them hold: ${duration(Date.now() - started)}.`);
    return 0;
  } catch (error) {
    if (ending.signal.aborted) {
      say('\ninterrupted');
      return INTERRUPTED;
    }
    if (error instanceof Disappointment) fails(error.message);
    else fails('the demo cannot go on', error instanceof Error ? inspect(error) : String(error));
    return 1;
  } finally {
    say('stopping what was started');
    await cleanUp(cleanup);
  }
}

process.chdir(join(import.meta.dirname, '..', '..'));
process.exit(await main());
