// What is used of WebAssembly's JavaScript interface: TypeScript declares it for browsers only.
declare namespace WebAssembly {
  interface Module {
    readonly [Symbol.toStringTag]: 'WebAssembly.Module';
  }
  interface Memory {
    readonly buffer: ArrayBuffer;
  }
  interface Instance {
    readonly exports: object;
  }
  type Imports = Readonly<Record<string, Readonly<Record<string, (...args: number[]) => number>>>>;

  const Module: {
    imports(module: Module): readonly { readonly module: string; readonly name: string }[];
  };
  function compile(bytes: Uint8Array<ArrayBuffer>): Promise<Module>;
  function instantiate(module: Module, imports: Imports): Promise<Instance>;
}
