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
  readonly #comesAgain: boolean;
  /** Tokens of the past that are still to come again. */
  #toCome: number;
  /** Whether the tokens of the past end the answer. */
  readonly isEnded: boolean;

  /** `comesAgain`: those of the past come by steps once more. */
  constructor(writer: AnswerWriter | Remembered, { journal, tokens }: Past, comesAgain: boolean) {
    this.#writer = writer;
    this.#journal = journal;
    this.#comesAgain = comesAgain;
    this.#toCome = comesAgain ? tokens.length : 0;
    this.#hasBegun = tokens.length > 0 && !comesAgain;
    if (this.#hasBegun) writer.begin();
    this.isEnded = this.#hasBegun && tokens.map((token) => writer.token(token)).includes(true);
  }

  begin(): void {
    if (!this.#hasBegun) this.#writer.begin();
  }

  token(token: number, logprobs?: TokenLogprobs): boolean {
    if (this.#toCome > 0) this.#toCome--;
    else this.#journal?.append(token);
    return this.#writer.token(token, logprobs);
  }

  end(reason: FinishReason, cached: number, drafts?: DraftCounts): void {
    void this.#journal?.remove();
    this.#writer.end(reason, cached, this.#comesAgain ? undefined : drafts); // what came again was no guess
  }

  fail(error: unknown): void {
    this.#journal?.close();
    this.#writer.fail(error);
  }
}
