/** What may come next is guessed, and guesses are checked by rows of one step. */

import { DraftModel } from "./draft_model.ts";
import type { DraftSource } from "./draft_source.ts";
import { draftsThatPay, type StepPace } from "./pace.ts";

export interface Draft {
  readonly tokens: readonly number[];
  /** How often a token of its source was right lately. */
  readonly acceptance: number;
}

/** Drafted tokens that were computed, and those of them that came. */
export interface DraftCounts {
  readonly drafted: number;
  readonly accepted: number;
}

export const NO_DRAFTS: DraftCounts = { drafted: 0, accepted: 0 };

/** What a request says of guesses. */
export interface GuessRequest {
  /** Nothing is guessed. */
  readonly isOff?: boolean | undefined;
  /** What the answer is expected to be, mostly. */
  readonly prediction?: string | undefined;
  /** The id of a loaded model that guesses, too. */
  readonly draft?: string | undefined;
}

/** So many guesses are remembered of each source; the first ones count more, as there are no others. */
const MEMORY = 16;
const FIRST_COUNT = 2;
const NO_DRAFT: Draft = { tokens: [], acceptance: 0 };

/** A source, and how good it is. Its first token is compared with what comes at every token, so that this costs no step. */
class Watched {
  acceptance: number;
  #count = FIRST_COUNT;
  #expected: number | undefined;

  constructor(readonly source: DraftSource) {
    this.acceptance = source.likely;
  }

  heard(tokens: readonly number[]): void {
    if (this.#expected !== undefined) {
      const isRight = this.#expected === tokens.at(-1);
      this.#count = Math.min(MEMORY, this.#count + 1);
      this.acceptance += (Number(isRight) - this.acceptance) / this.#count;
    }
    this.expect(tokens);
  }

  /** Notes what it says comes next. */
  expect(tokens: readonly number[]): void {
    [this.#expected] = this.source.propose(tokens, 1);
  }
}

/** The drafts of one answer. */
export class Speculation {
  readonly #sources: readonly Watched[];
  readonly #model: DraftModel | undefined;
  drafted = 0;
  accepted = 0;

  constructor(sources: readonly DraftSource[]) {
    this.#sources = sources.map((source) => new Watched(source));
    this.#model = sources.find((source) => source instanceof DraftModel);
  }

  /** How many tokens the draft model should be asked for behind these, where it is asked; 0: none. */
  wanted(tokens: readonly number[], choices: readonly number[], pace: StepPace): number {
    const model = this.#sources.find(({ source }) => source === this.#model);
    if (this.#model === undefined || model === undefined || !this.#model.isFree(tokens)) return 0;
    return draftsThatPay(choices, model.acceptance, this.#model.tokenMs, pace);
  }

  /** Asks the draft model. */
  async ask(tokens: readonly number[], count: number): Promise<void> {
    await this.#model?.ask(tokens, count);
    for (const source of this.#sources) source.expect(tokens);
  }

  /** A token came, the last of `tokens`. */
  heard(tokens: readonly number[]): void {
    for (const source of this.#sources) source.heard(tokens);
  }

  /** How often the best source was right lately, whether it has a draft now or not. */
  get promise(): number {
    return Math.max(0, ...this.#sources.map(({ acceptance }) => acceptance));
  }

  /** Of the sources that have one, the one that is right most often. */
  draft(tokens: readonly number[], most: number): Draft {
    return this.#sources.reduce((best, { source, acceptance }): Draft => {
      if (acceptance <= best.acceptance) return best;
      const proposed = source.propose(tokens, most);
      return proposed.length > 0 ? { tokens: proposed, acceptance } : best;
    }, NO_DRAFT);
  }
}
