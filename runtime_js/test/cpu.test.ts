// The CPU's runner on a toy library: the real step loop, memory, sequence manager and threads; the model is the fake runner's.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Sampler } from "../src/engine/sampler.ts";
import { Scheduler } from "../src/engine/scheduler.ts";
import { SequenceManager } from "../src/engine/sequences.ts";
import type { OpenModel, RunningModel, StartOptions } from "../src/executor/backend.ts";
import { CpuBackend } from "../src/executor/cpu/backend.ts";
import { layFixed, layOut } from "../src/executor/cpu/layout.ts";
import { estimateCpu } from "../src/executor/cpu/memory.ts";
import { parseCpuPlan } from "../src/executor/cpu/plan.ts";
import "../src/node/platform.ts";
import type { Probe, TensorEntry } from "../src/storage/manifest.ts";
import { AbortError, FeatureSupportError, OutOfMemoryError } from "../src/support/errors.ts";
import { isRecord } from "../src/support/fields.ts";
import { platform, setPlatform } from "../src/support/platform.ts";
import { fails } from "./fakes/expect.ts";
import { generate, promptOf, request } from "./fakes/generations.ts";
import { randomFrom } from "./fakes/random.ts";
import { pooled, reference } from "./fakes/runner.ts";
import { CHUNK, WEIGHTS, toyLibrary, toyPlan } from "./fakes/toy_library.ts";

const FILE = { file: "model-cpu.wasm", bytes: 1, sha256: "" };
const TENSORS: readonly TensorEntry[] = ["layers.0.hash", "head"].map((name, i) => ({ name, dtype: "int32", shape: [16], offset: 256 * i, bytes: 64 }));
const NOTES = { note: async (): Promise<null> => null, keepNote: async (): Promise<void> => undefined };

interface Options extends StartOptions {
  readonly threads?: number;
  readonly spin?: number;
  readonly probe?: Probe | undefined;
  readonly library?: Uint8Array<ArrayBuffer>;
}

interface Toy extends RunningModel {
  readonly open: OpenModel;
  readonly sequences: SequenceManager;
  readonly scheduler: Scheduler;
}

/** Pieces of the stream, which end anywhere. */
async function writeWeights(open: OpenModel, spin: number): Promise<void> {
  const stream = new Uint8Array(512);
  WEIGHTS.forEach((weights, i) => stream.set(new Uint8Array(weights.buffer), 256 * i));
  new DataView(stream.buffer).setInt32(256 + 4, spin, true);
  for (const [first, end] of [[300, 512], [0, 10], [10, 300]]) await open.write(first ?? 0, stream.slice(first, end));
}

async function start({ threads = 1, spin = 0, probe, library = toyLibrary(), ...options }: Options = {}): Promise<Toy> {
  const fits = await new CpuBackend(FILE, threads).fit(library, TENSORS, options);
  const open = await fits.open(NOTES);
  const weights = writeWeights(open, spin);
  const model = await open.start({ notes: NOTES, probe, weights, ranges: { read: () => undefined }, onCompiled: () => undefined, signal: new AbortController().signal });
  const sequences = new SequenceManager(model.abi, model.runner);
  return { ...model, open, sequences, scheduler: new Scheduler(model.runner, sequences) };
}

for (const threads of [1, 3]) {
  test(`answers are those of the plain model, many at once and one behind the other, on ${threads} threads`, async () => {
    const toy = await start({ threads });
    assert.equal(toy.computer.threads, threads);
    const random = randomFrom(threads);
    const ask = async (length: number, seed: number): Promise<void> => {
      const prompt = promptOf(length, seed);
      const { ids } = await generate(toy, request(prompt, { maxTokens: 20 }));
      assert.deepEqual(ids, reference(prompt, 20, new Set()));
    };
    await ask(1, 5);
    await Promise.all(Array.from({ length: 12 }, (_, i) => ask(1 + Math.floor(random() * 300), i % 4)));
    await ask(1500, 2); // grows the memory
    toy.open.dispose();
  });
}

test("a row takes biases, masks and a processor, and tells probabilities", async () => {
  const { runner, sequences, open } = await start();
  const sequence = sequences.acquire([]);
  const prompt = promptOf(6, 1);
  await sequences.append(sequence, 6);
  const [cache] = sequences.views([sequence]);
  assert.ok(cache);
  const [next = 0] = reference(prompt, 1, new Set());
  const greedy = { temperature: 0, seed: 1 };
  const draw = (config: object = {}): ReturnType<Sampler["next"]> => new Sampler({ ...greedy, ...config }, prompt).next();
  const plain = await runner.prefillAndSample(prompt, 0, cache, draw({ topLogprobs: 2 }));
  const second = (next + 1) % 97;
  assert.deepEqual(plain, { token: next, logprobs: { chosen: 0, top: [{ token: next, logprob: 0 }, { token: second, logprob: -1 }] } });
  assert.equal((await runner.prefillAndSample(prompt, 0, cache, draw({ logitBias: [[50, 99]] }))).token, 50);
  const mask = new Uint32Array(4);
  mask[0] = 1 << 9;
  assert.equal((await runner.prefillAndSample(prompt, 0, cache, { ...draw(), mask: () => mask })).token, 9);
  const process = (logits: Float32Array): void => { logits[33] = 100; };
  assert.equal((await runner.prefillAndSample(prompt, 0, cache, { ...draw(), process })).token, 33);
  const logits = await runner.logits();
  assert.equal(logits.length, 97);
  const { last, sum } = pooled(prompt, 0);
  assert.deepEqual(await runner.encode(prompt, 0, cache), Float32Array.of(...last, ...sum));
  open.dispose();
});

test("a prompt of 4,000 tokens gives others their turns, is left in the middle, and the next one is answered", async () => {
  const toy = await start({ threads: 2, spin: 500_000 });
  const { prefill } = toy.runner;
  let chunks = 0;
  /** How a long prompt ends that is left, by whoever has a turn, behind so many chunks; and how many there were. */
  const leave = async (seed: number, after: number): Promise<[string, number]> => {
    chunks = 0;
    const finish = await new Promise<string>((resolve, reject) => {
      const stop = toy.scheduler.add(request(promptOf(4000, seed), { maxTokens: 1 }), { begin: () => undefined, token: () => false, end: resolve, fail: reject });
      toy.runner.prefill = (...step) => {
        if (++chunks === after) setTimeout(stop, 0);
        return prefill.apply(toy.runner, step);
      };
    });
    return [finish, chunks];
  };
  const [, whole] = await leave(1, Infinity);
  const [finish, begun] = await leave(2, Math.ceil(whole / 10));
  assert.equal(finish, "abort");
  assert.ok(begun < whole / 2, `left behind ${begun} chunks of ${whole}`);
  const prompt = promptOf(3, 3);
  assert.deepEqual((await generate(toy, request(prompt, { maxTokens: 3 }))).ids, reference(prompt, 3, new Set()));
  toy.open.dispose();
});

for (const threads of [1, 3]) {
  test(`a chunk that nobody wants any more is left behind the step that it is at, on ${threads} threads`, async (context) => {
    const plan = toyPlan();
    const [variant] = [plan["variants"]].flat();
    assert.ok(isRecord(variant) && isRecord(variant["functions"]) && isRecord(variant["functions"]["prefill"]));
    const { functions, functions: { prefill } } = variant;
    const [first, second] = [prefill["steps"]].flat(); // the second again and again changes nothing
    const long = { ...variant, functions: { ...functions, prefill: { ...prefill, steps: [first, ...new Array<unknown>(40).fill(second)] } } };
    const toy = await start({ threads, spin: 50_000, library: toyLibrary({ ...plan, variants: [long] }) });
    const sequence = toy.sequences.acquire([]);
    await toy.sequences.append(sequence, CHUNK);
    const [cache] = toy.sequences.views([sequence]);
    assert.ok(cache);
    let [asked, units] = [0, 0]; // whoever computes looks at the clock between two units
    const now = performance.now.bind(performance);
    context.mock.method(performance, "now", () => { units++; return now(); });
    const isWanted = (): boolean => {
      units = 0;
      return ++asked < 2;
    };
    await assert.rejects(toy.runner.prefill(promptOf(CHUNK, 1), 0, cache, undefined, isWanted), AbortError);
    assert.equal(asked, 2);
    assert.ok(units <= CHUNK + 50, `${units} units of ${40 * CHUNK} behind the abort`);
    context.mock.restoreAll();
    toy.sequences.takeBack(sequence, 0);
    const prompt = promptOf(9, 4);
    assert.deepEqual((await generate(toy, request(prompt, { maxTokens: 3 }))).ids, reference(prompt, 3, new Set()));
    toy.open.dispose();
  });
}

test("steps wait for no timer, which a page that is hidden gets once a second or less", async (context) => {
  const toy = await start({ threads: 2, spin: 500_000 });
  for (const name of ["setTimeout", "setInterval"] as const) context.mock.method(globalThis, name, () => 0);
  const prompt = promptOf(600, 5);
  assert.deepEqual((await generate(toy, request(prompt, { maxTokens: 3 }))).ids, reference(prompt, 3, new Set()));
  context.mock.restoreAll();
  toy.open.dispose();
});

test("a model that is unloaded in the middle of a step leaves it", async () => {
  const toy = await start({ threads: 2, spin: 3_000_000 });
  const step = generate(toy, request(promptOf(CHUNK, 1), { maxTokens: 1 }));
  await new Promise((resolve) => { setTimeout(resolve, 20); });
  toy.open.dispose();
  await assert.rejects(step, /was unloaded/);
});

test("idle threads sleep", async () => {
  const toy = await start({ threads: 3 });
  const prompt = promptOf(30, 2);
  await generate(toy, request(prompt, { maxTokens: 3 }));
  const work = async (): Promise<number> => {
    const before = process.cpuUsage();
    await new Promise((resolve) => { setTimeout(resolve, 300); });
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  // Two threads that spin take 600 ms, or all that they get, for ever; what else Node does comes to an end.
  while (await work() >= 100_000);
  toy.open.dispose();
});

test("where threads do not start, fewer compute", async ({ mock }) => {
  const host = platform();
  assert.ok(host);
  const { setTimeout } = globalThis;
  let patience = 0;
  mock.method(globalThis, "setTimeout", (work: () => void, delay = 0) => setTimeout(work, delay > 1000 && patience++ === 0 ? 0 : delay)); // the first one's is over
  const silent = { onmessage: null, onerror: null, postMessage: () => undefined, terminate: () => undefined };
  let asked = 0;
  setPlatform({ ...host, startThread: (script) => (asked++ === 0 ? silent : host.startThread(script)) });
  try {
    const toy = await start({ threads: 3 });
    assert.equal(toy.computer.threads, 2);
    const prompt = promptOf(30, 2);
    assert.deepEqual((await generate(toy, request(prompt, { maxTokens: 3 }))).ids, reference(prompt, 3, new Set()));
    toy.open.dispose();
  } finally {
    setPlatform(host);
  }
});

test("a probe finds what computes wrongly, and a kernel that fails", async () => {
  const tokens = [5, 6];
  const [next = 0] = reference(tokens, 1, new Set());
  const right = await start({ probe: { tokens, values: [next, 1, 6, 1] } });
  const { tokensPerSecond = 0 } = right.computer;
  assert.ok(tokensPerSecond > 0 && tokensPerSecond < 1e5, `${tokensPerSecond} tokens a second are expected`);
  assert.equal(right.variant, "cpu-int8");
  right.open.dispose();
  const wrong = { tokens, values: [next + 30, 1, 6, 1] };
  await assert.rejects(start({ probe: wrong }), fails(FeatureSupportError, /cpu-int8: it computes wrong numbers .* cpu-failing: a kernel fails .*/));
});

test("a kernel that fails on any thread ends the model, and what is asked for then, at once", async () => {
  const toy = await start({ variant: "cpu-failing", threads: 3 });
  const step = (): Promise<unknown> => generate(toy, request(promptOf(40, 1), { maxTokens: 1 }));
  await assert.rejects(step());
  assert.match((await toy.lost).message, /kernel of the model fails|thread of the model failed/, "it is not waited for until it says nothing");
  await assert.rejects(step(), /failed|fails/);
  toy.open.dispose();
});

test("a model beyond 4 GiB is refused with numbers, and memory that is not given too", async (context) => {
  const plan = toyPlan();
  const [variant] = [plan["variants"]].flat();
  assert.ok(typeof variant === "object" && variant !== null);
  const large = toyLibrary({ ...plan, variants: [{ ...variant, workspace: [2 ** 32] }] });
  await assert.rejects(start({ library: large }), fails(OutOfMemoryError, /needs 4\.\d+\sGB .* and WebAssembly has 4\.\d+\sGB at most/));
  const Memory = WebAssembly.Memory;
  context.mock.method(WebAssembly, "Memory", function make(descriptor: WebAssembly.MemoryDescriptor) {
    if (descriptor.initial > 40) throw new RangeError("could not allocate memory");
    return new Memory(descriptor);
  });
  const middle = toyLibrary({ ...plan, variants: [{ ...variant, workspace: [2 ** 24] }] });
  await assert.rejects(start({ library: middle }), fails(OutOfMemoryError, /no room for the model/));
});

test("a cache that cannot grow ends the answer with numbers and leaves the model", async () => {
  const toy = await start();
  const grow = WebAssembly.Memory.prototype.grow;
  WebAssembly.Memory.prototype.grow = () => { throw new RangeError("maximum memory size exceeded"); };
  try {
    await assert.rejects(generate(toy, request(promptOf(4000, 1), { maxTokens: 1 })), fails(OutOfMemoryError, /no room for a longer conversation/));
  } finally {
    WebAssembly.Memory.prototype.grow = grow;
  }
  const prompt = promptOf(9, 4);
  assert.deepEqual((await generate(toy, request(prompt, { maxTokens: 3 }))).ids, reference(prompt, 3, new Set()));
  toy.open.dispose();
});

test("pages of a window lie in front of those that grow, and each holds all layers of its group", () => {
  const { variants: [variant], ...plan } = parseCpuPlan(toyPlan());
  const states = [null, 8, null, 8].map((window, i) => ({ name: `kv${i}`, kind: "pages" as const, querySize: 8, window }));
  const wide = { ...variant, stateBytes: [64, 32, 128, 48] };
  const windowed = { ...plan, states, variants: [wide] as const };
  const { pools, growing, pointers } = layOut(windowed, wide, layFixed(windowed, 1000, 2), 400);
  const [whole, behind] = pools;
  const seen = 3 * 6 + CHUNK / 4 + 2; // two states are kept beside the one at the end; a page is copied, and one lies across
  assert.deepEqual([whole?.pageBytes, whole?.pages, behind?.pageBytes, behind?.pages], [192, null, 80, Math.min(100, seen)]);
  assert.equal(growing, whole);
  const [start = 0, last = 0] = [behind?.start, whole?.start];
  assert.deepEqual(pointers.slice(2, 6), [last, start, last + 64, start + 32]);
  assert.ok(last >= start + 80 * 100);
  const { cache, total } = estimateCpu(windowed, wide, 1000, 2, 400);
  assert.deepEqual([cache, total], [100 * (192 + 80), last + 100 * 192]);
});

test("a model that is unloaded gives its memory back, its threads' too", async () => {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  assert.ok(typeof collect === "function");
  const { Memory } = WebAssembly;
  const made: WeakRef<WebAssembly.Memory>[] = [];
  // Not a mock, which keeps what it gave.
  Object.assign(WebAssembly, { Memory: new Proxy(Memory, { construct: (_, [descriptor]: [WebAssembly.MemoryDescriptor]) => {
    const memory = new Memory(descriptor);
    made.push(new WeakRef(memory));
    return memory;
  } }) });
  const live = async (): Promise<void> => {
    const toy = await start({ threads: 2 });
    await generate(toy, request(promptOf(9, 4), { maxTokens: 3 }));
    toy.open.dispose();
  };
  await live().finally(() => Object.assign(WebAssembly, { Memory }));
  for (let i = 0; i < 100 && made.some((memory) => memory.deref() !== undefined); i++) {
    await new Promise((resolve) => { setTimeout(resolve, 10); });
    collect();
  }
  assert.deepEqual([made.length, made.filter((memory) => memory.deref() !== undefined).length], [2, 0]);
});
