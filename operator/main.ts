// Start-up and signals, nothing else.
import { readFile } from 'node:fs/promises';
import { setInterval as every } from 'node:timers/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Logger } from 'pino';
import { ConfigError, parseConfig, readCa } from './config.ts';
import { type Address, type Health, parseAddress, serveHealth } from './health.ts';
import { createLog } from './log.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { type Operator, startOperator } from './operator.ts';

interface Options {
  readonly config: string;
  readonly kubeconfig?: string;
  readonly health: Address;
  readonly ruleEngine?: string;
}

const RELOAD_MS = 5_000;

/** Resolves when the file says something else that is valid; what is not is told and left. */
async function whenChanged(file: string, text: string, log: Logger, signal: AbortSignal): Promise<void> {
  let last = text;
  for await (const _ of every(RELOAD_MS, undefined, { signal, ref: false })) {
    const now = await readFile(file, 'utf8').catch(() => last);
    if (now === last) continue;
    last = now;
    try {
      await Promise.all(parseConfig(now, file).connections.map(readCa));
      return;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      log.error(`the changed configuration is not taken up: ${error.message}`);
    }
  }
}

/** Runs with one version of the configuration; resolves when it changes, or when the process is to end. */
async function runOnce(
  options: Options,
  log: Logger,
  metrics: Metrics,
  ending: AbortSignal,
  set: (operator?: Operator) => void,
) {
  const text = await readFile(options.config, 'utf8');
  const config = parseConfig(text, options.config);
  const operator = await startOperator({
    config,
    log,
    metrics,
    signal: ending,
    ...(options.kubeconfig !== undefined && { kubeconfigPath: options.kubeconfig }),
    ...(options.ruleEngine !== undefined && { ruleEnginePath: options.ruleEngine }),
  });
  set(operator);
  log.info({ namespaces: config.namespaces.map(({ name }) => name) }, 'started');
  await whenChanged(options.config, text, log, ending).catch(error => {
    if (!ending.aborted) throw error;
  });
  log.info(ending.aborted ? 'stopping' : 'the configuration has changed: starting anew');
  set(undefined);
  await operator.stop();
}

async function main(options: Options): Promise<void> {
  const log = createLog();
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort());
  let operator: Operator | undefined;
  let health: Health | undefined;
  // One set for the life of the process: counters do not start anew with a changed configuration.
  const metrics = createMetrics({
    policies: () => operator?.measured.policies() ?? [],
    queueDepth: () => operator?.measured.queueDepth() ?? 0,
    connections: () => operator?.measured.connections() ?? [],
    isLeader: () => operator?.measured.isLeader() ?? false,
  });
  try {
    const isReady = () => operator?.isReady() === true;
    health = await serveHealth(options.health, isReady, () => metrics);
    log.info({ port: health.port }, 'answering /livez, /readyz and /metrics');
    while (!ending.signal.aborted) {
      await runOnce(options, log, metrics, ending.signal, running => {
        operator = running;
      });
    }
  } catch (error) {
    if (ending.signal.aborted) return;
    if (error instanceof ConfigError) log.fatal(error.message);
    else log.fatal({ err: error }, 'cannot go on');
    process.exitCode = 1;
  } finally {
    await health?.close();
  }
}

function healthAddress(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new InvalidArgumentError('It must be HOST:PORT, such as 0.0.0.0:8080.');
  return address;
}

const DEFAULT_HEALTH = '127.0.0.1:8080';

const program = new Command('argo-access-operator')
  .description('Reconciles ArgoAccessPolicies until it is told to stop (SIGTERM, SIGINT).')
  .requiredOption('--config <file>', "the operator's configuration; read again when it changes")
  .option('--kubeconfig <file>', "default: the Pod's own account, else the user's kubeconfig")
  .addOption(
    new Option('--health <host:port>', 'where /livez, /readyz and /metrics are answered')
      .argParser(healthAddress)
      .default(healthAddress(DEFAULT_HEALTH), DEFAULT_HEALTH),
  )
  .option('--rule-engine <file>', "the rule engine's WebAssembly module");
await main(program.parse().opts<Options>());
