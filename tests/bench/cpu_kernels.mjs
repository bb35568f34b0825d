// Times a CPU library's functions and kernels on one thread, on weights of zeros; each number is the best of several.
//     node --experimental-wasm-relaxed-simd tests/bench/cpu_kernels.mjs model-cpu-relaxed.wasm [variant] [tokens] [position]
import { readFileSync } from "node:fs";

const [file, variantName = "cpu-int8", tokens = "128", position = "128"] = process.argv.slice(2);
const n = Number(tokens), ROUNDS = 7, ALIGNMENT = 64, PAGES = 96;

const module = new WebAssembly.Module(readFileSync(file));
const plan = JSON.parse(new TextDecoder().decode(WebAssembly.Module.customSections(module, "webllm.plan")[0]));
const variant = plan.variants.find(({ name }) => name === variantName);
const windows = [...new Set(plan.states.filter(({ kind }) => kind === "pages").map(({ window }) => window))];
const isOf = (state, window) => state.kind === "pages" && state.window === window;
const stateBytes = plan.states.map((state, i) => (state.kind === "slots" ? 8 * variant.state_bytes[i] : 0));
const pools = windows.map((window) => PAGES * variant.state_bytes.reduce((sum, bytes, i) => sum + (isOf(plan.states[i], window) ? bytes : 0), 0));
const sizes = [...plan.weights.map(({ bytes }) => bytes), ...stateBytes, ...plan.io.map(({ bytes }) => bytes), ...variant.workspace, ...pools, 1 << 16];

const total = sizes.reduce((sum, bytes) => sum + bytes + 2 * ALIGNMENT, 1 << 20);
const memory = new WebAssembly.Memory({ initial: Math.ceil(total / 65536) + 16, maximum: 65536 });
const { exports } = new WebAssembly.Instance(module, { env: { memory, now: () => performance.now() } });
let end = exports.__heap_base.value;
const places = sizes.map((bytes) => {
  const start = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
  end = start + bytes + ALIGNMENT;
  return start;
});
const scratch = places.pop();
const ends = new Map(windows.map((window, i) => [window, places[places.length - windows.length + i]]));
plan.states.forEach((state, i) => {
  if (state.kind !== "pages") return;
  places[plan.weights.length + i] = ends.get(state.window);
  ends.set(state.window, ends.get(state.window) + variant.state_bytes[i]);
});
const io = (name) => places[plan.weights.length + plan.states.length + plan.io.findIndex((buffer) => buffer.name === name)];
windows.forEach((_, i) => new Int32Array(memory.buffer, io(`page_table${i}`), PAGES).set(Array.from({ length: PAGES }, (_, page) => page)));

/** Kernel → the milliseconds and the bytes of weights of a step of each, in one run of a function. */
function run(name, count, kernels) {
  const fn = variant.functions[name];
  exports[fn.launch](count, 0, scratch);
  const units = new Int32Array(memory.buffer, scratch, fn.kernels.length).slice();
  const begun = performance.now();
  for (const [kernel, buffers] of fn.steps) {
    new Uint32Array(memory.buffer, scratch, buffers.length).set(buffers.map((buffer) => places[buffer]));
    const before = performance.now();
    exports[plan.kernels[fn.kernels[kernel]].entry](0, scratch, count, 0, units[kernel]);
    const label = plan.kernels[fn.kernels[kernel]].name;
    kernels?.set(label, (kernels.get(label) ?? 0) + performance.now() - before);
  }
  return performance.now() - begun;
}

for (const [name, count] of [["decode", 1], ["decode", 4], ["prefill", n], ["sample", 1]]) {
  const state = new Int32Array(memory.buffer, io("state"), 128);
  for (let row = 0; row < 8; row++) state.set([name === "prefill" ? 0 : Number(position), 0, 0, 0, 1], row * 16);
  const best = new Map();
  let least = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const kernels = new Map();
    least = Math.min(least, run(name, count, kernels));
    for (const [kernel, ms] of kernels) best.set(kernel, Math.min(best.get(kernel) ?? Infinity, ms));
  }
  console.log(`${name} of ${count}: ${least.toFixed(2)} ms, ${((1000 * count) / least).toFixed(1)} tokens/s`);
  for (const [kernel, ms] of [...best].sort((a, b) => b[1] - a[1])) console.log(`    ${ms.toFixed(3)} ms  ${kernel}`);
}
