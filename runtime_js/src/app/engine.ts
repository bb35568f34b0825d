/** The engine in its worker, as the page uses it: start, answer, end. */

import type { AnswerEvent, AnswerRequest, Prompt } from "../engine/answer.ts";
import { waitingToBegin, type InitProgressReport } from "../engine/progress.ts";
import type { PageConfig, SiteModel } from "../page/config.ts";
import type { Preflight } from "../engine/preflight.ts";
import { findPreflight } from "../page/preflight.ts";
import type { WorkerScript } from "../page/worker-script.ts";
import { markInUse } from "../storage/in_use.ts";
import { PICTURE, withoutPictures, type MediaInput } from "../media/source.ts";
import type { ModelSource } from "../storage/source.ts";
import { deleteStored, isStored } from "../storage/stored.ts";
import { AbortError, RequestValidationError, type MLCEngineError } from "../support/errors.ts";
import { everyTick, inTime } from "../support/patience.ts";
import { workerName } from "../support/site_parts.ts";
import type { PushStream } from "../support/stream.ts";
import type { ChatMessage } from "../tokenizer/conversation.ts";
import { RemoteHost } from "../transport/remote_host.ts";
import { altOf } from "../view/media.ts";
import { isSound, type Ending, type MediaFile, type Turn } from "../view/message.ts";
import { requestOf, variablesOf } from "./request.ts";
import type { Settings } from "./settings.ts";

/** A grammar takes a slow device some seconds, in which the engine says nothing. */
const ALIVE_MS = 30_000;
/** Of what is asked aside. */
const ASIDE_TOKENS = 32;

export interface Outcome {
  readonly ending: Ending;
  /** Tokens a second; undefined for an answer too short to measure. */
  readonly speed: number | undefined;
  /** Of the prompt and the answer; undefined where nobody counted them. */
  readonly tokens?: number | undefined;
}

/** The settings that an engine is started with: another one of these needs another engine. */
type StartSettings = Pick<Settings, "contextLength" | "device">;

function filesOf({ manifest, manifestSha256 }: SiteModel): ModelSource {
  return { manifest, manifest_sha256: manifestSha256 };
}

/** Whether all of the model is on this device. Storage that cannot be read counts as empty: the start then says what is wrong. */
export function isHere(model: SiteModel): Promise<boolean> {
  return isStored(filesOf(model)).catch(() => false);
}

export class EngineHost {
  readonly #model: SiteModel;
  readonly #source: ModelSource;
  readonly #script: WorkerScript;
  readonly #parts: PageConfig["parts"];
  /** The name of a worker for these: tabs of one build that want the same share its models. */
  readonly #nameFor: (started: StartSettings) => string;
  readonly #onLost: (error: MLCEngineError) => void;
  readonly #onSense: (report: InitProgressReport) => void;
  #engine: RemoteHost | undefined;
  #started: StartSettings | undefined;
  #life = new AbortController();
  /** Files that the model could not take, of which it is told from then on: a chat may come from anywhere. */
  readonly #unread = new WeakSet<Blob>();

  /** onLost: the GPU went away while nothing was asked. onSense: what sees pictures, or hears sounds, is loaded, with the first of them. */
  constructor(
    config: PageConfig, script: WorkerScript, model: SiteModel, onLost: (error: MLCEngineError) => void, onSense: (report: InitProgressReport) => void,
  ) {
    [this.#onLost, this.#onSense] = [onLost, onSense];
    this.#model = model;
    this.#source = filesOf(model);
    this.#script = script;
    this.#parts = config.parts;
    this.#nameFor = (started) => workerName(config.parts, JSON.stringify([config.worker, this.#source, started]));
  }

  /** Whether an engine runs that was started with these. */
  runsWith({ contextLength, device }: StartSettings): boolean {
    return this.#started?.contextLength === contextLength && this.#started.device === device;
  }

  isStored(): Promise<boolean> {
    return isHere(this.#model);
  }

  /** What the model would be like here. See `findPreflight`. */
  preflight({ contextLength, device }: StartSettings, signal: AbortSignal): Promise<Preflight> {
    return findPreflight(this.#script, this.#parts, { modelId: this.#model.id, source: this.#source, contextLength, device }, signal);
  }

  /** Delete the model from this device. */
  async forget(): Promise<void> {
    this.close();
    await deleteStored(this.#source);
  }

  /** Start a fresh worker and load the model. Rejects with AbortError after `close`. */
  async start({ contextLength, device }: StartSettings, onProgress: (report: InitProgressReport) => void): Promise<void> {
    this.close();
    const { signal } = (this.#life = new AbortController());
    const closed = new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(new AbortError("The start was cancelled."))));
    const stopWaiting = everyTick(() => onProgress(waitingToBegin({ kind: "script", text: "Waiting for the engine's script" })));
    const startWorker = await Promise.race([this.#script.load(), closed]).finally(stopWaiting);
    const engine = this.#engine = new RemoteHost(startWorker(this.#nameFor({ contextLength, device })), { progress: (report) => (report.sense === undefined ? onProgress : this.#onSense)(report), deviceLost: this.#onLost });
    await engine.load({ choices: [{ modelId: this.#model.id, source: this.#source, contextLength, device, vision: "lazy" }], keepsOthers: false });
    markInUse(this.#source.manifest, signal);
    this.#started = { contextLength, device };
  }

  /** End the worker; with it the GPU's memory is free, and what waits is rejected with AbortError. What was downloaded stays. */
  close(): void {
    this.#life.abort();
    this.#engine?.terminate();
    this.#engine = undefined;
    this.#started = undefined;
  }

  /** The model, where it is ready to be asked; undefined where it is not. */
  get ready(): RemoteHost | undefined {
    return this.#started === undefined ? undefined : this.#engine;
  }

  /** Whether the engine still answers: a system that ran short of memory may have ended it while the page was asleep. */
  async isAlive(): Promise<boolean> {
    const answer = this.#engine?.loadedModels().then(() => true, () => false);
    return answer !== undefined && (await inTime(answer, ALIVE_MS) ?? false);
  }

  /** Stream the answer to `turns` into `onPiece`, which gets each new piece. Rejects with AbortError when `signal` says so. */
  async chat(turns: readonly Turn[], settings: Settings, signal: AbortSignal, onPiece: (piece: Piece) => void): Promise<Outcome> {
    const conversation = { messages: this.#messagesOf(turns, settings), variables: variablesOf(settings) };
    try {
      return await this.#answer({ kind: "chat", conversation }, settings, signal, onPiece);
    } catch (error) {
      const sources = conversation.messages.flatMap(({ pictures = [] }) => pictures);
      const unread = sources.find(({ path }) => error instanceof RequestValidationError && path === error.param);
      if (unread?.data instanceof Blob) this.#unread.add(unread.data);
      throw error;
    }
  }

  /** As `chat`, of what nobody waits for: a line without thoughts, behind all that is asked meanwhile. */
  aside(turns: readonly Turn[], settings: Settings, signal: AbortSignal, onPiece: (piece: Piece) => void): Promise<Outcome> {
    const conversation = { messages: this.#messagesOf(turns, settings), variables: variablesOf({ ...settings, thinking: "off" }) };
    return this.#ask({ prompt: { kind: "chat", conversation }, maxTokens: ASIDE_TOKENS, stop: [], sampling: { temperature: 0 }, priority: 0 }, signal, onPiece);
  }

  /** Stream what follows on `prompt` into `onText`, as `chat` does. */
  complete(prompt: string, settings: Settings, signal: AbortSignal, onText: (text: string) => void): Promise<Outcome> {
    return this.#answer({ kind: "text", text: prompt }, settings, signal, ({ text }) => onText(text));
  }

  /** Of what a model does not see or hear it is told what stands for it. */
  #messagesOf(turns: readonly Turn[], { systemPrompt }: Settings): ChatMessage[] {
    const system: ChatMessage[] = systemPrompt.trim() === "" ? [] : [{ role: "system", content: withoutPictures(systemPrompt) }];
    const isTaken = (file: MediaFile): boolean => (isSound(file) ? this.#model.hears > 0 : this.#model.sees) && !this.#unread.has(file.data);
    return [...system, ...turns.map(({ role, text, media = [] }): ChatMessage => {
      const taken = media.filter(isTaken);
      const told = media.filter((file) => !isTaken(file)).map((file) => `[${withoutPictures(altOf(file))}]\n`).join("");
      const content = PICTURE.repeat(taken.length) + told + withoutPictures(text);
      return { role, content, ...(taken.length > 0 && { pictures: taken.map(sourceOf) }) };
    })];
  }

  #answer(prompt: Prompt, settings: Settings, signal: AbortSignal, onPiece: (piece: Piece) => void): Promise<Outcome> {
    return this.#ask({ prompt, tellsCalls: true, ...requestOf(settings) }, signal, onPiece);
  }

  async #ask(request: AnswerRequest, signal: AbortSignal, onPiece: (piece: Piece) => void): Promise<Outcome> {
    if (this.#engine === undefined) throw new AbortError("The engine was ended.");
    const { events } = await this.#engine.begin({ request, model: undefined }, signal);
    return follow(events, signal, onPiece);
  }
}

/** Of an answer, of what the model thinks before it, and of a call of a tool: one with a name begins. */
export interface Piece {
  readonly text: string;
  readonly thought: string;
  readonly call?: { readonly name?: string; readonly arguments: string };
}

async function follow(events: PushStream<AnswerEvent>, signal: AbortSignal, onPiece: (piece: Piece) => void): Promise<Outcome> {
  events.abortWith(signal, "The answer was stopped.");
  let outcome: Outcome = { ending: "stop", speed: undefined };
  for await (const event of events) {
    if (event.type === "text") onPiece({ text: event.text, thought: "" });
    if (event.type === "reasoning") onPiece({ text: "", thought: event.text });
    if (event.type === "toolCall") onPiece({ text: "", thought: "", call: { name: event.name, arguments: "" } });
    if (event.type === "toolArguments") onPiece({ text: "", thought: "", call: { arguments: event.text } });
    if (event.type !== "end") continue;
    const { finishReason, tokens: { prompt, completion }, times: { decode } } = event;
    const ending = finishReason === "tool_calls" ? "stop" : finishReason;
    outcome = { ending, speed: completion > 1 && decode > 0 ? 1000 * (completion - 1) / decode : undefined, tokens: prompt + completion }; // the first comes from the prefill
  }
  return outcome;
}

/** As the engine takes it. */
function sourceOf(file: MediaFile): MediaInput {
  const { name, data } = file;
  return { ...(isSound(file) && { kind: "sound" as const }), data, path: name.slice(0, 200) };
}
