/** What the user can set, kept between visits. */

import { OVERFLOWS, type Overflow } from "../engine/overflow.ts";
import { DEVICES, type Device } from "../executor/devices.ts";
import { CHAT_SAMPLING, SAMPLING_RANGES, type SamplingDefaults } from "../storage/sampling_defaults.ts";
import { Fields } from "../support/fields.ts";
import { MAX_VOCABULARY } from "../support/limits.generated.ts";
import type { SafeStorage } from "./safe_storage.ts";

/** Of one chat. */
export interface ChatSettings {
  readonly systemPrompt: string;
  readonly temperature: number;
  readonly topP: number;
  /** 0 draws from all. */
  readonly topK: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly frequencyPenalty: number;
  readonly presencePenalty: number;
  /** Undefined: a new one for each answer. */
  readonly seed: number | undefined;
  /** The answer ends before the first of these. */
  readonly stop: readonly string[];
  readonly ignoreEnd: boolean;
  readonly thinking: (typeof THINKING)[number];
  readonly effort: (typeof EFFORTS)[number];
  /** Tokens that a thought may have; undefined: without a limit. */
  readonly thinkingBudget: number | undefined;
  readonly form: (typeof FORMS)[number];
  /** JSON Schema, as it was written: of the form "schema". */
  readonly schema: string;
  readonly maxTokens: number;
  /** What is done where the context is too short: "error" asks the visitor. */
  readonly overflow: Overflow;
}

export interface Settings extends ChatSettings {
  /** Tokens that one conversation may hold. */
  readonly contextLength: number;
  readonly device: Device;
  /** Who answers, where the site has a remote model: "auto" asks it while the model here is not ready. */
  readonly answers: Answers;
}

export const ANSWERS = ["auto", "device", "remote"] as const;
export type Answers = (typeof ANSWERS)[number];
/** "auto": as the model does unasked. */
export const THINKING = ["auto", "on", "off"] as const;
export const EFFORTS = ["auto", "low", "medium", "high"] as const;
export const FORMS = ["text", "json", "schema"] as const;

export const MAX_STOPS = 16;
const MAX_STOP = 1000;
const MAX_PROMPT = 20000;
const MAX_SCHEMA = 100_000;
const MAX_ANSWER = 131072;
const PENALTIES = [-2, 2] as const;

const SMALLEST_CONTEXT = 1024;
const DEFAULT_CONTEXT = 4096;
const KEY = "webllm-build:settings";

const PLAIN = {
  frequencyPenalty: 0, presencePenalty: 0, seed: undefined, stop: [], ignoreEnd: false, thinking: "auto", effort: "auto", thinkingBudget: undefined,
  form: "text", schema: "", overflow: "error",
} as const;

/** What the model's makers recommend, and what suits most models where they say nothing. */
function defaultSettings(modelContext: number, sampling: SamplingDefaults): Settings {
  const { temperature = CHAT_SAMPLING.temperature, topP = CHAT_SAMPLING.topP, topK = 0, minP = 0, repetitionPenalty = 1 } = sampling;
  const contextLength = Math.min(DEFAULT_CONTEXT, modelContext);
  return { ...PLAIN, systemPrompt: "", temperature, topP, topK, minP, repetitionPenalty, maxTokens: 1024, contextLength, device: "auto", answers: "auto" };
}

/** Settings of a chat, out of storage or of a file. Throws where something does not fit. */
export function readChatSettings(fields: Fields): ChatSettings {
  const among = <const T extends string>(key: string, choices: readonly T[]): T | undefined => fields.optional(key, () => fields.oneOf(key, choices));
  const penalty = (key: string): number => fields.optional(key, () => fields.number(key, ...PENALTIES)) ?? 0;
  return {
    systemPrompt: fields.string("systemPrompt", MAX_PROMPT),
    temperature: fields.number("temperature", ...SAMPLING_RANGES.temperature),
    topP: fields.number("topP", ...SAMPLING_RANGES.topP),
    topK: fields.integer("topK", 0, MAX_VOCABULARY),
    minP: fields.number("minP", ...SAMPLING_RANGES.minP),
    repetitionPenalty: fields.number("repetitionPenalty", ...SAMPLING_RANGES.repetitionPenalty),
    frequencyPenalty: penalty("frequencyPenalty"),
    presencePenalty: penalty("presencePenalty"),
    seed: fields.optional("seed", (key) => fields.integer(key, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)),
    stop: fields.optional("stop", (key) => fields.array(key, MAX_STOPS, (text, path) => new Fields({ text }, path, fields.fail).string("text", MAX_STOP))) ?? [],
    ignoreEnd: fields.optional("ignoreEnd", (key) => fields.boolean(key)) ?? false,
    thinking: among("thinking", THINKING) ?? "auto",
    effort: among("effort", EFFORTS) ?? "auto",
    thinkingBudget: fields.optional("thinkingBudget", (key) => fields.integer(key, 0, MAX_ANSWER)),
    form: among("form", FORMS) ?? "text",
    schema: fields.optional("schema", (key) => fields.string(key, MAX_SCHEMA)) ?? "",
    maxTokens: fields.integer("maxTokens", 1, MAX_ANSWER),
    overflow: among("overflow", OVERFLOWS) ?? "error",
  };
}

/** Powers of two up to the model's own length, which always is the last. */
export function contextChoices(modelContext: number): number[] {
  const choices: number[] = [];
  for (let length = SMALLEST_CONTEXT; length < modelContext; length *= 2) choices.push(length);
  return [...choices, modelContext];
}

/** What computes, where the page's address says it: `?device=cpu`. */
export function deviceOf(search: string): Partial<Pick<Settings, "device">> {
  const asked = new URLSearchParams(search).get("device");
  const device = DEVICES.find((one) => one === asked);
  return device === undefined ? {} : { device };
}

export class SettingsStore {
  readonly #storage: SafeStorage;
  readonly #key: string;
  /** Tokens that the model can hold at most. */
  readonly modelContext: number;
  readonly defaults: Settings;

  /** modelId: settings belong to one model. systemPrompt: the site's. */
  constructor(storage: SafeStorage, modelId: string, modelContext: number, sampling: SamplingDefaults, systemPrompt = "") {
    this.#storage = storage;
    this.#key = `${KEY}:${modelId}`;
    this.modelContext = modelContext;
    this.defaults = { ...defaultSettings(modelContext, sampling), systemPrompt };
  }

  /** What was stored; the defaults where nothing was, or something that does not fit. */
  load(): Settings {
    try {
      const fields = new Fields(JSON.parse(this.#storage.get(this.#key) ?? "null"), "settings", (message) => new Error(message));
      return {
        ...readChatSettings(fields),
        contextLength: fields.integer("contextLength", 1, this.modelContext),
        device: fields.oneOf("device", DEVICES),
        answers: fields.optional("answers", (key) => fields.oneOf(key, ANSWERS)) ?? "auto",
      };
    } catch {
      return this.defaults;
    }
  }

  save(settings: Settings): void {
    this.#storage.set(this.#key, JSON.stringify(settings));
  }
}
