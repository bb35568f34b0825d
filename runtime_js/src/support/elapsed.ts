/** Milliseconds since `begin`, as performance.now() had it; clocks of browsers have been seen to run backwards. */
export function elapsed(begin: number, end = performance.now()): number {
  return Math.max(0, end - begin);
}
