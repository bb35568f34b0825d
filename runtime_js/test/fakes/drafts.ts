/** A source of drafts that knows what the fake runner says, and errs as often as it is told to. */

import type { DraftSource } from "../../src/engine/draft_source.ts";
import { VOCABULARY, nextToken } from "./runner.ts";

export class Oracle implements DraftSource {
  readonly likely = 0.99;

  /** `isWrong`: whether its guess of the token at a place is another one. */
  constructor(readonly isWrong: (place: number) => boolean = () => false, readonly next: (tokens: readonly number[]) => number = nextToken) {}

  propose(tokens: readonly number[], most: number): readonly number[] {
    const known = [...tokens];
    while (known.length < tokens.length + most) known.push((this.next(known) + Number(this.isWrong(known.length))) % VOCABULARY);
    return known.slice(tokens.length);
  }
}
