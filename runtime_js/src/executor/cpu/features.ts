/** What this engine's WebAssembly can do, found out by modules of a few bytes. */

import { mayShare, threadCount } from "../../support/thread.ts";

const HEAD = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7b, 3, 2, 1, 0, 0x0a];

/** A function that gives `i8x16.popcnt(i8x16.splat(0))`. */
const SIMD = Uint8Array.of(...HEAD, 10, 1, 8, 0, 0x41, 0, 0xfd, 15, 0xfd, 98, 0x0b);
/** The same of `i8x16.relaxed_swizzle`. */
const RELAXED_SIMD = Uint8Array.of(...HEAD, 15, 1, 13, 0, 0x41, 1, 0xfd, 15, 0x41, 2, 0xfd, 15, 0xfd, 128, 2, 0x0b);

/** What measurements on this CPU are kept by. */
export function cpuKey(): string {
  return JSON.stringify(["cpu", mayShare(), threadCount()]);
}

/** Which of a model's libraries run here, the faster first. */
export function instructions(): readonly ("relaxed" | "plain")[] {
  if (typeof WebAssembly === "undefined" || !WebAssembly.validate(SIMD)) return [];
  return WebAssembly.validate(RELAXED_SIMD) ? ["relaxed", "plain"] : ["plain"];
}
