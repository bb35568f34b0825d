/** Builds the toy library for the CPU with the compiler that builds the package: the real step loop and sequence manager, and kernels of its own. */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { MAX_ROWS } from "../../src/executor/abi.generated.ts";
import { VOCABULARY } from "./runner.ts";
import { ZIG, compileSupport, inFolder, run } from "./support_library.ts";

export const CONTEXT = 8192;
export const CHUNK = 512;
/** By tensor. The second one's second word is how long a token takes. */
export const WEIGHTS = [Int32Array.of(31, 7, 17, ...new Array<number>(13).fill(0)), Int32Array.of(4, 0, ...new Array<number>(14).fill(0))];

const PAGE_SIZE = 4;
const KERNELS = {
  append_prompt: 7, append_rows: 7, mix_prompt: 7, mix_rows: 7, logits_last: 3, logits_rows: 3, pool: 2, sample: 4, adjust: 4, keep: 2, logprobs: 3, fails: 1,
};
const WRITES: Readonly<Record<string, readonly number[]>> = {
  append_prompt: [4, 5, 6], append_rows: [4, 5, 6], mix_prompt: [6], mix_rows: [6], logits_last: [2], logits_rows: [2], pool: [1], sample: [2, 3], adjust: [0],
  keep: [1], logprobs: [2], fails: [0],
};
const NAMES = Object.keys(KERNELS);

// Buffers: 0, 1 weights; 2, 3 pages; then io; then workspace.
const IO: readonly (readonly [name: string, bytes: number])[] = [
  ["tokens", 4 * CHUNK], ["state", 4 * MAX_ROWS * 16], ["rope0", 8 * CHUNK], ["page_table0", 4 * MAX_ROWS * CONTEXT / PAGE_SIZE], ["hidden", 16 * CHUNK],
  ["logits", 4 * MAX_ROWS * VOCABULARY], ["sampling", 4 * MAX_ROWS * 16], ["history", 1024], ["counts", 4 * MAX_ROWS * VOCABULARY],
  ["bias", 4 * MAX_ROWS * VOCABULARY], ["mask", 4 * MAX_ROWS * Math.ceil(VOCABULARY / 32)], ["kept", 4 * MAX_ROWS * VOCABULARY],
  ["logprobs", 4 * MAX_ROWS * 64], ["pooled", 32],
];

function id(name: string): number {
  return 4 + IO.findIndex(([io]) => io === name);
}

function fn(launch: string, ...steps: readonly (readonly [kernel: string, buffers: readonly number[]])[]): object {
  return {
    launch: `launch_0_${launch}`, kernels: steps.map(([kernel]) => NAMES.indexOf(kernel)),
    steps: steps.map(([, buffers], i) => [i, buffers]),
  };
}

export function toyPlan(): Record<string, unknown> {
  const inner = [id("state"), id("page_table0"), 2, 3, id("hidden")];
  const forward = (kind: string): (readonly [string, readonly number[]])[] => [
    [`append_${kind}`, [0, id("tokens"), id("state"), id("page_table0"), 2, 3, id("hidden")]], [`mix_${kind}`, [0, 1, ...inner]]];
  const functions = {
    prefill: fn("prefill", ...forward("prompt")),
    logits: fn("logits", ["logits_last", [id("hidden"), 1, id("logits")]]),
    encode: fn("encode", ["pool", [id("hidden"), id("pooled")]]),
    decode: fn("decode", ...forward("rows"), ["logits_rows", [id("hidden"), 1, id("logits")]]),
    sample: fn("rows", ["sample", [id("logits"), id("state"), id("tokens"), id("history")]]),
    adjust: fn("rows", ["adjust", [id("logits"), id("sampling"), id("bias"), id("mask")]]),
    keep: fn("rows", ["keep", [id("logits"), id("kept")]]),
    logprobs: fn("rows", ["logprobs", [id("kept"), id("tokens"), id("logprobs")]]),
  };
  const variant = { name: "cpu-int8", state_bytes: [64, 64], workspace: [4096], functions };
  const failing = { ...functions, prefill: fn("rows", ["fails", [0]]) };
  return {
    format: 6,
    model: { vocab_size: VOCABULARY, hidden_size: 4, context_length: CONTEXT, page_size: PAGE_SIZE, prefill_chunk: CHUNK, texts: 1, ropes: [{ inv_freq: [1], scale: 1 }] },
    weights: ["layers.0.hash", "head"].map((name) => ({ name, bytes: 64 })),
    stored: [],
    states: ["kv0", "kv1"].map((name) => ({ name, kind: "pages", query_size: 8, window: null })),
    io: IO.map(([name, bytes]) => ({ name, bytes })),
    kernels: NAMES.map((name) => ({
      name, entry: name, bindings: Array.from({ length: Reflect.get(KERNELS, name) }, (_, i) => (WRITES[name]?.includes(i) ? "read_write" : "read")),
    })),
    variants: [variant, { ...variant, name: "cpu-failing", functions: failing }],
  };
}

function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [value & 0x7f | 0x80, ...unsigned(value >>> 7)];
}

/** A custom section of a module. */
export function section(name: string, content: Uint8Array): Uint8Array {
  const named = new TextEncoder().encode(name);
  const body = [...unsigned(named.length), ...named, ...content];
  return Uint8Array.from([0, ...unsigned(body.length), ...body]);
}

const EXPORTS = [
  ...NAMES, "launch_0_prefill", "launch_0_logits", "launch_0_encode", "launch_0_decode", "launch_0_rows", "__stack_pointer", "__heap_base",
];

let linked: Uint8Array<ArrayBuffer> | undefined;

function link(): Uint8Array<ArrayBuffer> {
  return inFolder((path) => {
    const names = compileSupport(path("support.o"));
    run(...ZIG, "c++", "-std=c++17", "-target", "wasm32-freestanding", "-mbulk-memory", "-ffreestanding", "-fno-exceptions", "-fno-rtti", "-fno-sanitize=all",
      "-O2", `-DCONTEXT=${CONTEXT}`, "-c", resolve("test/fakes/toy_library.cc"), "-o", path("toy.o"));
    run(...ZIG, "wasm-ld", "--no-entry", "--strip-all", "--stack-first", "-z", "stack-size=65536", "--import-memory", "--max-memory=4294967296", "--export-table",
      "--growable-table", ...[...EXPORTS, ...names].map((name) => `--export=${name}`), "-o", path("toy.wasm"), path("support.o"), path("toy.o"));
    return Uint8Array.from(readFileSync(path("toy.wasm")));
  });
}

/** A module of its own for each call: loading one changes its bytes. */
export function toyLibrary(plan: Record<string, unknown> = toyPlan()): Uint8Array<ArrayBuffer> {
  linked ??= link();
  return Uint8Array.from([...linked, ...section("webllm.plan", new TextEncoder().encode(JSON.stringify(plan)))]);
}
