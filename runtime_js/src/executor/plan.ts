/** The plan: everything needed to run the model, as data. Read and checked here, interpreted by the executor. */

import { ManifestError } from "../support/errors.ts";
import { Fields } from "../support/fields.ts";
import { MAX_CONTEXT, MAX_LAYERS, MAX_NAME, MAX_VOCABULARY } from "../support/limits.generated.ts";
import { HISTORY, LAUNCH_WORDS, LOGPROB_WORDS, MAX_GROUPS, MAX_ROWS, MAX_TILES, PLAN_FORMAT, SAMPLING_WORDS, STATE_WORDS } from "./abi.generated.ts";

const MAX_UNIFORM_WORDS = LAUNCH_WORDS - 3;
const MAX_FUNCTIONS = 64;
const MAX_BYTES = 2 ** 40; // "<<" would wrap at 32 bits
const MAX_COUNT = 1 << 16;
const MAX_VENDORS = 64;
const MAX_ROPES = 64;
const MAX_EXPERTS = 1 << 12;
const MAX_ROTARY_PAIRS = 2048;
const MAX_STORED = 16;
const MAX_ROW_BYTES = 1 << 20;

const FEATURES = ["shader-f16", "subgroups"] as const;
/** Of an adapter with subgroup matrices; browsers do not give it to every page yet, and no type has it. */
export const MATRICES = "chromium-experimental-subgroup-matrix" as GPUFeatureName;
const LANGUAGE_FEATURES = ["packed_4x8_integer_dot_product"] as const;
const LIMITS = [
  "maxStorageBufferBindingSize", "maxBufferSize", "maxComputeWorkgroupStorageSize", "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupsPerDimension", "maxStorageBuffersPerShaderStage",
] as const;
export type LimitName = (typeof LIMITS)[number];

/** Radians per position of each rotary pair, 0 for one that does not turn, and the factor on cosine and sine of the others. */
export interface Rope {
  readonly invFreq: readonly number[];
  readonly scale: number;
  /** What takes their place for all tokens of a sequence of more than `beyond`. */
  readonly long: { readonly invFreq: readonly number[]; readonly beyond: number } | null;
  /** Which of a token's positions each pair turns by, where it has several: in time, its row and its column in a picture; of a patch its row and its column. */
  readonly axes?: readonly number[] | undefined;
}

/** The io buffer of the experts that tokens go through, and their shares: int32[tokens, 2, chosen]. */
export const CHOICES = "choices";

/** Of experts: each token goes through `chosen` of `count`. */
export interface Mixture {
  readonly count: number;
  readonly chosen: number;
}

export interface PlanModel {
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly pageSize: number;
  /** Tokens of the longest prefill call. */
  readonly prefillChunk: number;
  /** That one call of an embedding model may have. */
  readonly texts: number;
  /** The io buffer `rope<i>` has the table of `ropes[i]` for the new tokens. */
  readonly ropes: readonly Rope[];
  readonly experts: Mixture | null;
}

/** A buffer that outlives a step: pages of a cache, which the page table of its group names, or slots, one for the state of a sequence after a step. */
export interface StatePlan {
  readonly name: string;
  readonly kind: "pages" | "slots";
  /** Of pages: values of a token's queries, which each key meets. */
  readonly querySize: number;
  /** Of pages: tokens that a token sees; null: all. */
  readonly window: number | null;
}

/** The window of each group; null: its tokens see all before them. The page table of group i is the io buffer `page_table<i>`. */
export function windowsOf(states: readonly StatePlan[]): (number | null)[] {
  return [...new Set(states.filter(({ kind }) => kind === "pages").map(({ window }) => window))];
}

export interface NamedBytes {
  readonly name: string;
  readonly bytes: number;
}

/** A weight of a row for each token that stays in storage: the io buffer `io` has the rows of a step's tokens. */
export interface StoredWeight extends NamedBytes {
  readonly rowBytes: number;
  readonly io: string;
}

/** One way to run a kernel. */
export interface TilePlan {
  readonly wgsl: number;
  readonly entry: string;
  /** Whether it needs the feature MATRICES. */
  readonly hasMatrices: boolean;
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
  readonly features: readonly GPUFeatureName[];
  /** Of the browser's WGSL. */
  readonly languageFeatures: readonly (typeof LANGUAGE_FEATURES)[number][];
  readonly minSubgroupSize: number;
  readonly limits: ReadonlyMap<LimitName, number>;
  /** Bytes of one page or one slot of each of the plan's states. */
  readonly stateBytes: readonly number[];
  /** The largest of those that are of pages. */
  readonly kvPageBytes: number;
  readonly workspace: readonly number[];
  readonly kernels: readonly KernelPlan[];
  /** By name. Whoever needs one asks for it: `functionOf`. */
  readonly functions: ReadonlyMap<string, FunctionPlan>;
}

/** What a plan says of the model, whatever computes it. Buffer ids number the weights, then states, then io, then a variant's workspace. */
export interface PlanHead {
  readonly model: PlanModel;
  readonly weights: readonly NamedBytes[];
  /** Behind `weights` in the weight stream; they are no buffers. */
  readonly stored: readonly StoredWeight[];
  readonly states: readonly StatePlan[];
  readonly io: readonly NamedBytes[];
}

export interface Plan extends PlanHead {
  readonly variants: readonly VariantPlan[];
  readonly wgsl: readonly string[];
}

/** Of a plan that cannot be used. */
export function fail(message: string): ManifestError {
  return new ManifestError(`The model library's plan is not usable: ${message}. Build the model again with a matching webllm-build.`);
}

function parseRope(rope: Fields): Rope {
  const parse = (key: string): number[] => rope.array(key, MAX_ROTARY_PAIRS, (value, path) => {
    if (typeof value !== "number" || !Number.isFinite(value)) throw fail(`${path} must be a finite number`);
    return value;
  });
  const invFreq = parse("inv_freq");
  const hasLong = rope.has("original") && rope.raw("original") !== null;
  const long = hasLong ? { invFreq: parse("long_inv_freq"), beyond: rope.integer("original", 1, MAX_CONTEXT) } : null;
  if (long !== null && long.invFreq.length !== invFreq.length) throw rope.wrong("long_inv_freq", `${invFreq.length} numbers`);
  const axes = rope.optional("axes", (key) => rope.integers(key, MAX_ROTARY_PAIRS, 0, 2));
  if (axes !== undefined && axes.length !== invFreq.length) throw rope.wrong("axes", `${invFreq.length} numbers`);
  return { invFreq, scale: rope.number("scale", -1e6, 1e6), long, ...(axes !== undefined && { axes }) };
}

function parseModel(model: Fields): PlanModel {
  return {
    vocabSize: model.integer("vocab_size", 1, MAX_VOCABULARY),
    contextLength: model.integer("context_length", 1, MAX_CONTEXT),
    pageSize: model.integer("page_size", 1, 1024),
    prefillChunk: model.integer("prefill_chunk", 1, 1 << 16),
    texts: model.integer("texts", 1, MAX_ROWS),
    ropes: model.objects("ropes", MAX_ROPES, parseRope),
    experts: model.has("experts") && model.raw("experts") !== null ? parseMixture(model.object("experts")) : null,
  };
}

function parseMixture(experts: Fields): Mixture {
  const count = experts.integer("count", 1, MAX_EXPERTS);
  return { count, chosen: experts.integer("chosen", 1, count) };
}

function parseState(state: Fields): StatePlan {
  const window = state.raw("window") === null ? null : state.integer("window", 1, MAX_CONTEXT);
  return {
    name: state.string("name", MAX_NAME), kind: state.oneOf("kind", ["pages", "slots"] as const),
    querySize: state.integer("query_size", 0, 1 << 24), window,
  };
}

function bufferBytes(entry: Fields): number {
  const bytes = entry.integer("bytes", 4, MAX_BYTES);
  if (bytes % 4 !== 0) throw entry.wrong("bytes", "a multiple of 4");
  return bytes;
}

/** Bytes of the io buffers that the executor writes or reads; others are the kernels' own. */
function ioBytes(model: PlanModel, groups: number): ReadonlyMap<string, number> {
  const tokens = Math.max(model.prefillChunk, MAX_ROWS);
  return new Map([
    ["tokens", 4 * tokens],
    ["state", 4 * MAX_ROWS * STATE_WORDS],
    ...model.ropes.map(({ invFreq }, i): [string, number] => [`rope${i}`, 8 * tokens * invFreq.length]),
    ...Array.from({ length: groups }, (_, i): [string, number] => [`page_table${i}`, 4 * MAX_ROWS * Math.ceil(model.contextLength / model.pageSize)]),
    ...(model.experts === null ? [] : [[CHOICES, 8 * tokens * model.experts.chosen] satisfies [string, number]]),
    ["logits", 4 * MAX_ROWS * model.vocabSize],
    ["sampling", 4 * MAX_ROWS * SAMPLING_WORDS],
    ["history", 4 * HISTORY],
    ["counts", 4 * MAX_ROWS * model.vocabSize],
    ["bias", 4 * MAX_ROWS * model.vocabSize],
    ["mask", 4 * MAX_ROWS * Math.ceil(model.vocabSize / 32)],
    ["logprobs", 4 * MAX_ROWS * LOGPROB_WORDS],
  ]);
}

function parseIo(plan: Fields, model: PlanModel, groups: number): NamedBytes[] {
  const io = plan.objects("io", MAX_FUNCTIONS, (entry) => ({ name: entry.string("name", MAX_NAME), bytes: bufferBytes(entry) }));
  if (new Set(io.map(({ name }) => name)).size < io.length) throw fail("two io buffers have one name");
  const expected = ioBytes(model, groups);
  for (const { name, bytes } of io) {
    const right = expected.get(name) ?? bytes;
    if (bytes !== right) throw fail(`io buffer ${name} must have ${right} bytes`);
  }
  return io;
}

function parseStored(weight: Fields, { vocabSize, prefillChunk }: PlanModel, io: readonly NamedBytes[]): StoredWeight {
  const rowBytes = weight.integer("row_bytes", 4, MAX_ROW_BYTES);
  if (rowBytes % 4 !== 0) throw weight.wrong("row_bytes", "a multiple of 4");
  const name = weight.string("io", MAX_NAME);
  const room = rowBytes * Math.max(prefillChunk, MAX_ROWS);
  if (!io.some((buffer) => buffer.name === name && buffer.bytes === room)) throw weight.wrong("io", `an io buffer of ${room} bytes`);
  return { name: weight.string("name", MAX_NAME), bytes: weight.oneOf("bytes", [vocabSize * rowBytes]), rowBytes, io: name };
}

export function parseBindings(kernel: Fields): KernelPlan["bindings"] {
  return kernel.array("bindings", 64, (value, path): "read" | "read_write" => {
    if (value !== "read" && value !== "read_write") throw fail(`${path} must be "read" or "read_write"`);
    return value;
  });
}

function parseKernel(kernel: Fields, wgsl: readonly string[]): KernelPlan {
  const bindings = parseBindings(kernel);
  const tiles = kernel.objects("tiles", MAX_TILES, (tile) => {
    const module = tile.integer("wgsl", 0, wgsl.length - 1);
    return { wgsl: module, entry: tile.string("entry", MAX_NAME), hasMatrices: String(wgsl[module]).includes("subgroup_matrix") };
  });
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

function parseFunction(fn: Fields, kernels: readonly Pick<KernelPlan, "bindings">[], bufferCount: number): FunctionPlan {
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

/** Raises ManifestError. */
export function parseMemory(variant: Fields, states: readonly StatePlan[]): Pick<VariantPlan, "stateBytes" | "workspace"> {
  const workspace = variant.integers("workspace", MAX_COUNT, 4, MAX_BYTES);
  if (workspace.some((bytes) => bytes % 4 !== 0)) throw variant.wrong("workspace", "sizes that are multiples of 4");
  const stateBytes = variant.integers("state_bytes", MAX_COUNT, 4, 1 << 30);
  if (stateBytes.length !== states.length || stateBytes.some((bytes) => bytes % 4 !== 0)) {
    throw variant.wrong("state_bytes", `multiples of 4 for each of ${states.length} states`);
  }
  return { workspace, stateBytes };
}

/** The variant's functions by name. Raises ManifestError. */
export function parseFunctions(variant: Fields, kernels: readonly Pick<KernelPlan, "bindings">[], bufferCount: number): VariantPlan["functions"] {
  const functions = variant.object("functions");
  const names = functions.keys();
  if (names.length > MAX_FUNCTIONS) throw variant.wrong("functions", `an object of at most ${MAX_FUNCTIONS} entries`);
  return new Map(names.map((name) => [name, parseFunction(functions.object(name), kernels, bufferCount)]));
}

function parseVariant(variant: Fields, states: readonly StatePlan[], sharedBuffers: number, wgsl: readonly string[]): VariantPlan {
  const limits = variant.object("limits");
  limits.onlyKeys(LIMITS);
  const kernels = variant.objects("kernels", MAX_COUNT, (kernel) => parseKernel(kernel, wgsl));
  const memory = parseMemory(variant, states);
  return {
    name: variant.string("name", 64),
    ...memory,
    features: parseFeatures(variant, "features", FEATURES),
    languageFeatures: parseFeatures(variant, "language_features", LANGUAGE_FEATURES),
    minSubgroupSize: variant.integer("min_subgroup_size", 0, 128),
    limits: new Map(LIMITS.filter((name) => limits.has(name)).map((name) => [name, limits.integer(name, 1, MAX_BYTES)])),
    kvPageBytes: Math.max(0, ...memory.stateBytes.filter((_, i) => states[i]?.kind === "pages")),
    kernels,
    functions: parseFunctions(variant, kernels, sharedBuffers + memory.workspace.length),
  };
}

/** Raises ManifestError, which names the first thing that is wrong. */
export function parseHead(plan: Fields): PlanHead {
  const format = plan.integer("format", 0, 1 << 20);
  if (format !== PLAN_FORMAT) throw fail(`it has format ${format}, this engine reads format ${PLAN_FORMAT}`);
  const model = parseModel(plan.object("model"));
  const weights = plan.objects("weights", MAX_COUNT, (entry) => ({ name: entry.string("name", MAX_NAME), bytes: bufferBytes(entry) }));
  const states = plan.objects("states", MAX_LAYERS, parseState);
  const groups = windowsOf(states).length;
  if (groups > MAX_GROUPS) throw fail(`its layers have ${groups} different windows`);
  const io = parseIo(plan, model, groups);
  const stored = plan.objects("stored", MAX_STORED, (weight) => parseStored(weight, model, io));
  if (new Set(stored.map((weight) => weight.io)).size < stored.length) throw fail("two stored weights have one io buffer");
  return { model, weights, stored, states, io };
}

/** Reads a plan and the WGSL texts beside it. Raises ManifestError, which names the first thing that is wrong. */
export function parsePlan(planValue: unknown, wgslValue: unknown): Plan {
  const plan = new Fields(planValue, "", fail);
  const head = parseHead(plan);
  const { weights, states, io } = head;
  const wgsl = new Fields({ wgsl: wgslValue }, "", fail).array("wgsl", MAX_COUNT, (value, path) => {
    if (typeof value !== "string") throw fail(`${path} must be a string`);
    return value;
  });
  const shared = weights.length + states.length + io.length;
  const variants = plan.objects("variants", 16, (variant) => parseVariant(variant, states, shared, wgsl));
  if (variants.length === 0) throw fail("it has no variant");
  return { ...head, variants, wgsl };
}

export function hasIo({ io }: Pick<PlanHead, "io">, name: string): boolean {
  return io.some((buffer) => buffer.name === name);
}

/** Numbers that are left of a text's states. */
export function pooledFloats({ io, model }: Pick<PlanHead, "io" | "model">): number {
  return (io.find(({ name }) => name === "pooled")?.bytes ?? 0) / 4 / model.texts;
}

/** Bytes of a token's hidden state. */
export function hiddenBytes({ io, model }: Pick<PlanHead, "io" | "model">): number {
  return (io.find(({ name }) => name === "hidden")?.bytes ?? 0) / Math.max(model.prefillChunk, MAX_ROWS);
}

/** Raises ManifestError where the variant has no such function. */
export function functionOf(variant: Pick<VariantPlan, "name" | "functions">, name: string): FunctionPlan {
  const found = variant.functions.get(name);
  if (found === undefined) throw fail(`variant ${variant.name} has no function ${name}`);
  return found;
}

/** How many rows a decode step of the variant may have: 1, and those that `decode_<rows>` was compiled for, rising; none of an embedding model. */
export function rowCounts(variant: VariantPlan): number[] {
  const counts = [...variant.functions.keys()].flatMap((name) => (name.startsWith("decode") ? [Number(/^decode_(\d+)$/.exec(name)?.[1] ?? 1)] : []));
  return [...new Set(counts)].filter((rows) => rows <= MAX_ROWS).sort((a, b) => a - b);
}

export function decodeName(rows: number): string {
  return rows === 1 ? "decode" : `decode_${rows}`;
}

/** Functions of a model's first answer. Kernels and buffers of others are made when one is asked for. */
const FIRST_FUNCTIONS: readonly string[] = ["prefill", "logits", "decode", "sample"];
/** Of an embedding model's first vector. */
const FIRST_OF_EMBEDDER: readonly string[] = ["prefill", "encode"];
/** Of a tower: patches to states, and these to vectors. */
const FIRST_OF_TOWER: readonly string[] = ["encode_image", "project_image"];
/** Of what hears. */
const FIRST_OF_CONFORMER: readonly string[] = ["encode_audio"];
const FIRST: ReadonlyMap<string, readonly string[]> = new Map([["decode", FIRST_FUNCTIONS], ["encode_image", FIRST_OF_TOWER], ["encode_audio", FIRST_OF_CONFORMER]]);

export function firstFunctions({ functions }: VariantPlan): string[] {
  const first = [...FIRST].find(([name]) => functions.has(name))?.[1] ?? FIRST_OF_EMBEDDER;
  return first.filter((name) => functions.has(name));
}

/** The variant's kernels that a model needs from its first answer on. */
export function firstKernels(variant: VariantPlan): ReadonlySet<number> {
  return new Set(firstFunctions(variant).flatMap((name) => functionOf(variant, name).kernels));
}

/** The io buffers that only other functions use, by their ids. */
export function laterBuffers(plan: Plan, variant: VariantPlan): ReadonlySet<number> {
  const used = (names: Iterable<string>): Set<number> =>
    new Set([...names].flatMap((name) => functionOf(variant, name).steps.flatMap(({ buffers }) => buffers)));
  const first = used(firstFunctions(variant));
  const io = plan.weights.length + plan.states.length;
  return new Set([...used(variant.functions.keys())].filter((id) => id >= io && id < io + plan.io.length && !first.has(id)));
}
