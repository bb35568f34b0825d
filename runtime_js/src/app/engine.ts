/** The engine in its worker, as the chat uses it: start, answer, stop. */

import { WebWorkerMLCEngine } from "../transport/client.ts";
import { AbortError } from "../support/errors.ts";
import type { ChatCompletionMessageParam } from "../api/openai/types.ts";
import { deleteModelInCache, hasModelInCache } from "../api/cache.ts";
import type { AppConfig, InitProgressReport } from "../api/types.ts";
import type { PageConfig } from "../page/config.ts";
import type { Ending, Message } from "./conversation.ts";
import type { Settings } from "./settings.ts";

export interface Outcome {
  readonly ending: Ending;
  /** Tokens a second; undefined for an answer too short to measure. */
  readonly speed: number | undefined;
}

export class EngineHost {
  readonly #modelId: string;
  readonly #appConfig: AppConfig;
  readonly #workerUrl: string;
  #worker: Worker | undefined;
  #engine: WebWorkerMLCEngine | undefined;
  #cancelStart: (() => void) | undefined;

  constructor(config: PageConfig) {
    this.#modelId = config.model.id;
    this.#appConfig = { model_list: [{ model_id: config.model.id, manifest: config.manifest, manifest_sha256: config.manifestSha256 }] };
    this.#workerUrl = config.worker;
  }

  /** Whether the whole model is on this device. Storage that cannot be read counts as empty: the start then says what is wrong. */
  isStored(): Promise<boolean> {
    return hasModelInCache(this.#modelId, this.#appConfig).catch(() => false);
  }

  /** Delete the model from this device. */
  async forget(): Promise<void> {
    this.close();
    await deleteModelInCache(this.#modelId, this.#appConfig);
  }

  /** Start a fresh worker and load the model. Rejects with AbortError after `close`. contextLength: tokens. */
  async start(contextLength: number, onProgress: (report: InitProgressReport) => void): Promise<void> {
    this.close();
    this.#worker = new Worker(this.#workerUrl, { type: "module" });
    const engine = new WebWorkerMLCEngine(this.#worker, { appConfig: this.#appConfig, initProgressCallback: onProgress });
    const cancelled = new Promise<never>((_, reject) => {
      this.#cancelStart = () => reject(new AbortError("The start was cancelled."));
    });
    await Promise.race([engine.reload(this.#modelId, { context_window_size: contextLength }), cancelled]);
    this.#cancelStart = undefined;
    this.#engine = engine;
  }

  /** End the worker; with it the GPU's memory is free. What was downloaded stays. */
  close(): void {
    this.#cancelStart?.();
    this.#cancelStart = undefined;
    this.#engine = undefined;
    this.#worker?.terminate();
    this.#worker = undefined;
  }

  /** Stream the answer to `messages` into `onText`, which gets each new piece. */
  async answer(messages: readonly Message[], settings: Settings, onText: (text: string) => void): Promise<Outcome> {
    if (this.#engine === undefined) throw new Error("the engine is not started");
    const stream = await this.#engine.chat.completions.create({
      messages: toRequest(messages, settings.systemPrompt),
      stream: true,
      stream_options: { include_usage: true },
      temperature: settings.temperature,
      top_p: settings.topP,
      max_tokens: settings.maxTokens,
    });
    let ending: Ending = "stop";
    let speed: number | undefined;
    for await (const chunk of stream) {
      const choice = chunk.choices[0];
      if (choice?.delta.content !== undefined) onText(choice.delta.content);
      ending = choice?.finish_reason ?? ending;
      if (chunk.usage !== undefined && chunk.usage.completion_tokens > 1) speed = chunk.usage.extra.decode_tokens_per_s;
    }
    return { ending, speed };
  }

  /** End the running answer; `answer` then resolves with what there is. */
  async stop(): Promise<void> {
    await this.#engine?.interruptGenerate();
  }
}

function toRequest(messages: readonly Message[], systemPrompt: string): ChatCompletionMessageParam[] {
  const system: ChatCompletionMessageParam[] = systemPrompt.trim() === "" ? [] : [{ role: "system", content: systemPrompt }];
  return [...system, ...messages.map(({ role, text }) => ({ role, content: text }))];
}
