/** Keeps what a function makes of an object for as long as the object is there; neither may be changed afterwards. */
export function remembered<K extends object, V>(compute: (key: K) => V): (key: K) => V {
  const known = new WeakMap<K, { readonly value: V }>();
  return key => {
    const have = known.get(key) ?? { value: compute(key) };
    known.set(key, have);
    return have.value;
  };
}
