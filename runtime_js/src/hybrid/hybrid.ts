/** One engine of two: the model on this device, and one behind a server. */

import type {
  ChatCompletion, ChatCompletionChunk, ChatCompletionRequest, ChatCompletionRequestNonStreaming, ChatCompletionRequestStreaming,
} from "../api/openai/types.ts";
import { abortable, childController } from "../support/abort.ts";
import { AbortError, MLCEngineError, NoAnswerError, RemoteError } from "../support/errors.ts";
import { log } from "../support/log.ts";
import { Answer } from "./answer.ts";
import { ABORTED, PATIENCE_MS, remotePieces } from "./remote.ts";
import type { Answered, HybridConfig, HybridOptions, HybridPolicy, LocalEngine, RemoteModel, Where } from "./types.ts";

type Pieces = AsyncGenerator<ChatCompletionChunk & Answered, void, void>;

export class HybridEngine {
  readonly chat: { readonly completions: { create: HybridEngine["create"] } };
  readonly #remote: RemoteModel;
  readonly #policy: HybridPolicy;
  readonly #local: Promise<LocalEngine>;
  #state: "loading" | "ready" | "failed" = "loading";
  #mayLeave: Promise<boolean> | undefined;
  /** When a server that has too much to do wants to be asked again, as performance.now() has it, and what it said. */
  #busy: { readonly until: number; readonly error: RemoteError } | undefined;

  constructor({ local, remote, policy = {} }: HybridConfig) {
    this.#remote = remote;
    this.#policy = policy;
    this.#local = Promise.resolve(local);
    if ("chat" in local) this.#state = "ready";
    this.#local.then(() => { this.#state = "ready"; }, (error: unknown) => {
      this.#state = "failed";
      log.warn(`The model on this device is not there: ${String(error)}`);
    });
    this.chat = { completions: { create: this.create.bind(this) } };
  }

  /** Whether a remote model may be asked, which somebody is asked once. */
  async #maySend(): Promise<boolean> {
    try {
      return await (this.#mayLeave ??= Promise.resolve(this.#policy.mayLeave?.() ?? true));
    } catch (error) {
      this.#mayLeave = undefined; // nobody has said anything
      throw new RemoteError(`Nothing may leave this device: it could not be asked whether it may (${String(error)}).`, {}, error);
    }
  }

  /** Whom to ask, one after the other. A server that wants no questions now gets none that the device can answer. */
  #order({ where, private: isPrivate = false }: HybridOptions): readonly Where[] {
    const { prefer = "device", whileLoading = "remote" } = this.#policy;
    if (isPrivate || where === "device") return ["device"];
    if (this.#state === "ready" && this.#rest > 0) return ["device", "remote"];
    if (where === "remote" || prefer === "remote" || (this.#state === "loading" && whileLoading === "remote")) return ["remote", "device"];
    return ["device", "remote"];
  }

  create(request: ChatCompletionRequestNonStreaming, options?: HybridOptions): Promise<ChatCompletion & Answered>;
  create(request: ChatCompletionRequestStreaming, options?: HybridOptions): Promise<AsyncIterableIterator<ChatCompletionChunk & Answered>>;
  create(
    request: ChatCompletionRequest, options?: HybridOptions,
  ): Promise<(ChatCompletion & Answered) | AsyncIterableIterator<ChatCompletionChunk & Answered>>;
  async create(
    request: ChatCompletionRequest, options: HybridOptions = {},
  ): Promise<(ChatCompletion & Answered) | AsyncIterableIterator<ChatCompletionChunk & Answered>> {
    const answer = new Answer();
    const pieces = this.#pieces(request, options, answer);
    if (request.stream !== true) {
      let answered_by: Where[] = [];
      for await (const piece of pieces) ({ answered_by } = piece);
      return { ...answer.whole(), answered_by };
    }
    // As of any engine, what is refused is refused before the stream is there.
    const first = await pieces.next();
    return behind(first, pieces);
  }

  /** answer: takes all of them. */
  async *#pieces(request: ChatCompletionRequest, options: HybridOptions, answer: Answer): Pieces {
    const wantsUsage = request.stream !== true || request.stream_options?.include_usage === true;
    const answered: Where[] = [];
    const order = this.#order(options);
    for (const [i, where] of order.entries()) {
      const isLast = i === order.length - 1;
      try {
        if (where === "remote" && !await this.#maySend()) throw new RemoteError("Nothing may leave this device.");
        const hadThought = answer.hasThought;
        for await (const piece of this.#ask(where, goingOn(request, answer), options, isLast)) {
          if (answered.at(-1) !== where) answered.push(where);
          const told = hadThought ? withoutThoughts(piece) : piece;
          answer.take(told);
          if (told.usage === undefined || wantsUsage) yield { ...told, answered_by: [...answered] };
        }
        return;
      } catch (error) {
        if (isLast || options.signal?.aborted === true || !mayPassOn(error, where, request, answer)) throw error;
        if (where === "device" || !canGoOn(request, answer)) {
          answer.clear();
          answered.length = 0;
        }
        log.warn(`${where === "remote" ? "The remote model" : "The model on this device"} gives way: ${String(error)}`);
      }
    }
  }

  /** Milliseconds for which the server wants no questions. */
  get #rest(): number {
    return Math.max(0, (this.#busy?.until ?? 0) - performance.now());
  }

  /** Asks again, once, where the server says when. */
  async *#askRemote(request: ChatCompletionRequest, signal: AbortSignal | undefined, isLast: boolean): AsyncGenerator<ChatCompletionChunk, void, void> {
    for (let isAgain = false; ; isAgain = true) {
      if (this.#busy !== undefined && this.#rest > 0 && !await this.#rested(this.#rest, signal, isLast)) throw this.#busy.error;
      try {
        return yield* remotePieces(this.#remote, request, signal);
      } catch (error) {
        const wait = error instanceof RemoteError ? error.details["retryAfterMs"] : undefined;
        if (!(error instanceof RemoteError) || typeof wait !== "number") throw error;
        this.#busy = { until: performance.now() + wait, error };
        if (isAgain) throw error;
      }
    }
  }

  /** Whether so much time is worth waiting for, and went by: the device does not answer before, and nobody loses patience. */
  async #rested(milliseconds: number, signal: AbortSignal | undefined, isLast: boolean): Promise<boolean> {
    if ((!isLast && this.#state === "ready") || milliseconds > (this.#remote.patience ?? PATIENCE_MS)) return false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const over = new Promise<boolean>((resolve) => { timer = setTimeout(resolve, milliseconds, true); });
    const isThere = isLast ? over : this.#local.then(() => false, () => over);
    return abortable(Promise.race([over, isThere]), signal, ABORTED).finally(() => clearTimeout(timer));
  }

  async *#ask(where: Where, request: ChatCompletionRequest, options: HybridOptions, isLast: boolean): AsyncGenerator<ChatCompletionChunk, void, void> {
    const signal = options.signal ?? undefined;
    if (where === "remote") return yield* this.#askRemote(request, signal, isLast);
    const limit = isLast ? undefined : this.#policy.firstTokenWithin;
    const controller = signal === undefined ? new AbortController() : childController(signal);
    const late = new NoAnswerError(`The model on this device gave no token in ${limit} ms.`);
    const timer = limit === undefined ? undefined : setTimeout(() => controller.abort(late), limit);
    try {
      const local = await this.#local;
      const asked: ChatCompletionRequestStreaming = { ...request, stream: true, stream_options: { include_usage: true } };
      for await (const piece of await local.chat.completions.create(asked, { signal: controller.signal, priority: options.priority })) {
        if (piece.choices.some(({ delta }) => Object.values(delta).some((part) => part !== "" && part !== "assistant"))) clearTimeout(timer);
        yield piece;
      }
    } finally {
      clearTimeout(timer);
      controller.abort(); // the caller's signal forgets it
    }
  }
}

async function* behind<T>(first: IteratorResult<T, void>, rest: AsyncGenerator<T, void, void>): AsyncGenerator<T, void, void> {
  try {
    if (first.done !== true) yield first.value;
    yield* rest;
  } finally {
    await rest.return();
  }
}

/** The request, which goes on with what there is of the answer. */
function goingOn(request: ChatCompletionRequest, { text, pieces }: Answer): ChatCompletionRequest {
  if (text === "") return request;
  const { max_tokens, max_completion_tokens } = request;
  const left = (most: number): number => Math.max(1, most - pieces);
  return {
    ...request, messages: [...request.messages, { role: "assistant", content: text }],
    ...(typeof max_tokens === "number" && { max_tokens: left(max_tokens) }),
    ...(typeof max_completion_tokens === "number" && { max_completion_tokens: left(max_completion_tokens) }),
  };
}

/** Whether another model can go on behind what there is: a form begins at an answer's beginning. */
function canGoOn({ response_format, tool_choice }: ChatCompletionRequest, answer: Answer): boolean {
  const hasForm = (response_format ?? undefined) !== undefined && response_format?.type !== "text";
  const mustCall = tool_choice === "required" || typeof tool_choice === "object" && tool_choice !== null;
  return answer.canGoOn && !(answer.hasBegun && (hasForm || mustCall));
}

function withoutThoughts(piece: ChatCompletionChunk): ChatCompletionChunk {
  return { ...piece, choices: piece.choices.map(({ delta: { reasoning_content: _, ...delta }, ...choice }) => ({ ...choice, delta })) };
}

/** Whether the other model may answer in the place of the one that failed: of what nobody has read yet it may begin anew. */
function mayPassOn(error: unknown, where: Where, request: ChatCompletionRequest, answer: Answer): boolean {
  if (where === "remote") return error instanceof RemoteError && (request.stream !== true || canGoOn(request, answer));
  if (error instanceof AbortError || (answer.hasBegun && request.stream === true)) return false; // a server does not go on with half an answer
  return !(error instanceof MLCEngineError && error.code === "RequestValidation");
}

/** An engine that answers on the device or by a remote model, as the policy and each request say. */
export function createHybrid(config: HybridConfig): HybridEngine {
  return new HybridEngine(config);
}
