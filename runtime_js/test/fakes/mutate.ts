/** Every value that is `value` with one part of it replaced by something wrong, or left out. */
export function* mutations(value: unknown): Generator<unknown> {
  for (const other of [null, undefined, 1e300, -1, 1.5, "xyz", [], {}, true]) yield other;
  if (typeof value !== "object" || value === null) return;
  for (const [key, child] of Object.entries(value)) {
    for (const mutated of mutations(child)) {
      yield Array.isArray(value) ? value.map((item: unknown, i) => (String(i) === key ? mutated : item)) : { ...value, [key]: mutated };
    }
  }
}
