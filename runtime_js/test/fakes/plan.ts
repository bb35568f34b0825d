/** A small plan that is valid: one layer, few kernels, one of them in three tiles. */

export const WEIGHT_BYTES = [1024, 512];

const KERNELS = [
  {
    name: "embed", bindings: ["read", "read", "read_write"], uniform: 3, uniform_words: 2,
    tiles: [{ wgsl: 0, entry: "embed" }, { wgsl: 0, entry: "embed_wide" }, { wgsl: 1, entry: "embed_tall" }], defaults: { apple: 2, google: 1 },
  },
  {
    name: "attend", bindings: ["read_write", "read", "read_write"], uniform: -1, uniform_words: 0,
    tiles: [{ wgsl: 1, entry: "attend" }], defaults: {},
  },
  {
    name: "sample", bindings: ["read", "read", "read_write", "read_write"], uniform: -1, uniform_words: 0,
    tiles: [{ wgsl: 0, entry: "sample" }], defaults: {},
  },
  {
    name: "attend_rows", bindings: ["read_write", "read", "read_write"], uniform: -1, uniform_words: 0,
    tiles: [{ wgsl: 1, entry: "attend_rows" }, { wgsl: 1, entry: "attend_rows_wide" }], defaults: { apple: 1 },
  },
  { name: "adjust", bindings: ["read_write", "read", "read", "read_write", "read", "read"], uniform: -1, uniform_words: 0, tiles: [{ wgsl: 0, entry: "adjust" }], defaults: {} },
  { name: "keep", bindings: ["read", "read_write"], uniform: -1, uniform_words: 0, tiles: [{ wgsl: 0, entry: "keep" }], defaults: {} },
  {
    name: "likeliest", bindings: ["read", "read", "read", "read_write"], uniform: -1, uniform_words: 0,
    tiles: [{ wgsl: 0, entry: "likeliest" }], defaults: {},
  },
];

// Buffers: 0, 1 weights; 2 kv0; 3 tokens, 4 state, 5 rope0, 6 page_table0, 7 hidden, 8 logits, 9 sampling, 10 history,
// 11 counts, 12 bias, 13 mask, 14 kept, 15 logprobs; 16 workspace. A tower has 16 patches, 17 pictures, 18 workspace.
function variant(name: string, features: string[], index: number, isTower: boolean): Record<string, unknown> {
  const ofTower = {
    encode_image: { launch: `launch_${index}_encode_image`, kernels: [1], steps: [[0, [2, 18, 7]]] },
    project_image: { launch: `launch_${index}_project_image`, kernels: [0], steps: [[0, [7, 1, 17]]] },
  };
  return {
    name, features, language_features: [], min_subgroup_size: features.includes("subgroups") ? 32 : 0,
    limits: { maxStorageBufferBindingSize: 1 << 20, maxBufferSize: 1 << 20, maxComputeInvocationsPerWorkgroup: 256 },
    state_bytes: [256], workspace: [4096], kernels: KERNELS,
    functions: isTower ? ofTower : {
      prefill: { launch: `launch_${index}_prefill`, kernels: [0, 1], steps: [[0, [3, 0, 16]], [1, [2, 16, 7]], [0, [3, 1, 16]]] },
      logits: { launch: `launch_${index}_logits`, kernels: [0], steps: [[0, [7, 1, 8]]] },
      decode: { launch: `launch_${index}_decode`, kernels: [0, 1], steps: [[0, [3, 0, 16]], [1, [2, 16, 8]]] },
      decode_2: { launch: `launch_${index}_decode_2`, kernels: [0, 3], steps: [[0, [3, 0, 16]], [1, [2, 16, 8]]] },
      sample: { launch: `launch_${index}_sample`, kernels: [2], steps: [[0, [8, 9, 3, 10]]] },
      adjust: { launch: `launch_${index}_adjust`, kernels: [4], steps: [[0, [8, 9, 3, 11, 12, 13]]] },
      keep: { launch: `launch_${index}_keep`, kernels: [5], steps: [[0, [8, 14]]] },
      logprobs: { launch: `launch_${index}_logprobs`, kernels: [6], steps: [[0, [14, 9, 3, 15]]] },
    },
  };
}

export function fakePlan(isTower = false): Record<string, unknown> {
  return {
    format: 6,
    model: {
      vocab_size: 50, hidden_size: 8, context_length: 128, page_size: 4, prefill_chunk: 8, texts: 1,
      ropes: [{ inv_freq: [1, 0.01], scale: 1 }],
    },
    weights: [{ name: "a", bytes: WEIGHT_BYTES[0] }, { name: "b", bytes: WEIGHT_BYTES[1] }],
    stored: [],
    states: [{ name: "kv0", kind: "pages", query_size: 8, window: null }],
    io: [
      { name: "tokens", bytes: 32 }, { name: "state", bytes: 512 }, { name: "rope0", bytes: 128 }, { name: "page_table0", bytes: 1024 },
      { name: "hidden", bytes: 256 }, { name: "logits", bytes: 1600 }, { name: "sampling", bytes: 512 }, { name: "history", bytes: 1024 },
      { name: "counts", bytes: 1600 }, { name: "bias", bytes: 1600 }, { name: "mask", bytes: 64 }, { name: "kept", bytes: 1600 },
      { name: "logprobs", bytes: 2048 }, ...(isTower ? [{ name: "patches", bytes: 256 }, { name: "pictures", bytes: 128 }] : []),
    ],
    variants: [variant("f16-sg", ["shader-f16", "subgroups"], 0, isTower), variant("f32", [], 1, isTower)],
  };
}

export const FAKE_WGSL = ["fn main() {}", "fn main() {}"];

/** For tile i of a launch: grid (i + 1, n, kvLength), uniform words n and kvLength. */
export function fakeLaunch(_name: string, tiles: number): (n: number, kvLength: number) => Int32Array {
  return (n, kvLength) => Int32Array.from(Array.from({ length: tiles }, (_, i) => [i + 1, n, kvLength, n, kvLength, 0, 0, 0]).flat());
}
