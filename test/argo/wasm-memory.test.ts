import { describe, expect, it } from 'vitest';
import { limitMemory } from '../../operator/argo/wasm-memory.ts';

const HEAD = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
/** A section that any module may have, with 200 bytes for nothing, so that its size takes two bytes. */
const CUSTOM = [0x00, 0xc8, 0x01, 0x01, 0x78, ...new Array<number>(198).fill(0)];
/** One memory of two pages at least. */
const MEMORY = [0x05, 0x03, 0x01, 0x00, 0x02];
/** The memory, exported as `m`. */
const EXPORT = [0x07, 0x05, 0x01, 0x01, 0x6d, 0x02, 0x00];

interface Growing {
  readonly grow: (pages: number) => number;
}

async function memoryOf(bytes: Uint8Array<ArrayBuffer>): Promise<Growing> {
  const instance = await WebAssembly.instantiate(await WebAssembly.compile(bytes), {});
  return (instance.exports as { readonly m: Growing }).m;
}

describe('a limit on the memory of a WebAssembly module', () => {
  const module = Uint8Array.from([...HEAD, ...CUSTOM, ...MEMORY, ...EXPORT]);

  it('lets the memory grow up to it, and no further', async () => {
    const memory = await memoryOf(limitMemory(module, 20));
    expect(memory.grow(318)).toBe(2);
    expect(() => memory.grow(1)).toThrow(RangeError);
  });

  it('replaces a limit that was there', async () => {
    const memory = await memoryOf(limitMemory(limitMemory(module, 64), 1));
    expect(memory.grow(14)).toBe(2);
    expect(() => memory.grow(1)).toThrow(RangeError);
  });

  it('is refused where the module could not even start', () => {
    const large = Uint8Array.from([...HEAD, 0x05, 0x04, 0x01, 0x00, 0x90, 0x01, ...EXPORT]);
    expect(() => limitMemory(large, 8)).toThrow('the rule engine needs at least 9 MiB');
  });

  it('is refused for what has no memory, and for what is cut off', () => {
    expect(() => limitMemory(Uint8Array.from([...HEAD, ...CUSTOM]), 64)).toThrow('without memory of its own');
    expect(() => limitMemory(Uint8Array.from([...HEAD, 0x00, 0xc8]), 64)).toThrow('ends within a number');
  });
});
