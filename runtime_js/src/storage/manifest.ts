/** The manifest of a packaged model: what the folder holds, with the size and sha256 of each file. */

import { NO_FORMAT, parseChatFormat, type ChatFormat } from "../formats/format.ts";
import { ManifestError } from "../support/errors.ts";
import { readEmbeddingFacts, type EmbeddingFacts } from "./embedding_facts.ts";
import { readSamplingDefaults, type SamplingDefaults } from "./sampling_defaults.ts";
import { Fields } from "../support/fields.ts";
import {
  MAX_CONTEXT, MAX_EOS_TOKENS, MAX_FILE_BYTES, MAX_NAME, MAX_PLACES, MAX_SHARDS, MAX_TENSORS, MAX_VOCABULARY, SHARD_BYTES, TENSOR_ALIGNMENT,
} from "../support/limits.generated.ts";

const MANIFEST_FORMAT = 1;
/** Of tokens and of values. */
const MAX_PROBE = 256;
const MAX_URL = 8192;
const MAX_BYTES = 2 ** 40; // "<<" would wrap at 32 bits

export interface FileEntry {
  readonly file: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export interface TensorEntry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Bytes from the start of the weight stream, which the shards make when laid end to end. */
  readonly offset: number;
  readonly bytes: number;
}

/** The same library in two versions: for WebAssembly with SIMD, and with relaxed SIMD. */
export interface CpuFiles {
  readonly plain: FileEntry;
  readonly relaxed: FileEntry;
}

export interface Manifest {
  readonly model: { readonly id: string; readonly name: string; readonly contextLength: number; readonly vocabSize: number };
  readonly library: FileEntry;
  /** For the CPU; absent where the model was built without. */
  readonly cpu: CpuFiles | undefined;
  readonly tokenizer: FileEntry;
  /** The grammar engine, for requests that ask for an answer of some form: nothing else needs it. */
  readonly grammar: FileEntry;
  readonly tokenizerConfig: Fields;
  /** How the model writes thoughts and calls of tools. */
  readonly chat: ChatFormat;
  readonly sampling: SamplingDefaults;
  readonly eosTokenIds: readonly number[];
  /** places: URLs of folders that have the shards, relative to the manifest's, in the order in which they are tried. */
  readonly weights: { readonly bytes: number; readonly places: readonly string[]; readonly shards: readonly FileEntry[] };
  readonly tensors: readonly TensorEntry[];
  readonly probe: Probe | undefined;
  /** Of a model that makes vectors of texts, and does nothing else. */
  readonly embedding: EmbeddingFacts | undefined;
  /** Of a model that sees pictures. `tower`: what makes vectors of these, as a model of its own in the same folder. `facts`: as vision_facts.ts reads them. */
  readonly vision: { readonly facts: Fields; readonly tower: Manifest } | undefined;
  /** Of a model that hears. `conformer`: what makes vectors of sounds, as a model of its own in the same folder. */
  readonly audio: { readonly facts: Fields; readonly conformer: Manifest } | undefined;
}

/**
 * What a GPU is checked by: `values`, at evenly spaced channels, are the hidden state of the last of `tokens` behind the first layer; of a tower,
 * of the last of so many `patches` that `probePatches` makes. logits: at evenly spaced tokens, what the head makes of a known state.
 */
export interface Probe {
  readonly tokens: readonly number[];
  readonly patches?: number | undefined;
  readonly values: readonly number[];
  readonly logits?: readonly number[] | undefined;
}

function parseFile(entry: Fields): FileEntry {
  const file = entry.string("file", 200);
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(file)) throw entry.wrong("file", "a plain file name inside the model folder");
  const sha256 = entry.string("sha256", 64);
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw entry.wrong("sha256", "64 lower-case hex digits");
  return { file, bytes: entry.integer("bytes", 1, MAX_FILE_BYTES), sha256 };
}

function parseCpu(cpu: Fields): CpuFiles {
  return { plain: parseFile(cpu.object("plain")), relaxed: parseFile(cpu.object("relaxed")) };
}

function parseTensor(entry: Fields): TensorEntry {
  const bytes = entry.integer("bytes", 4, MAX_BYTES);
  if (bytes % 4 !== 0) throw entry.wrong("bytes", "a multiple of 4");
  const offset = entry.integer("offset", 0, MAX_BYTES);
  if (offset % TENSOR_ALIGNMENT !== 0) throw entry.wrong("offset", `a multiple of ${TENSOR_ALIGNMENT}`);
  return {
    name: entry.string("name", MAX_NAME), dtype: entry.string("dtype", 32), shape: entry.integers("shape", 8, 1, MAX_BYTES), offset, bytes,
  };
}

function parseProbe(probe: Fields, vocabSize: number): Probe {
  const patches = probe.optional("patches", (key) => probe.integer(key, 1, MAX_PROBE));
  const tokens = patches === undefined ? probe.integers("tokens", MAX_PROBE, 0, vocabSize - 1) : [];
  const numbers = (name: string): number[] => {
    const found = probe.array(name, MAX_PROBE, (value) => (typeof value === "number" ? value : NaN));
    if ((patches ?? tokens.length) === 0 || found.length === 0 || !found.every(Number.isFinite)) throw probe.wrong(name, "finite numbers for some tokens");
    return found;
  };
  const logits = probe.optional("logits", numbers);
  return { tokens, values: numbers("values"), ...(patches !== undefined && { patches }), ...(logits !== undefined && { logits }) };
}

function parsePlaces(weights: Fields, key: string): readonly string[] {
  const places = weights.array(key, MAX_PLACES, (value) => (typeof value === "string" && isAddress(value) ? value : undefined));
  const known = places.filter((place) => place !== undefined);
  if (known.length === 0 || known.length < places.length) throw weights.wrong(key, `1 to ${MAX_PLACES} addresses`);
  return known;
}

/** Of a folder on the network, which may be relative. */
function isAddress(place: string): boolean {
  try {
    return place.length <= MAX_URL && /^https?:$/.test(new URL(place, "https://site.example/").protocol);
  } catch {
    return false;
  }
}

function checkShards(shards: readonly FileEntry[], bytes: number, fail: Fields["fail"]): void {
  shards.forEach((shard, i) => {
    const isLast = i === shards.length - 1;
    if (isLast ? shard.bytes > SHARD_BYTES : shard.bytes !== SHARD_BYTES) {
      throw fail(`weights.shards[${i}] has ${shard.bytes} bytes; every shard but the last has ${SHARD_BYTES}, the last no more`);
    }
  });
  const total = shards.reduce((sum, shard) => sum + shard.bytes, 0);
  if (total !== bytes) throw fail(`weights.shards hold ${total} bytes together, but weights.bytes is ${bytes}`);
}

function checkTensors(tensors: readonly TensorEntry[], bytes: number, fail: Fields["fail"]): void {
  let end = 0;
  for (const tensor of tensors) {
    if (tensor.offset < end) throw fail(`tensor ${tensor.name} overlaps the one before it`);
    end = tensor.offset + tensor.bytes;
    if (end > bytes) throw fail(`tensor ${tensor.name} ends at byte ${end}, beyond the ${bytes} bytes of the weights`);
  }
}

/** Reads a manifest. Raises ManifestError, which names the first field that is wrong. */
export function parseManifest(value: unknown): Manifest {
  const fail = (message: string): ManifestError => new ManifestError(
    `The model's manifest is not usable: ${message}. Build the model folder again with a matching webllm-build.`);
  const manifest = new Fields(value, "", fail);
  const format = manifest.integer("format", 0, 1 << 20);
  if (format !== MANIFEST_FORMAT) throw fail(`it has format ${format}, this engine reads format ${MANIFEST_FORMAT}`);
  const model = manifest.object("model");
  const weights = manifest.object("weights");
  const bytes = weights.integer("bytes", 1, MAX_BYTES);
  const shards = weights.objects("shards", MAX_SHARDS, parseFile);
  checkShards(shards, bytes, fail);
  const tensors = manifest.objects("tensors", MAX_TENSORS, parseTensor);
  checkTensors(tensors, bytes, fail);
  const vocabSize = model.integer("vocab_size", 1, MAX_VOCABULARY);
  return {
    model: {
      id: model.string("id", MAX_NAME), name: model.string("name", MAX_NAME),
      contextLength: model.integer("context_length", 1, MAX_CONTEXT), vocabSize,
    },
    library: parseFile(manifest.object("library")),
    cpu: manifest.optional("cpu", (key) => parseCpu(manifest.object(key))),
    tokenizer: parseFile(manifest.object("tokenizer")),
    grammar: parseFile(manifest.object("grammar")),
    tokenizerConfig: manifest.object("tokenizer_config"),
    chat: manifest.optional("chat", (key) => parseChatFormat(manifest.object(key))) ?? NO_FORMAT,
    sampling: manifest.optional("sampling", (key) => readSamplingDefaults(manifest.object(key))) ?? {},
    eosTokenIds: manifest.integers("eos_token_ids", MAX_EOS_TOKENS, 0, vocabSize - 1),
    weights: { bytes, places: weights.optional("places", (key) => parsePlaces(weights, key)) ?? [""], shards },
    tensors,
    embedding: manifest.optional("embedding", (key) => readEmbeddingFacts(manifest.object(key))),
    probe: manifest.optional("probe", (key) => parseProbe(manifest.object(key), vocabSize)),
    vision: manifest.optional("vision", (key) => {
      const facts = manifest.object(key);
      return { facts, tower: parsePart(facts, "a tower, which sees nothing by another one") };
    }),
    audio: manifest.optional("audio", (key) => {
      const facts = manifest.object(key);
      return { facts, conformer: parsePart(facts, "a part that hears, which has no parts of its own") };
    }),
  };
}

/** The manifest of what sees or hears. wanted: what it must be, which has no such part itself. */
function parsePart(fields: Fields, wanted: string): Manifest {
  const part = fields.object("model");
  if (part.has("vision") || part.has("audio")) throw fields.wrong("model", wanted);
  return parseManifest(fields.raw("model"));
}

/** Of these a load reads one, for what computes. */
export function librariesOf({ library, cpu }: Manifest): readonly FileEntry[] {
  return cpu === undefined ? [library] : [library, cpu.plain, cpu.relaxed];
}

/** These every load reads. */
export function filesOfLoad({ tokenizer, weights }: Manifest): readonly FileEntry[] {
  return [tokenizer, ...weights.shards];
}

/** All files that the manifest names. */
export function manifestFiles(manifest: Manifest): readonly FileEntry[] {
  const { grammar, vision, audio } = manifest;
  const parts = [vision?.tower, audio?.conformer].flatMap((part) => (part === undefined ? [] : manifestFiles(part)));
  return [...librariesOf(manifest), ...filesOfLoad(manifest), grammar, ...parts];
}
