/** Both models in one engine: one writes, the other makes vectors. */

import { createEngine, modelIds, ModelType, prebuiltAppConfig, type EngineTypes, type ModelRecord, type WorkerEngine } from "rag-models";
import type { Message, Writer } from "./answer.ts";
import type { Devices } from "./devices.ts";
import type { Embedder } from "./library.ts";

/** Where vite.config.ts and the README have them. A CDN's address does, too, once the page's policy allows it (vite.config.ts). */
export const WEIGHTS = "weights/";

const MAX_ANSWER_TOKENS = 400;

function recordOf(id: string): ModelRecord | undefined {
  return prebuiltAppConfig.model_list.find(({ model_id }) => model_id === id);
}

function idOf(embeds: boolean): (typeof modelIds)[number] {
  const id = modelIds.find((name) => (recordOf(name)?.model_type === ModelType.embedding) === embeds);
  if (id === undefined) throw new TypeError(`The package rag-models has no model that ${embeds ? "makes vectors" : "writes"}: see README.md.`);
  return id;
}

export interface Models {
  readonly writer: Writer;
  readonly embedder: Embedder;
}

export async function loadModels(devices: Devices, progress: EngineTypes.InitProgressCallback): Promise<Models> {
  const [writes, embeds] = [idOf(false), idOf(true)];
  const engine = await createEngine(
    { model: [writes, embeds], weights: WEIGHTS, initProgressCallback: progress },
    [{ device: devices.writer }, { device: devices.embedder }]);
  return { writer: new EngineWriter(engine, writes), embedder: new EngineEmbedder(engine, embeds) };
}

class EngineWriter implements Writer {
  readonly #engine: WorkerEngine;
  readonly #model: string;
  readonly #context: number;
  readonly #answer: number;

  constructor(engine: WorkerEngine, model: string) {
    this.#engine = engine;
    this.#model = model;
    this.#context = recordOf(model)?.overrides?.context_window_size ?? 2048;
    this.#answer = Math.min(MAX_ANSWER_TOKENS, this.#context >> 2);
  }

  async fits(messages: readonly Message[]): Promise<boolean> {
    return await this.#engine.countTokens(messages, this.#model) + this.#answer <= this.#context;
  }

  async* write(messages: readonly Message[], signal: AbortSignal): AsyncGenerator<string> {
    const stream = await this.#engine.chat.completions.create(
      { model: this.#model, messages, stream: true, max_tokens: this.#answer, temperature: 0, extra_body: { enable_thinking: false } },
      { signal });
    for await (const { choices } of stream) yield choices[0]?.delta.content ?? "";
  }
}

class EngineEmbedder implements Embedder {
  readonly model: string;
  readonly #engine: WorkerEngine;

  constructor(engine: WorkerEngine, model: string) {
    this.#engine = engine;
    this.model = model;
  }

  countTokens(texts: readonly string[]): Promise<readonly number[]> {
    return Promise.all(texts.map((text) => this.#engine.countTokens(text, this.model)));
  }

  async embed(texts: readonly string[], signal: AbortSignal): Promise<readonly Float32Array[]> {
    const { data } = await this.#engine.embeddings.create({ model: this.model, input: texts, encoding_format: "float" }, { signal });
    return data.map(({ embedding }) => Float32Array.from(embedding));
  }
}
