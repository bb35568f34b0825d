/** A tokenizer.json's patterns, and what becomes of a text that they cut: NormalizedString.split of the tokenizers library. */

import { isRecord } from "../../support/fields.ts";
import { literal } from "./pattern_sets.ts";
import { expressionOf } from "./patterns.ts";

export type Behavior = "Removed" | "Isolated" | "MergedWithPrevious" | "MergedWithNext" | "Contiguous";
const BEHAVIORS: readonly Behavior[] = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"];

export function behaviorOf(value: unknown): Behavior {
  const found = BEHAVIORS.find((behavior) => behavior === value || behavior.toLowerCase() === value);
  if (found === undefined) throw new Error(`a split has no behavior ${String(value)}`);
  return found;
}

/** `{String: text}`, which is looked for as it is, or `{Regex: pattern}`. */
export function patternOf(value: unknown): RegExp {
  const [text, pattern] = isRecord(value) ? [value["String"], value["Regex"]] : [value, undefined];
  if (typeof text === "string") return text === "" ? /(?!)/gu : new RegExp([...text].map(literal).join(""), "gv");
  if (typeof pattern === "string") return expressionOf(pattern);
  throw new Error("a pattern is neither String nor Regex");
}

/** Whether what lies before a cut and what lies behind it stay together. */
const JOINS: Readonly<Record<Behavior, (before: boolean, behind: boolean) => boolean>> = {
  Removed: () => false, Isolated: () => false, Contiguous: (before, behind) => before === behind,
  MergedWithPrevious: (before, behind) => behind && !before, MergedWithNext: (before, behind) => before && !behind,
};

/** The pieces of a text in order. Where its beginning is removed the first is empty. */
export function splitBy(text: string, pattern: RegExp, behavior: Behavior, isInverted = false): string[] {
  const joins = JOINS[behavior];
  const pieces: string[] = [];
  let [start, end, isMatch] = [0, 0, false]; // of the piece that the next may join
  const close = (): void => {
    if (behavior !== "Removed" || !isMatch) pieces.push(text.slice(start, end));
    else if (start === 0) pieces.push("");
  };
  const add = (until: number, isNext: boolean): void => {
    if (end > 0 && !joins(isMatch, isNext)) {
      close();
      start = end;
    }
    [end, isMatch] = [until, isNext];
  };
  pattern.lastIndex = 0;
  for (let found = pattern.exec(text); found !== null; found = pattern.exec(text)) {
    const { index, 0: { length } } = found;
    if (index > end) add(index, isInverted);
    if (length > 0) add(index + length, !isInverted);
    else pattern.lastIndex += (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
  }
  if (end < text.length) add(text.length, isInverted);
  if (end > 0) close();
  return pieces;
}
