/** Answers that go on from their tokens, which become a part of the prompt; and those that are written to a journal while they come. */

import type { TokenLogprobs } from "../executor/runner.ts";
import type { Journal } from "../storage/journal.ts";
import type { AnswerWriter } from "./answer.ts";
import type { FinishReason, GenerationListener } from "./generation.ts";
import type { Remembered } from "./remembered.ts";
import type { DraftCounts } from "./speculation.ts";

/** The tokens that an answer has when it is opened, and the journal of those that follow; undefined where whoever asks remembers them. */
export interface Past {
  readonly journal: Journal | undefined;
  readonly tokens: readonly number[];
}

/** Gives the past's events again, and writes what comes to the journal before it hands it on: whatever was given out can be given again. */
export class Resumed implements GenerationListener {
  readonly #writer: AnswerWriter | Remembered;
  readonly #journal: Journal | undefined;
  readonly #hasBegun: boolean;
  /** Whether the tokens of the past end the answer. */
  readonly isEnded: boolean;

  constructor(writer: AnswerWriter | Remembered, { journal, tokens }: Past) {
    this.#writer = writer;
    this.#journal = journal;
    this.#hasBegun = tokens.length > 0;
    if (this.#hasBegun) writer.begin();
    this.isEnded = tokens.map((token) => writer.token(token)).includes(true);
  }

  begin(): void {
    if (!this.#hasBegun) this.#writer.begin();
  }

  token(token: number, logprobs?: TokenLogprobs): boolean {
    this.#journal?.append(token);
    return this.#writer.token(token, logprobs);
  }

  end(reason: FinishReason, cached: number, drafts?: DraftCounts): void {
    void this.#journal?.remove();
    this.#writer.end(reason, cached, drafts);
  }

  fail(error: unknown): void {
    this.#journal?.close();
    this.#writer.fail(error);
  }
}
