/** Error numbers of WASI, preview 1. */
const SUCCESS = 0;
const BAD_FILE_DESCRIPTOR = 8;
const NOT_SUPPORTED = 52;

/** How much is kept of what the program wrote, in characters. */
const MAX_SAID = 1_000;

/** What a program sees of the outside, and what it said there. */
export interface WasiHost {
  readonly imports: WebAssembly.Imports;
  /** Gives the host the program's memory; before that no import may be called. */
  readonly attach: (memory: WebAssembly.Memory) => void;
  /** The beginning of what the program wrote to its standard output and error. */
  readonly said: () => string;
}

type HostFunction = (...args: number[]) => number;

/**
 * The imports of a module for WASI preview 1, as little as Go's runtime needs: the time, random numbers, and a place
 * to complain. There are no files, arguments, variables or sockets; what else is called is "not supported".
 * (`node:wasi` would hand out more, and says itself that it is no sandbox.)
 */
export function createWasiHost(module: WebAssembly.Module): WasiHost {
  let memory: WebAssembly.Memory | undefined;
  let said = '';
  const bytes = (address: number, size: number) => {
    if (memory === undefined) throw new Error('a call from a program without memory');
    return Buffer.from(memory.buffer, address, size);
  };
  const put = (address: number, value: number) => bytes(address, 4).writeUInt32LE(value);
  const nothing: HostFunction = (count = 0, size = 0) => {
    put(count, 0);
    put(size, 0);
    return SUCCESS;
  };
  const functions: Readonly<Record<string, HostFunction>> = {
    args_sizes_get: nothing,
    args_get: () => SUCCESS,
    environ_sizes_get: nothing,
    environ_get: () => SUCCESS,
    sched_yield: () => SUCCESS,
    fd_prestat_get: () => BAD_FILE_DESCRIPTOR,
    clock_time_get: (_clock, _precision, address = 0) => {
      bytes(address, 8).writeBigUInt64LE(
        BigInt(Math.round(performance.timeOrigin + performance.now())) * 1_000_000n,
      );
      return SUCCESS;
    },
    random_get: (address = 0, size = 0) => {
      crypto.getRandomValues(bytes(address, size));
      return SUCCESS;
    },
    // Waiting ends at once: the runtime waits only for itself, and asks again.
    poll_oneoff: (_subscriptions, _events, _count, happened = 0) => {
      put(happened, 0);
      return SUCCESS;
    },
    fd_write: (_file, vectors = 0, count = 0, written = 0) => {
      let total = 0;
      for (let index = 0; index < count; index += 1) {
        const vector = bytes(vectors + 8 * index, 8);
        const text = bytes(vector.readUInt32LE(0), vector.readUInt32LE(4));
        if (said.length < MAX_SAID) said += text.toString('utf8').slice(0, MAX_SAID);
        total += text.length;
      }
      put(written, total);
      return SUCCESS;
    },
    proc_exit: code => {
      throw new Error(`the program ended with ${code}`);
    },
  };
  const imports: Record<string, Record<string, HostFunction>> = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from] = { ...imports[from], [name]: functions[name] ?? (() => NOT_SUPPORTED) };
  }
  return {
    imports,
    attach: given => {
      memory = given;
    },
    said: () => said,
  };
}
