/** Which of this package's models a record of WebLLM's means. */

import type { ModelRecord as OwnRecord } from "../api/types.ts";
import { ModelType } from "./constants.ts";
import { NamedError } from "./errors.ts";
import type { AppConfig, ModelRecord } from "./types.ts";

/** The models of this package, under all of their ids. Programs may change it, as they do WebLLM's. */
export const prebuiltAppConfig: AppConfig = { model_list: [], cacheBackend: "cache" };

const packaged = new Map<string, OwnRecord>();
/** Tokens that a conversation may have at most, by manifests. */
const windows = new Map<string, number>();
/** What the builder made the package of. */
const references: string[] = [];
/** The manifests of models whose weights the package lacks, and nobody has told it where they are. */
const weightless = new Set<string>();

/** A model of a package. */
export interface PackagedFacts {
  readonly record: OwnRecord;
  /** For people. */
  readonly name: string;
  /** What a first load fetches. */
  readonly downloadBytes: number;
  /** What it takes on the GPU, with a conversation of 4096 tokens. */
  readonly memoryBytes: number;
  /** Tokens that a conversation may have. */
  readonly contextLength: number;
  /** The name of one of its files. */
  readonly library: string;
  readonly embeds: boolean;
  /** Whether it takes pictures. */
  readonly sees: boolean;
  /** Whether it takes sounds. */
  readonly hears: boolean;
  /** Other names that mean it. */
  readonly aliases: readonly string[];
  /** What the builder would make it of, where that is no file of its own machine. */
  readonly reference: string | null;
}

type PackagedRecord = ModelRecord & OwnRecord & { readonly reference?: string | null };

/** WebLLM's record of a model of the package. An import may not fail where addresses are no URLs: on Turbopack's servers they begin with "/". */
export function packagedRecord({ record, memoryBytes, contextLength, library, embeds, sees, aliases, reference }: PackagedFacts): PackagedRecord {
  return {
    ...record, model: record.manifest.replace(/[^/]*$/, ""), model_lib: record.files?.[library] ?? "",
    model_type: embeds ? ModelType.embedding : sees ? ModelType.VLM : ModelType.LLM, overrides: { context_window_size: contextLength },
    vram_required_MB: Math.round(memoryBytes / 1e4) / 100, aliases, reference,
  };
}

/** Tells this entry what the package holds. An id of one model that is another name of another one means the first. */
export function addPackagedModels(records: readonly PackagedRecord[], asksForWeights = false): void {
  if (asksForWeights) for (const { manifest } of records) weightless.add(manifest);
  const ids = new Set(records.map(({ model_id }) => model_id));
  for (const { aliases = [], reference, ...record } of records) {
    if (!packaged.has(record.model_id)) references.push(reference ?? "...");
    if (record.overrides?.context_window_size !== undefined) windows.set(record.manifest, record.overrides.context_window_size);
    for (const id of [record.model_id, ...aliases.filter((name) => !ids.has(name))]) {
      if (packaged.has(id)) continue;
      packaged.set(id, own(record, record.manifest));
      prebuiltAppConfig.model_list.push({ ...record, model_id: id });
    }
  }
}

function own({ model_id, manifest_sha256, files, weights }: ModelRecord, manifest: string): OwnRecord {
  return { model_id, manifest, manifest_sha256, files, weights };
}

/** The owner and name of a repository on the Hub: "https://huggingface.co/mlc-ai/NAME/resolve/main/" is mlc-ai/NAME's. */
function repository(address: unknown): [string | undefined, string] {
  const parts = typeof address === "string" ? address.replace(/[/]resolve[/].*$/, "").replace(/[/]+$/, "").split("/") : [];
  return [/^https?:[/][/]huggingface[.]co[/]/.test(String(address)) ? parts.at(-2) : undefined, parts.at(-1) ?? ""];
}

/** An address: what WebLLM's interface calls by names alone. It says of each model what it is, which no folder's name tells. */
const PATH = /^([./~\\]|[a-z][a-z0-9+.-]*:)|[.]json$/i;
const FROM_FOLDER = "What was built is loaded from its folder or its manifest's address by new Engine() and reload(), which this package exports, too; or here by a record of "
  + 'appConfig: { model_id: "...", manifest: "the path or URL of its manifest" }.';

/** Raises a ModelNotFoundError. */
export function findRecord(modelId: string, { model_list }: AppConfig): ModelRecord {
  const record = model_list.find(({ model_id }) => model_id === modelId);
  if (record !== undefined) return record;
  const howTo = PATH.test(modelId) ? FROM_FOLDER : howToMake(modelId);
  const known = model_list.map(({ model_id }) => model_id).join(", ") || "none";
  throw new NamedError("ModelNotFoundError",
    `Cannot find model record in appConfig for ${modelId}. Please check if the model ID is correct and included in the model_list configuration. `
      + `It has: ${known}. ${howTo}`, "ModelNotFound");
}

/** Where the files of a record lie, under the record's own id. Raises a ModelNotFoundError. */
export function locate(record: ModelRecord): OwnRecord {
  const { model_id, manifest } = record;
  if (manifest !== undefined) return own(record, manifest);
  const [owner, name] = repository(record.model);
  const found = packaged.get(model_id) ?? packaged.get(name);
  if (found !== undefined) return { ...found, model_id, weights: record.weights ?? found.weights };
  const reference = owner === undefined ? model_id : owner === "mlc-ai" ? name : `hf:${owner}/${name}`; // the builder knows WebLLM's names
  throw new NamedError("ModelNotFoundError", `This package has no model ${model_id}. ${howToMake(reference)}`, "ModelNotFound");
}

/** How long a conversation with the model may be, where that is known. */
export function longestOf({ manifest }: OwnRecord): number {
  return windows.get(manifest) ?? Infinity;
}

/** The same, to be loaded. Raises a NamedError where nobody knows where the weights are. */
export function locateToLoad(record: ModelRecord): OwnRecord {
  const found = locate(record);
  if (found.weights === undefined && weightless.has(found.manifest)) {
    throw new NamedError("MissingWeightsError", "This package holds no weights: add the URL of the folder that serves them to the records of appConfig, as in "
      + '{ model_list: prebuiltAppConfig.model_list.map((record) => ({ ...record, weights: "https://..." })) }.');
  }
  return found;
}

/** The command that makes this package with one more model. */
export function howToMake(model: string): string {
  const models = [...references, /^[\w.:@/-]+$/.test(model) ? model : "NAME"].map((name) => ` --model ${name}`);
  return `A package that has it is made by: webllm-build npm${models.join("")}`;
}
