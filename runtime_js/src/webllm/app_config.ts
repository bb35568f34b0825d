/** Which of this package's models a record of WebLLM's means. */

import type { ModelRecord as OwnRecord } from "../api/types.ts";
import { ModelType } from "./constants.ts";
import { NamedError } from "./errors.ts";
import type { AppConfig, ModelRecord, PackagedModel } from "./types.ts";

/** The models of this package, under all of their ids. Programs may change it, as they do WebLLM's. */
export const prebuiltAppConfig: AppConfig = { model_list: [], cacheBackend: "cache" };

const packaged = new Map<string, OwnRecord>();

/** What WebLLM's records say of a model beside this engine's own: `library` is the name of one of its files. */
interface ModelFacts extends Required<Pick<PackagedModel, "aliases">> {
  readonly contextLength: number;
  readonly library: string;
  readonly embeds: boolean;
}

export function packagedRecord(record: OwnRecord, { contextLength, library, embeds, aliases }: ModelFacts): ModelRecord & OwnRecord {
  return {
    ...record, model: new URL("./", record.manifest).href, model_lib: record.files?.[library] ?? "",
    model_type: embeds ? ModelType.embedding : ModelType.LLM, overrides: { context_window_size: contextLength }, aliases,
  };
}

/** Tells this entry what the package holds; its files call it before anything else. */
export function addPackagedModels(records: readonly (ModelRecord & OwnRecord)[]): void {
  for (const { aliases = [], ...record } of records) {
    for (const id of [record.model_id, ...aliases]) {
      if (packaged.has(id)) continue;
      packaged.set(id, own(record, record.manifest));
      prebuiltAppConfig.model_list.push({ ...record, model_id: id });
    }
  }
}

function own({ model_id, manifest_sha256, files, weights }: ModelRecord, manifest: string): OwnRecord {
  return { model_id, manifest, manifest_sha256, files, weights };
}

/** The last part of a repository's address: "https://huggingface.co/mlc-ai/NAME/resolve/main/" is NAME's. */
function repositoryName(address: string): string {
  return address.replace(/[/]resolve[/].*$/, "").replace(/[/]+$/, "").split("/").at(-1) ?? "";
}

/** Raises a ModelNotFoundError. */
export function findRecord(modelId: string, { model_list }: AppConfig): ModelRecord {
  const record = model_list.find(({ model_id }) => model_id === modelId);
  if (record !== undefined) return record;
  const known = model_list.map(({ model_id }) => model_id).join(", ") || "none";
  throw new NamedError("ModelNotFoundError",
    `Cannot find model record in appConfig for ${modelId}. Its model_list has: ${known}. ${howToMake(modelId)}`, "ModelNotFound");
}

/** Where the files of a record lie, under the record's own id. Raises a ModelNotFoundError. */
export function locate(record: ModelRecord): OwnRecord {
  const { model_id, manifest } = record;
  if (manifest !== undefined) return own(record, manifest);
  const found = packaged.get(model_id) ?? packaged.get(repositoryName(record.model));
  if (found !== undefined) return { ...found, model_id };
  throw new NamedError("ModelNotFoundError", `This package has no model ${model_id}. ${howToMake(model_id)}`, "ModelNotFound");
}

function howToMake(modelId: string): string {
  return `A package that has it is made by: webllm-build npm --model ${/^[\w.:/-]+$/.test(modelId) ? modelId : "NAME"}`;
}
