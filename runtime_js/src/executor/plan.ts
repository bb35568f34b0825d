/** The plan: everything needed to run the model, as data. Read and checked here, interpreted by the executor. */

import { ManifestError } from "../support/errors.ts";
import { Fields } from "../support/fields.ts";
import { MAX_CONTEXT, MAX_HEADS, MAX_LAYERS, MAX_VOCABULARY } from "../support/limits.generated.ts";

const PLAN_FORMAT = 3;
/** Words that a launch function writes for each tile of a kernel: grid x, y, z and the uniform's words. */
export const LAUNCH_WORDS = 8;
export const HISTORY_LENGTH = 256;
const MAX_UNIFORM_WORDS = LAUNCH_WORDS - 3;
const MAX_BYTES = 2 ** 40; // "<<" would wrap at 32 bits
const MAX_COUNT = 1 << 16;
const MAX_NAME = 512;
const MAX_TILES = 8;
const MAX_VENDORS = 64;
const MAX_ROPES = 64;
const MAX_ROTARY_PAIRS = 2048;

export const FUNCTION_NAMES = ["prefill", "logits", "decode", "sample"] as const;
export type FunctionName = (typeof FUNCTION_NAMES)[number];
export const IO_NAMES = ["tokens", "state", "page_table", "hidden", "logits", "sampling", "history"] as const;
/** Rotary tables are many: rope0, rope1, ... in the order of `PlanModel.ropes`. */
export type IoName = (typeof IO_NAMES)[number] | `rope${number}`;
export const FEATURES = ["shader-f16", "subgroups"] as const;
const LANGUAGE_FEATURES = ["packed_4x8_integer_dot_product"] as const;
export const LIMITS = [
  "maxStorageBufferBindingSize", "maxBufferSize", "maxComputeWorkgroupStorageSize", "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupsPerDimension", "maxStorageBuffersPerShaderStage",
] as const;
export type LimitName = (typeof LIMITS)[number];

/** Radians per position of each rotary pair, and the factor on cosine and sine. */
export interface Rope {
  readonly invFreq: readonly number[];
  readonly scale: number;
}

export interface PlanModel {
  readonly vocabSize: number;
  readonly numLayers: number;
  readonly numHeads: number;
  readonly headDim: number;
  readonly contextLength: number;
  readonly pageSize: number;
  /** Tokens of the longest prefill call. */
  readonly prefillChunk: number;
  readonly ropes: readonly Rope[];
}

export interface NamedBytes<N extends string = string> {
  readonly name: N;
  readonly bytes: number;
}

/** One way to run a kernel. */
export interface TilePlan {
  readonly wgsl: number;
  readonly entry: string;
}

export interface KernelPlan {
  readonly name: string;
  readonly bindings: readonly ("read" | "read_write")[];
  /** The uniform's binding, after the storage bindings, or -1. */
  readonly uniform: number;
  readonly uniformWords: number;
  /** At least one. They do the same and differ in speed. */
  readonly tiles: readonly TilePlan[];
  /** By `GPUAdapterInfo.vendor`: the tile to run where none has been measured; tile 0 on GPUs of other vendors. */
  readonly defaults: ReadonlyMap<string, number>;
}

export interface FunctionPlan {
  /** Wasm export that computes grid and uniform of each tile of each of `kernels`. */
  readonly launch: string;
  readonly kernels: readonly number[];
  /** Which of `kernels` to run, and the buffer id of each of its bindings. */
  readonly steps: readonly { readonly kernel: number; readonly buffers: readonly number[] }[];
}

export interface VariantPlan {
  readonly name: string;
  /** Of the adapter. */
  readonly features: readonly (typeof FEATURES)[number][];
  /** Of the browser's WGSL. */
  readonly languageFeatures: readonly (typeof LANGUAGE_FEATURES)[number][];
  readonly minSubgroupSize: number;
  readonly limits: ReadonlyMap<LimitName, number>;
  /** Bytes of one page of one layer's KV cache. */
  readonly kvPageBytes: number;
  readonly workspace: readonly number[];
  readonly kernels: readonly KernelPlan[];
  readonly functions: Readonly<Record<FunctionName, FunctionPlan>>;
}

/** Buffer ids number the weights, then one KV buffer a layer, then io, then a variant's workspace. */
export interface Plan {
  readonly model: PlanModel;
  readonly weights: readonly NamedBytes[];
  readonly io: readonly NamedBytes<IoName>[];
  readonly variants: readonly VariantPlan[];
  readonly wgsl: readonly string[];
}

function fail(message: string): ManifestError {
  return new ManifestError(`The model library's plan is not usable: ${message}. Build the model again with a matching webllm-build.`);
}

function parseModel(model: Fields): PlanModel {
  const ropes = model.objects("ropes", MAX_ROPES, (rope) => {
    const invFreq = rope.array("inv_freq", MAX_ROTARY_PAIRS, (value, path) => {
      if (typeof value !== "number" || !Number.isFinite(value)) throw fail(`${path} must be a finite number`);
      return value;
    });
    return { invFreq, scale: rope.number("scale", -1e6, 1e6) };
  });
  return {
    vocabSize: model.integer("vocab_size", 1, MAX_VOCABULARY),
    numLayers: model.integer("num_layers", 1, MAX_LAYERS),
    numHeads: model.integer("num_heads", 1, MAX_HEADS),
    headDim: model.integer("head_dim", 2, 4096),
    contextLength: model.integer("context_length", 1, MAX_CONTEXT),
    pageSize: model.integer("page_size", 1, 1024),
    prefillChunk: model.integer("prefill_chunk", 1, 1 << 16),
    ropes,
  };
}

function bufferBytes(entry: Fields): number {
  const bytes = entry.integer("bytes", 4, MAX_BYTES);
  if (bytes % 4 !== 0) throw entry.wrong("bytes", "a multiple of 4");
  return bytes;
}

/** Bytes that the executor writes into or reads from each io buffer; `hidden` is the kernels' own. */
function ioBytes(model: PlanModel): ReadonlyMap<IoName, number> {
  return new Map<IoName, number>([
    ["tokens", 4 * model.prefillChunk],
    ["state", 4 * 16],
    ...model.ropes.map(({ invFreq }, index): [IoName, number] => [`rope${index}`, 8 * model.prefillChunk * invFreq.length]),
    ["page_table", 4 * Math.ceil(model.contextLength / model.pageSize)],
    ["logits", 4 * model.vocabSize],
    ["sampling", 4 * 8],
    ["history", 4 * HISTORY_LENGTH],
  ]);
}

function parseIo(plan: Fields, model: PlanModel): NamedBytes<IoName>[] {
  const names: readonly IoName[] = [...IO_NAMES, ...model.ropes.map((_, index): IoName => `rope${index}`)];
  const io = plan.objects("io", names.length, (entry) => ({ name: entry.oneOf("name", names), bytes: bufferBytes(entry) }));
  const expected = ioBytes(model);
  for (const name of names) {
    const found = io.filter((buffer) => buffer.name === name);
    if (found.length !== 1) throw fail(`io has ${found.length} buffers called ${name}, not one`);
    const bytes = expected.get(name);
    if (bytes !== undefined && found[0]?.bytes !== bytes) throw fail(`io buffer ${name} must have ${bytes} bytes`);
  }
  return io;
}

function parseKernel(kernel: Fields, wgslCount: number): KernelPlan {
  const bindings = kernel.array("bindings", 64, (value, path): "read" | "read_write" => {
    if (value !== "read" && value !== "read_write") throw fail(`${path} must be "read" or "read_write"`);
    return value;
  });
  const tiles = kernel.objects("tiles", MAX_TILES, (tile) => (
    { wgsl: tile.integer("wgsl", 0, wgslCount - 1), entry: tile.string("entry", MAX_NAME) }));
  if (tiles.length === 0) throw kernel.wrong("tiles", "at least one tile");
  const defaults = kernel.object("defaults");
  const vendors = defaults.keys();
  if (vendors.length > MAX_VENDORS) throw kernel.wrong("defaults", `an object of at most ${MAX_VENDORS} entries`);
  return {
    name: kernel.string("name", MAX_NAME),
    bindings,
    uniform: kernel.oneOf("uniform", [-1, bindings.length]),
    uniformWords: kernel.integer("uniform_words", 0, MAX_UNIFORM_WORDS),
    tiles,
    defaults: new Map(vendors.map((vendor) => [vendor, defaults.integer(vendor, 0, tiles.length - 1)])),
  };
}

function parseFunction(fn: Fields, kernels: readonly KernelPlan[], bufferCount: number): FunctionPlan {
  const own = fn.integers("kernels", MAX_COUNT, 0, kernels.length - 1);
  const steps = fn.array("steps", MAX_COUNT, (value, path) => {
    if (!Array.isArray(value) || value.length !== 2) throw fail(`${path} must be [kernel, [buffers]]`);
    const step = new Fields({ kernel: value[0], buffers: value[1] }, path, fail);
    const kernel = step.integer("kernel", 0, own.length - 1);
    const buffers = step.integers("buffers", 64, 0, bufferCount - 1);
    const bindings = kernels[own[kernel] ?? 0]?.bindings ?? [];
    if (buffers.length !== bindings.length) {
      throw fail(`${path} gives ${buffers.length} buffers to a kernel with ${bindings.length} bindings`);
    }
    if (bindings.some((access, i) => access === "read_write" && buffers.filter((id) => id === buffers[i]).length > 1)) {
      throw fail(`${path} writes a buffer that it binds twice`);
    }
    return { kernel, buffers };
  });
  const launch = fn.string("launch", MAX_NAME);
  if (!/^launch_\w+$/.test(launch)) throw fn.wrong("launch", "the name of a launch function");
  return { launch, kernels: own, steps };
}

function parseFeatures<Name extends string>(variant: Fields, key: string, known: readonly Name[]): Name[] {
  return variant.array(key, 8, (value, path) => {
    const feature = known.find((name) => name === value);
    if (feature === undefined) throw fail(`${path} names a feature that this engine does not know`);
    return feature;
  });
}

function parseVariant(variant: Fields, sharedBuffers: number, wgslCount: number): VariantPlan {
  const limits = variant.object("limits");
  limits.onlyKeys(LIMITS);
  const workspace = variant.integers("workspace", MAX_COUNT, 4, MAX_BYTES);
  if (workspace.some((bytes) => bytes % 4 !== 0)) throw variant.wrong("workspace", "sizes that are multiples of 4");
  const kernels = variant.objects("kernels", MAX_COUNT, (kernel) => parseKernel(kernel, wgslCount));
  const functions = variant.object("functions");
  const parse = (name: FunctionName): FunctionPlan => parseFunction(functions.object(name), kernels, sharedBuffers + workspace.length);
  const kvPageBytes = variant.integer("kv_page_bytes", 4, 1 << 30);
  if (kvPageBytes % 4 !== 0) throw variant.wrong("kv_page_bytes", "a multiple of 4");
  return {
    name: variant.string("name", 64),
    features: parseFeatures(variant, "features", FEATURES),
    languageFeatures: parseFeatures(variant, "language_features", LANGUAGE_FEATURES),
    minSubgroupSize: variant.integer("min_subgroup_size", 0, 128),
    limits: new Map(LIMITS.filter((name) => limits.has(name)).map((name) => [name, limits.integer(name, 1, MAX_BYTES)])),
    kvPageBytes,
    workspace,
    kernels,
    functions: { prefill: parse("prefill"), logits: parse("logits"), decode: parse("decode"), sample: parse("sample") },
  };
}

/** Reads a plan and the WGSL texts beside it. Raises ManifestError, which names the first thing that is wrong. */
export function parsePlan(planValue: unknown, wgslValue: unknown): Plan {
  const plan = new Fields(planValue, "", fail);
  const format = plan.integer("format", 0, 1 << 20);
  if (format !== PLAN_FORMAT) throw fail(`it has format ${format}, this engine reads format ${PLAN_FORMAT}`);
  const wgsl = new Fields({ wgsl: wgslValue }, "", fail).array("wgsl", MAX_COUNT, (value, path) => {
    if (typeof value !== "string") throw fail(`${path} must be a string`);
    return value;
  });
  const model = parseModel(plan.object("model"));
  const weights = plan.objects("weights", MAX_COUNT, (entry) => ({ name: entry.string("name", MAX_NAME), bytes: bufferBytes(entry) }));
  const io = parseIo(plan, model);
  const shared = weights.length + model.numLayers + io.length;
  const variants = plan.objects("variants", 16, (variant) => parseVariant(variant, shared, wgsl.length));
  if (variants.length === 0) throw fail("it has no variant");
  return { model, weights, io, variants, wgsl };
}
