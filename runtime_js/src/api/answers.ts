/** Begins the answers to a request, follows them, and hands on what a shape makes of them: whole, or in pieces. */

import type { AnswerEvent } from "../engine/answer.ts";
import { abortError } from "../support/abort.ts";
import { InternalError } from "../support/errors.ts";
import { PushStream } from "../support/stream.ts";
import type { BegunAnswer } from "./host.ts";
import { usage, type ResponseShape } from "./openai/response.ts";
import type { CompletionUsage } from "./openai/types.ts";

export type AnswerEnd = Extract<AnswerEvent, { type: "end" }>;

/** Sends a request to its model; rejects where it cannot be accepted, or as soon as its signal aborts. */
export type Begin = () => Promise<BegunAnswer>;

/** What is remembered of a model's latest answer. */
export interface LatestAnswer {
  readonly message: string;
  readonly usage: CompletionUsage | null;
}

/** The latest answer of each model; what came last comes last. */
export class LatestAnswers {
  readonly #answers = new Map<string, LatestAnswer>();

  /** Of a model, or of all. */
  get(modelId: string | undefined): LatestAnswer | undefined {
    return modelId === undefined ? [...this.#answers.values()].at(-1) : this.#answers.get(modelId);
  }

  set(modelId: string, answer: Partial<LatestAnswer>): void {
    const { message = "", usage = null } = { ...this.#answers.get(modelId), ...answer };
    this.#answers.delete(modelId);
    this.#answers.set(modelId, { message, usage });
  }

  /** Forgets the texts of a model, or of all. */
  forget(modelId: string | undefined, keepsStats: boolean): void {
    for (const [id, { usage }] of this.#answers) {
      if (id === (modelId ?? id)) this.#answers.set(id, { message: "", usage: keepsStats ? usage : null });
    }
  }
}

/** The answers to one request: to each of its prompts one or several, one prompt after the other. */
export class RequestAnswers {
  readonly #begun: readonly BegunAnswer[];
  readonly #choices: number;
  readonly #signal: AbortSignal | undefined;
  readonly #latest: LatestAnswers;

  /** `choices`: answers to each prompt. */
  private constructor(begun: readonly BegunAnswer[], choices: number, signal: AbortSignal | undefined, latest: LatestAnswers) {
    this.#begun = begun;
    this.#choices = choices;
    this.#signal = signal;
    this.#latest = latest;
  }

  /** Where one is refused, all are. */
  static async begin(begins: readonly Begin[], choices: number, signal: AbortSignal | undefined, latest: LatestAnswers): Promise<RequestAnswers> {
    if (signal?.aborted) throw abortError(signal, "The request was aborted before it began.");
    const begun = await Promise.allSettled(begins.map((begin) => begin()));
    const accepted = begun.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    for (const one of begun) {
      if (one.status === "fulfilled") continue;
      for (const { events } of accepted) void events.return();
      throw one.reason;
    }
    return new RequestAnswers(accepted, choices, signal, latest);
  }

  get modelId(): string {
    return this.#begun[0]?.modelId ?? "";
  }

  async whole<W, P>(shape: ResponseShape<W, P>): Promise<W> {
    return shape.whole(await this.#followAll((index, event) => void shape.take(index, event)));
  }

  /** Leaving the stream ends the answers. */
  pieces<W, P>(shape: ResponseShape<W, P>, includeUsage: boolean): AsyncIterableIterator<P> {
    const pieces = new PushStream<P>(() => this.#leave());
    this.#followAll((index, event) => { for (const piece of shape.take(index, event)) pieces.push(piece); }).then((used) => {
      if (includeUsage) pieces.push(shape.usage(used));
      pieces.end();
    }, (error: unknown) => pieces.fail(error));
    return pieces;
  }

  #leave(): void {
    for (const { events } of this.#begun) void events.return();
  }

  /** Takes all answers' events as they come, whoever reads what is made of them. */
  async #followAll(take: (index: number, event: AnswerEvent) => void): Promise<CompletionUsage> {
    try {
      const ends = await Promise.all(this.#begun.map((answer, i) => this.#follow(answer, (event) => take(i, event))));
      const used = usage(ends, this.#choices);
      this.#latest.set(this.modelId, { usage: used });
      return used;
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  /** Rejects at once when the signal aborts. */
  async #follow({ modelId, events }: BegunAnswer, take: (event: AnswerEvent) => void): Promise<AnswerEnd> {
    const stopListening = this.#signal && events.abortWith(this.#signal, "The request was aborted by its signal.");
    let [message, end]: [string, AnswerEnd | undefined] = ["", undefined];
    try {
      for await (const event of events) {
        if (event.type === "text") this.#latest.set(modelId, { message: message += event.text });
        if (event.type === "end") this.#latest.set(modelId, { message });
        take(event);
        if (event.type === "end") end = event;
      }
    } finally {
      stopListening?.();
    }
    if (end === undefined) throw new InternalError("The answer has no end.");
    return end;
  }
}
