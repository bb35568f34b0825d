/** Answers whose tokens are wanted when they have ended. */

import type { TokenLogprobs } from "../executor/runner.ts";
import type { AnswerWriter } from "./answer.ts";
import type { FinishReason, GenerationListener } from "./generation.ts";
import type { DraftCounts } from "./speculation.ts";

export class Remembered implements GenerationListener {
  readonly #writer: AnswerWriter;
  readonly #remember: (tokens: readonly number[]) => void;
  readonly #tokens: number[] = [];

  constructor(writer: AnswerWriter, remember: (tokens: readonly number[]) => void) {
    this.#writer = writer;
    this.#remember = remember;
  }

  begin(): void {
    this.#writer.begin();
  }

  token(token: number, logprobs?: TokenLogprobs): boolean {
    this.#tokens.push(token);
    return this.#writer.token(token, logprobs);
  }

  end(reason: FinishReason, cached: number, drafts?: DraftCounts): void {
    this.#remember(this.#tokens);
    this.#writer.end(reason, cached, drafts);
  }

  fail(error: unknown): void {
    this.#writer.fail(error);
  }
}
