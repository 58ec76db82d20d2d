// The thread in which the rule engine runs: it says `ready`, then answers questions one by one, each at once. Whatever goes wrong
// inside ends the thread with an error: a program that has failed once cannot be trusted with another question.
import { parentPort, workerData } from 'node:worker_threads';
import { isError } from './engine-answer.ts';
import type { Batch } from './engine-thread.ts';
import { createWasiHost, type WasiHost } from './wasi.ts';

interface Program {
  readonly memory: WebAssembly.Memory;
  /** Go's start, as the WASI reactor convention names it. */
  readonly _initialize: () => void;
  readonly reserve: (size: number) => number;
  readonly answer: () => bigint;
}

function explain(error: unknown, host: WasiHost): Error {
  if (error instanceof RangeError) return new Error('it is nested too deep');
  const text = error instanceof Error ? error.message : String(error);
  return new Error(host.said().split('\n', 1)[0] || text);
}

function judge(program: Program, question: string): string {
  const asked = Buffer.from(question);
  const address = program.reserve(asked.length) >>> 0;
  asked.copy(Buffer.from(program.memory.buffer, address, asked.length));
  const place = BigInt.asUintN(64, program.answer());
  return Buffer.from(program.memory.buffer, Number(place >> 32n), Number(place & 0xffff_ffffn)).toString();
}

function answer(program: Program, question: string, host: WasiHost): string {
  try {
    return judge(program, question);
  } catch (error) {
    throw explain(error, host);
  }
}

async function run(module: WebAssembly.Module): Promise<void> {
  const host = createWasiHost(module);
  const { exports } = await WebAssembly.instantiate(module, host.imports);
  const program = exports as unknown as Program;
  host.attach(program.memory);
  program._initialize();
  // The code is compiled when it first runs: here, rather than within the first question's time.
  judge(program, JSON.stringify({ rule: 'any($env?.groups ?? [], # in ["/"])', claims: { groups: ['/'] } }));
  parentPort?.on('message', ({ questions, untilError }: Batch) => {
    for (const question of questions) {
      const text = answer(program, question, host);
      parentPort?.postMessage(text);
      if (untilError && isError(text)) break;
    }
  });
  parentPort?.postMessage('ready');
}

await run(workerData as WebAssembly.Module);
