/** Reads the engine's options and finds the model that an id or a URL means. */

import { InternalError, ModelNotFoundError, RequestValidationError } from "../support/errors.ts";
import { Fields, present } from "../support/fields.ts";
import { LOG_LEVELS, type LogLevel } from "../support/log.ts";
import { platform } from "../support/platform.ts";
import { NEUTRAL_APP_CONFIG, NEUTRAL_CHAT_OPTIONS, refuseUnsupported } from "./openai/neutral.ts";
import type { RequestOptions } from "./openai/types.ts";
import type { ModelChoice } from "../engine/choice.ts";
import { VISIONS, type VisionLoad } from "../engine/vision_load.ts";
import { MAX_PRIORITY } from "../engine/queue.ts";
import { CALIBRATIONS } from "../executor/calibration.ts";
import { DEVICES, type Device } from "../executor/devices.ts";
import type { AppConfig, ChatOptions, MLCEngineConfig, ModelRecord, ModelSource } from "./types.ts";

/** Also of a model's id, which may be one. */
export const MAX_URL = 8192;
const MAX_MODELS = 4096;
const MAX_FILES = 4096;
const MAX_CONTEXT = 1 << 24;
const MAX_VARIANT = 64;

const IN_REQUESTS = "give it with each request";
const CHAT_OPTIONS_INSTEAD = { temperature: IN_REQUESTS, top_p: IN_REQUESTS };
const MANIFEST = "give `manifest`, the URL of the manifest that webllm-build wrote";
/** Of WebLLM's records of models. */
const RECORD_INSTEAD = { model: MANIFEST, model_url: MANIFEST, model_lib: MANIFEST, overrides: "give chatOpts to reload()" };

/** The fields of a source; the record may have `more`. */
function parseSource(record: Fields, ...more: string[]): ModelSource {
  refuseUnsupported(record, [...more, "manifest", "manifest_sha256", "files", "weights"], {}, RECORD_INSTEAD);
  const sha256 = record.optional("manifest_sha256", (key) => record.string(key, 64));
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256)) throw record.wrong("manifest_sha256", "64 lower-case hex digits");
  const files = record.optional("files", (key) => {
    const entries = record.object(key);
    if (entries.keys().length > MAX_FILES) throw record.wrong(key, `an object of at most ${MAX_FILES} entries`);
    return Object.fromEntries(entries.keys().map((name) => [name, entries.string(name, MAX_URL)]));
  });
  const weights = record.optional("weights", (key) => record.string(key, MAX_URL));
  return {
    manifest: record.string("manifest", MAX_URL),
    ...(sha256 !== undefined && { manifest_sha256: sha256 }),
    ...(files !== undefined && { files }),
    ...(weights !== undefined && { weights }),
  };
}

function parseModelRecord(record: Fields): ModelRecord {
  return { model_id: record.string("model_id", MAX_URL), ...parseSource(record, "model_id") };
}

/** A model to load, as it travels to a worker. */
export function parseModelChoice(choice: Fields): ModelChoice {
  return {
    modelId: choice.string("modelId", MAX_URL),
    source: parseSource(choice.object("source")),
    contextLength: choice.optional("contextLength", (key) => choice.integer(key, 1, MAX_CONTEXT)),
    device: choice.optional("device", (key) => choice.oneOf(key, DEVICES)),
    variant: choice.optional("variant", (key) => choice.string(key, MAX_VARIANT)),
    calibrate: choice.optional("calibrate", (key) => choice.oneOf(key, CALIBRATIONS)),
    ...present({ vision: choice.optional("vision", (key) => choice.oneOf(key, VISIONS)) }),
    memoryLimit: choice.optional("memoryLimit", (key) => choice.number(key, 0, Number.MAX_SAFE_INTEGER)),
  };
}

/** Unknown keys are errors here as everywhere: an option that is ignored misleads. */
function configuration(value: unknown, path: string): Fields {
  return new Fields(value, path, (message, param) => new RequestValidationError(
    `Invalid configuration: ${message}.`, param === undefined || param === "" ? {} : { param }));
}

function readAppConfig(config: Fields): AppConfig {
  refuseUnsupported(config, ["model_list"], NEUTRAL_APP_CONFIG);
  return { model_list: config.objects("model_list", MAX_MODELS, parseModelRecord) };
}

export function parseAppConfig(value: unknown): AppConfig {
  return readAppConfig(configuration(value, "appConfig"));
}

/** What is plain data of an engine's configuration. */
export type EngineSettings = Pick<MLCEngineConfig, "appConfig" | "logLevel" | "device" | "variant" | "calibrate" | "memoryLimit">;

export function parseEngineConfig(value: unknown): EngineSettings {
  const config = configuration(value ?? {}, "engineConfig");
  config.onlyKeys(["appConfig", "initProgressCallback", "deviceLostCallback", "logLevel", "device", "variant", "calibrate", "memoryLimit", "logitProcessorRegistry"]);
  if (config.has("logitProcessorRegistry") && !(config.raw("logitProcessorRegistry") instanceof Map)) {
    throw config.wrong("logitProcessorRegistry", "a Map of LogitProcessors by model id");
  }
  for (const key of ["initProgressCallback", "deviceLostCallback"]) {
    if (config.has(key) && typeof config.raw(key) !== "function") throw config.wrong(key, "a function");
  }
  return {
    appConfig: config.optional("appConfig", (key) => readAppConfig(config.object(key))),
    logLevel: config.optional("logLevel", (key) => config.oneOf(key, LOG_LEVELS)),
    device: config.optional("device", (key) => config.oneOf(key, DEVICES)),
    variant: config.optional("variant", (key) => config.string(key, MAX_VARIANT)),
    calibrate: config.optional("calibrate", (key) => config.oneOf(key, CALIBRATIONS)),
    memoryLimit: config.optional("memoryLimit", (key) => config.number(key, 0, Number.MAX_SAFE_INTEGER)),
  };
}

/** The id of a model or a session, where one is given. Raises RequestValidationError. */
export function parseId(value: unknown, name: string): string | undefined {
  const fields = new Fields({ [name]: value }, "", (message) => new RequestValidationError(`${message}.`, { param: name }));
  return fields.optional(name, (key) => fields.string(key, MAX_URL));
}

/** Raises RequestValidationError. */
export function parseLogLevel(value: unknown): LogLevel {
  return configuration({ logLevel: value }, "").oneOf("logLevel", LOG_LEVELS);
}

/** An AbortSignal of any window. */
function isSignal(value: unknown): value is AbortSignal {
  return typeof value === "object" && value !== null && "aborted" in value && "addEventListener" in value;
}

export function parseRequestOptions(value: unknown): RequestOptions {
  const options = configuration(value ?? {}, "options");
  options.onlyKeys(["signal", "priority"]);
  const signal = options.raw("signal") ?? undefined;
  if (signal !== undefined && !isSignal(signal)) throw options.wrong("signal", "an AbortSignal");
  return { signal, priority: options.optional("priority", (key) => options.integer(key, 0, MAX_PRIORITY)) };
}

/** What `reload` asks for. Raises ModelNotFoundError or RequestValidationError. */
export function chooseModels(
  modelId: string | readonly string[], chatOpts: ChatOptions | readonly ChatOptions[] | null | undefined, appConfig: AppConfig | undefined,
  { device, variant, calibrate, memoryLimit }: EngineSettings,
): ModelChoice[] {
  const ids = listOf(modelId);
  const options = chatOpts === undefined || chatOpts === null ? [] : listOf(chatOpts);
  if (ids.length === 0 || ids.length > MAX_MODELS) throw new RequestValidationError(`modelId is a list of ${ids.length} models.`, { param: "modelId" });
  const twice = ids.find((id, i) => ids.indexOf(id) < i);
  if (twice !== undefined) throw new RequestValidationError(`modelId names "${twice}" twice.`, { param: "modelId" });
  if (options.length > 0 && options.length !== ids.length) {
    throw new RequestValidationError(`chatOpts has ${options.length} entries for ${ids.length} models: give one for each.`, { param: "chatOpts" });
  }
  return ids.map((id, i) => {
    const { model_id, ...source } = resolveModel(id, appConfig);
    return { modelId: model_id, source, device, variant, calibrate, memoryLimit, ...readChatOptions(options[i]) };
  });
}

/** The same of one model, which may be given by its record. */
export function chooseModel(
  model: string | ModelRecord, chatOpts: ChatOptions | null | undefined, appConfig: AppConfig | undefined, settings: EngineSettings,
): ModelChoice {
  const record = typeof model === "string" ? undefined : parseModelRecord(configuration(model, "model"));
  const [choice] = record === undefined ? chooseModels([String(model)], chatOpts, appConfig, settings)
    : chooseModels([record.model_id], chatOpts, { model_list: [record] }, settings);
  if (choice === undefined) throw new InternalError("a model is none");
  return choice;
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}

/** One thing, or a list of them, as a list. */
export function listOf<T>(value: T | readonly T[]): readonly T[] {
  return isList(value) ? value : [value];
}

/** What they ask for of a model. */
function readChatOptions(value: unknown): { readonly contextLength: number | undefined; readonly device?: Device; readonly vision?: VisionLoad } {
  const options = configuration(value ?? {}, "chatOpts");
  refuseUnsupported(options, ["context_window_size", "device", "vision"], NEUTRAL_CHAT_OPTIONS, CHAT_OPTIONS_INSTEAD);
  const device = options.optional("device", (key) => options.oneOf(key, DEVICES));
  const vision = options.optional("vision", (key) => options.oneOf(key, VISIONS));
  return {
    contextLength: options.optional("context_window_size", (key) => options.integer(key, 1, MAX_CONTEXT)), ...(device !== undefined && { device }),
    ...(vision !== undefined && { vision }),
  };
}

/** The address that relative URLs are resolved against: the folder's that a program runs in, the page's, or the worker's own script, which may come from memory. */
export function baseUrl(): string {
  return platform()?.base() ?? (typeof document === "undefined" ? globalThis.location.href.replace(/^blob:/, "") : document.baseURI);
}

/** `more`: further schemes that will do. */
function absolute(url: string, what: string, ...more: readonly string[]): string {
  let resolved: URL | null = null;
  try {
    resolved = new URL(url, baseUrl());
  } catch {
    // reported below
  }
  // The page's own scheme may be an application's, as `tauri:` or `app:`. What lies on disk cannot be fetched by a page.
  const schemes = ["http:", "https:", new URL(baseUrl()).protocol, ...more].filter((scheme) => platform() !== undefined || scheme !== "file:");
  if (resolved === null || !(schemes.includes(resolved.protocol) || /^[a-z-]+-extension:$/.test(resolved.protocol))) {
    throw new ModelNotFoundError(`${what} is not a URL that can be fetched: ${url}`, { url });
  }
  return resolved.href;
}

/** The absolute URL of a folder, with the "/" at its end that file names are resolved against. */
function folderUrl(url: string, what: string): string {
  const resolved = new URL(absolute(url, what));
  if (resolved.search !== "" || resolved.hash !== "") {
    throw new ModelNotFoundError(`${what} must be a folder's, without query or fragment: ${url}`, { url });
  }
  return resolved.href.replace(/[/]*$/, "/");
}

/** What is meant by a name that is in no list: the URL of a manifest or, outside of browsers, also a folder. */
function unlisted(modelId: string): ModelRecord | undefined {
  const local = platform()?.locate(modelId);
  if (local !== undefined) return { model_id: modelId, ...local };
  return /[/]|[.]json(?:[.]txt)?$/.test(modelId) ? { model_id: modelId, manifest: modelId } : undefined;
}

/** The record of a model, with absolute URLs. `modelId` is an id of the list or as `unlisted` says. */
export function resolveModel(modelId: string, appConfig: AppConfig | undefined): ModelRecord {
  if (typeof modelId !== "string") throw new RequestValidationError("modelId must be a string, or a list of strings.", { param: "modelId" });
  const list = appConfig?.model_list ?? [];
  const record = list.find((candidate) => candidate.model_id === modelId) ?? unlisted(modelId);
  if (record === undefined) {
    const known = list.length === 0 ? "appConfig.model_list is empty" : `known ids: ${list.map((item) => item.model_id).join(", ")}`;
    throw new ModelNotFoundError(`No model is called "${modelId}" (${known}). Give an id of the list or a manifest's URL.`, { modelId });
  }
  // Bundlers write small files into the script.
  const files = record.files === undefined ? undefined
    : Object.fromEntries(Object.entries(record.files).map(([name, url]) => [name, absolute(url, `The URL of ${name}`, "data:")]));
  const weights = record.weights === undefined ? undefined : folderUrl(record.weights, "The weights' address");
  return {
    ...record, manifest: absolute(record.manifest, "The manifest's address"),
    ...(files !== undefined && { files }), ...(weights !== undefined && { weights }),
  };
}
