/** What the build wrote into the page about this site and its models. */

import { MAX_SECONDS } from "../media/sound/samples.ts";
import { readSamplingDefaults, type SamplingDefaults } from "../storage/sampling_defaults.ts";
import { Fields } from "../support/fields.ts";
import type { SitePart } from "../support/site_parts.ts";
import { readSiteWords, type SiteWords } from "./site_words.ts";

/** What a model is good for beside conversation. */
const TRAITS = ["tools", "thinks", "code"] as const;
export type Trait = (typeof TRAITS)[number];

/** What a model can be told of its thoughts. */
export const THINKING_CONTROLS = ["switch", "effort", "budget"] as const;
export type ThinkingControl = (typeof THINKING_CONTROLS)[number];

/** A model of the site, as it is known before it is loaded. */
export interface SiteModel {
  readonly id: string;
  readonly name: string;
  readonly parameters: number;
  readonly license: string | undefined;
  readonly quantization: string;
  readonly contextLength: number;
  readonly sampling: SamplingDefaults;
  readonly thinking: readonly ThinkingControl[];
  readonly traits: readonly Trait[];
  /** Bytes of all that a first visit fetches. */
  readonly downloadBytes: number;
  /** Bytes that it takes on a GPU, with a usual conversation. */
  readonly memoryBytes: number;
  /** Whether it takes pictures. */
  readonly sees: boolean;
  /** Seconds of sound that it takes at a time; 0 where it does not hear. */
  readonly hears: number;
  /** Whether it also runs where there is no GPU. */
  readonly runsOnCpu: boolean;
  /** Absolute URL. */
  readonly manifest: string;
  readonly manifestSha256: string;
}

/** What the models do: answers in a conversation, or continues a text. */
const TASKS = ["chat", "complete"] as const;

/** A model behind a server that speaks OpenAI's API. */
export interface RemoteConfig {
  /** As of OpenAI's client. */
  readonly url: string;
  /** Of the server, as it is shown. */
  readonly host: string;
  readonly model: string;
  /** Absolute URL of the script that asks it. */
  readonly script: string;
}

export interface PageConfig {
  /** Digest of the page and its files: another one means another build. */
  readonly build: string;
  readonly task: (typeof TASKS)[number];
  /** At least one; the first is the one that a visitor is offered. */
  readonly models: readonly [SiteModel, ...SiteModel[]];
  /** Script of the engine's worker, relative to the page. */
  readonly worker: string;
  /** Absolute URLs of what the engine's worker loads when it needs it. */
  readonly parts: Readonly<Record<SitePart, string>>;
  readonly serviceWorker: string;
  /** Absolute URL of the script that lists chats. */
  readonly chats: string;
  /** Absolute URLs of the scripts that draw answers. */
  readonly late: Readonly<Record<"markdown" | "highlight" | "mathematics", string>>;
  /** Absolute URL of the script that shows what is stored. */
  readonly storage: string;
  /** Absolute URL of the script that reads and records sounds. */
  readonly sounds: string;
  /** Absolute URL of the script that answers requests to the site's `v1/`; undefined where nothing does. */
  readonly endpoint: string | undefined;
  /** Who may answer in the device's place, where the visitor lets it. */
  readonly remote: RemoteConfig | undefined;
  /** The language that the site speaks, whatever the browser's; undefined where it follows the visitor. */
  readonly language: string | undefined;
  /** Absolute URLs of the words of languages other than English. */
  readonly words: Readonly<Record<string, string>>;
  readonly site: SiteWords;
}

const MAX_MODELS = 100;
const MAX_TRAITS = 100;

/** Reads the JSON element `webllm-config`; throws where the page was not built with this script. */
export function readConfig(text: string, pageUrl: string): PageConfig {
  const fields = new Fields(JSON.parse(text), "webllm-config", (message) => new Error(message));
  const absolute = (key: string): string => new URL(fields.string(key, 2000), pageUrl).href;
  return {
    build: fields.string("build", 100),
    task: fields.oneOf("task", TASKS),
    models: readModels(fields, pageUrl),
    worker: fields.string("worker", 2000),
    parts: { structure: absolute("structure"), cpu: absolute("cpu"), tokenizer: absolute("tokenizer"), media: absolute("media") },
    serviceWorker: fields.string("service_worker", 2000),
    chats: absolute("chats"),
    late: { markdown: absolute("markdown"), highlight: absolute("highlight"), mathematics: absolute("mathematics") },
    storage: absolute("storage"),
    sounds: absolute("sounds"),
    endpoint: fields.optional("endpoint", absolute),
    remote: fields.optional("remote", (key) => {
      const remote = fields.object(key);
      const url = remote.string("url", 2000);
      return { url, host: new URL(url).host, model: remote.string("model", 1000), script: new URL(remote.string("script", 2000), pageUrl).href };
    }),
    language: fields.optional("language", (key) => fields.string(key, 100)),
    words: readAddresses(fields.object("words"), pageUrl),
    site: readSiteWords(fields.object("site")),
  };
}

function readAddresses(fields: Fields, pageUrl: string): Record<string, string> {
  return Object.fromEntries(fields.keys().map((key) => [key, new URL(fields.string(key, 2000), pageUrl).href]));
}

function readModels(fields: Fields, pageUrl: string): readonly [SiteModel, ...SiteModel[]] {
  const [first, ...others] = fields.objects("models", MAX_MODELS, (model): SiteModel => ({
    id: model.string("id", 1000),
    name: model.string("name", 1000),
    parameters: model.integer("parameters", 0, Number.MAX_SAFE_INTEGER),
    license: model.optional("license", (key) => model.string(key, 1000)),
    quantization: model.string("quantization", 1000),
    contextLength: model.integer("context_length", 1, Number.MAX_SAFE_INTEGER),
    sampling: readSamplingDefaults(model.object("sampling")),
    thinking: THINKING_CONTROLS.filter((control) => model.object("thinking").boolean(control)),
    traits: TRAITS.filter((trait) => model.array("traits", MAX_TRAITS, (value) => value).includes(trait)),
    downloadBytes: model.integer("download_bytes", 0, Number.MAX_SAFE_INTEGER),
    memoryBytes: model.integer("memory_bytes", 0, Number.MAX_SAFE_INTEGER),
    runsOnCpu: model.boolean("runs_on_cpu"),
    sees: model.boolean("sees"),
    hears: model.number("hears", 0, MAX_SECONDS),
    manifest: new URL(model.string("manifest", 2000), pageUrl).href,
    manifestSha256: model.string("manifest_sha256", 64),
  }));
  if (first === undefined) throw fields.wrong("models", "at least one model");
  return [first, ...others];
}
