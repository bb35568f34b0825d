/** The engine in its worker, as the page uses it: start, answer, end. */

import { deleteModelInCache, hasModelInCache } from "../api/cache.ts";
import type { ChatCompletionMessageParam, CompletionUsage } from "../api/openai/types.ts";
import type { AppConfig, InitProgressReport } from "../api/types.ts";
import type { PageConfig } from "../page/config.ts";
import { WorkerScript } from "../page/worker-script.ts";
import { waitingToBegin } from "../engine/progress.ts";
import { AbortError, type MLCEngineError } from "../support/errors.ts";
import { everyTick } from "../support/patience.ts";
import { WebWorkerMLCEngine } from "../transport/client.ts";
import type { Ending, Turn } from "./conversation.ts";
import type { Settings } from "./settings.ts";

const ALIVE_MS = 10_000;

export interface Outcome {
  readonly ending: Ending;
  /** Tokens a second; undefined for an answer too short to measure. */
  readonly speed: number | undefined;
}

export class EngineHost {
  readonly #modelId: string;
  readonly #appConfig: AppConfig;
  readonly #script: WorkerScript;
  readonly #onLost: (error: MLCEngineError) => void;
  #engine: WebWorkerMLCEngine | undefined;
  #contextLength: number | undefined;
  #life = new AbortController();

  /** onLost: the GPU went away while nothing was asked. */
  constructor(config: PageConfig, onLost: (error: MLCEngineError) => void) {
    this.#onLost = onLost;
    this.#modelId = config.model.id;
    this.#appConfig = { model_list: [{ model_id: config.model.id, manifest: config.manifest, manifest_sha256: config.manifestSha256 }] };
    this.#script = new WorkerScript(config.worker, config.structure);
  }

  /** Tokens that the running engine was started for; undefined where none runs. */
  get contextLength(): number | undefined {
    return this.#contextLength;
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
    const { signal } = (this.#life = new AbortController());
    const closed = new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(new AbortError("The start was cancelled."))));
    const stopWaiting = everyTick(() => onProgress(waitingToBegin("Waiting for the engine's script")));
    const startWorker = await Promise.race([this.#script.load(), closed]).finally(stopWaiting);
    const engine = new WebWorkerMLCEngine(startWorker(), {
      appConfig: this.#appConfig, initProgressCallback: onProgress, deviceLostCallback: this.#onLost,
    });
    this.#engine = engine;
    await engine.reload(this.#modelId, { context_window_size: contextLength });
    this.#contextLength = contextLength;
  }

  /** End the worker; with it the GPU's memory is free, and what waits is rejected with AbortError. What was downloaded stays. */
  close(): void {
    this.#life.abort();
    this.#engine?.terminate();
    this.#engine = undefined;
    this.#contextLength = undefined;
  }

  /** Whether the engine still answers: a system that ran short of memory may have ended it while the page was asleep. */
  async isAlive(): Promise<boolean> {
    const silence = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), ALIVE_MS));
    const answer = this.#engine?.getGPUVendor().then(() => true, () => false) ?? false;
    return Promise.race([answer, silence]);
  }

  /** Stream the answer to `turns` into `onPiece`, which gets each new piece. Rejects with AbortError when `signal` says so. */
  async chat(turns: readonly Turn[], settings: Settings, signal: AbortSignal, onPiece: (piece: Piece) => void): Promise<Outcome> {
    const stream = await this.#running().chat.completions.create(
      { messages: toMessages(turns, settings.systemPrompt), stream: true, stream_options: { include_usage: true }, ...sampling(settings) },
      { signal },
    );
    return follow(stream, ({ delta }) => onPiece({ text: delta.content ?? "", thought: delta.reasoning_content ?? "" }));
  }

  /** Stream what follows on `prompt` into `onText`, as `chat` does. */
  async complete(prompt: string, settings: Settings, signal: AbortSignal, onText: (text: string) => void): Promise<Outcome> {
    const stream = await this.#running().completions.create(
      { prompt, stream: true, stream_options: { include_usage: true }, ...sampling(settings) },
      { signal },
    );
    return follow(stream, ({ text }) => onText(text));
  }

  #running(): WebWorkerMLCEngine {
    if (this.#engine === undefined) throw new AbortError("The engine was ended.");
    return this.#engine;
  }
}

/** Of an answer, and of what the model thinks before it. */
export interface Piece {
  readonly text: string;
  readonly thought: string;
}

interface Chunk<Choice> {
  readonly choices: readonly Choice[];
  readonly usage?: CompletionUsage | undefined;
}

async function follow<Choice extends { readonly finish_reason: Ending | "tool_calls" | null }>(
  stream: AsyncIterable<Chunk<Choice>>, onChoice: (choice: Choice) => void,
): Promise<Outcome> {
  let ending: Ending = "stop";
  let speed: number | undefined;
  for await (const { choices: [choice], usage } of stream) {
    if (choice !== undefined) onChoice(choice);
    const reason: Ending | "tool_calls" = choice?.finish_reason ?? ending;
    ending = reason === "tool_calls" ? "stop" : reason;
    if (usage !== undefined && usage.completion_tokens > 1) speed = usage.extra.decode_tokens_per_s;
  }
  return { ending, speed };
}

function sampling({ temperature, topP, topK, minP, repetitionPenalty, maxTokens }: Settings): Readonly<Record<string, number>> {
  return { temperature, top_p: topP, top_k: topK, min_p: minP, repetition_penalty: repetitionPenalty, max_tokens: maxTokens };
}

function toMessages(turns: readonly Turn[], systemPrompt: string): ChatCompletionMessageParam[] {
  const system: ChatCompletionMessageParam[] = systemPrompt.trim() === "" ? [] : [{ role: "system", content: systemPrompt }];
  return [...system, ...turns.map(({ role, text }) => ({ role, content: text }))];
}
