/** Size of a page of WebAssembly memory, in bytes. */
const PAGE = 65_536;

const MEMORY_SECTION = 5;
const HEADER = 8;

/** A number in LEB128 at an offset, and where it ends. */
function readNumber(bytes: Uint8Array, offset: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let index = offset, scale = 1; index < bytes.length; index += 1, scale *= 128) {
    const byte = bytes[index] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, end: index + 1 };
  }
  throw new Error('not a WebAssembly module: it ends within a number');
}

function writeNumber(value: number): readonly number[] {
  return value < 128 ? [value] : [(value % 128) | 0x80, ...writeNumber(Math.floor(value / 128))];
}

/** Where the memory section begins, its head included, and ends. */
function findMemory(wasm: Uint8Array): {
  readonly start: number;
  readonly body: number;
  readonly end: number;
} {
  let start = HEADER;
  while (start < wasm.length) {
    const size = readNumber(wasm, start + 1);
    const end = size.end + size.value;
    if (wasm[start] === MEMORY_SECTION) return { start, body: size.end, end };
    start = end;
  }
  throw new Error('not the rule engine: a WebAssembly module without memory of its own');
}

/**
 * The module with an upper limit on its memory (WebAssembly core specification, memory section: Go's linker writes
 * the smallest size only), so that growing beyond it fails inside.
 */
export function limitMemory(wasm: Uint8Array, maxMiB: number): Uint8Array<ArrayBuffer> {
  const { start, body, end } = findMemory(wasm);
  const count = readNumber(wasm, body);
  const least = readNumber(wasm, count.end + 1);
  const most = Math.floor((maxMiB * 1_048_576) / PAGE);
  if (count.value !== 1 || most < least.value) {
    throw new Error(`the rule engine needs at least ${Math.ceil((least.value * PAGE) / 1_048_576)} MiB`);
  }
  const limits = [1, 1, ...writeNumber(least.value), ...writeNumber(most)];
  const section = [MEMORY_SECTION, ...writeNumber(limits.length), ...limits];
  const limited = new Uint8Array(start + section.length + wasm.length - end);
  limited.set(wasm.subarray(0, start));
  limited.set(section, start);
  limited.set(wasm.subarray(end), start + section.length);
  return limited;
}
