import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { loadConfig } from '../../operator/config.ts';
import { createLog } from '../../operator/log.ts';
import { createMetrics } from '../../operator/metrics.ts';
import { startOperator } from '../../operator/operator.ts';
import { type OperatorFiles, type OperatorProcess, parseLog } from './operator-process.ts';

/**
 * Starts the operator in the test's own process, with a clock by which it decides everything; its timers are the
 * machine's. It cannot be killed: use a process for that.
 *
 * @param now milliseconds since the epoch
 */
export async function startOperatorHere(files: OperatorFiles, now: () => number): Promise<OperatorProcess> {
  const file = createWriteStream(files.logPath);
  const log = createLog(file);
  log.level = 'debug';
  const nothing = {
    policies: () => [],
    queueDepth: () => 0,
    connections: () => [],
    isLeader: () => false,
  };
  const ending = new AbortController();
  const operator = await startOperator({
    config: await loadConfig(files.configPath),
    kubeconfigPath: files.kubeconfigPath,
    ruleEnginePath: files.ruleEnginePath,
    log,
    metrics: createMetrics(nothing),
    signal: ending.signal,
    now,
  });
  const output = () => readFile(files.logPath, 'utf8').catch(() => '');
  let ended = false;
  return {
    output,
    log: async () => parseLog(await output()),
    stop: async () => {
      if (ended) return 0;
      ended = true;
      ending.abort();
      await operator.stop();
      file.end();
      await finished(file);
      return 0;
    },
    kill: () => Promise.reject(new Error('an operator in the test’s own process cannot be killed')),
    ended: () => ended,
  };
}
