/** What the user can set, kept between visits. */

import { Fields } from "../support/fields.ts";
import type { SafeStorage } from "./safe_storage.ts";

export interface Settings {
  readonly systemPrompt: string;
  readonly temperature: number;
  readonly topP: number;
  readonly maxTokens: number;
  /** Tokens that one conversation may hold. */
  readonly contextLength: number;
}

const SMALLEST_CONTEXT = 1024;
const DEFAULT_CONTEXT = 4096;
const KEY = "webllm-build:settings";

function defaultSettings(modelContext: number): Settings {
  return { systemPrompt: "", temperature: 0.7, topP: 0.95, maxTokens: 1024, contextLength: Math.min(DEFAULT_CONTEXT, modelContext) };
}

/** Powers of two up to the model's own length, which always is the last. */
export function contextChoices(modelContext: number): number[] {
  const choices: number[] = [];
  for (let length = SMALLEST_CONTEXT; length < modelContext; length *= 2) choices.push(length);
  return [...choices, modelContext];
}

export class SettingsStore {
  readonly #storage: SafeStorage;
  readonly #key: string;
  /** Tokens that the model can hold at most. */
  readonly modelContext: number;
  readonly defaults: Settings;

  /** modelId: settings belong to one model. */
  constructor(storage: SafeStorage, modelId: string, modelContext: number) {
    this.#storage = storage;
    this.#key = `${KEY}:${modelId}`;
    this.modelContext = modelContext;
    this.defaults = defaultSettings(modelContext);
  }

  /** What was stored; the defaults where nothing was, or something that does not fit. */
  load(): Settings {
    try {
      const fields = new Fields(JSON.parse(this.#storage.get(this.#key) ?? "null"), "settings", (message) => new Error(message));
      return {
        systemPrompt: fields.string("systemPrompt", 20000),
        temperature: fields.number("temperature", 0, 2),
        topP: fields.number("topP", 0.05, 1),
        maxTokens: fields.integer("maxTokens", 1, 131072),
        contextLength: fields.integer("contextLength", 1, this.modelContext),
      };
    } catch {
      return this.defaults;
    }
  }

  save(settings: Settings): void {
    this.#storage.set(this.#key, JSON.stringify(settings));
  }
}
