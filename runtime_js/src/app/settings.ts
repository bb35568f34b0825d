/** What the user can set, kept between visits. */

import { DEVICES, type Device } from "../executor/devices.ts";
import { CHAT_SAMPLING, SAMPLING_RANGES, type SamplingDefaults } from "../storage/sampling_defaults.ts";
import { Fields } from "../support/fields.ts";
import { MAX_VOCABULARY } from "../support/limits.generated.ts";
import type { SafeStorage } from "./safe_storage.ts";

export interface Settings {
  readonly systemPrompt: string;
  readonly temperature: number;
  readonly topP: number;
  /** 0 draws from all. */
  readonly topK: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly maxTokens: number;
  /** Tokens that one conversation may hold. */
  readonly contextLength: number;
  readonly device: Device;
  /** Who answers, where the site has a remote model: "auto" asks it while the model here is not ready. */
  readonly answers: Answers;
}

export const ANSWERS = ["auto", "device", "remote"] as const;
export type Answers = (typeof ANSWERS)[number];

const SMALLEST_CONTEXT = 1024;
const DEFAULT_CONTEXT = 4096;
const KEY = "webllm-build:settings";

/** What the model's makers recommend, and what suits most models where they say nothing. */
function defaultSettings(modelContext: number, sampling: SamplingDefaults): Settings {
  const { temperature = CHAT_SAMPLING.temperature, topP = CHAT_SAMPLING.topP, topK = 0, minP = 0, repetitionPenalty = 1 } = sampling;
  const contextLength = Math.min(DEFAULT_CONTEXT, modelContext);
  return { systemPrompt: "", temperature, topP, topK, minP, repetitionPenalty, maxTokens: 1024, contextLength, device: "auto", answers: "auto" };
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
        systemPrompt: fields.string("systemPrompt", 20000),
        temperature: fields.number("temperature", ...SAMPLING_RANGES.temperature),
        topP: fields.number("topP", ...SAMPLING_RANGES.topP),
        topK: fields.integer("topK", 0, MAX_VOCABULARY),
        minP: fields.number("minP", ...SAMPLING_RANGES.minP),
        repetitionPenalty: fields.number("repetitionPenalty", ...SAMPLING_RANGES.repetitionPenalty),
        maxTokens: fields.integer("maxTokens", 1, 131072),
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
