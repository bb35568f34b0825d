/** What to do with a prompt, or an answer, that is longer than the context window. */

import { PICTURE } from "../media/source.ts";

/**
 * "drop_oldest" leaves out whole turns from the oldest on, but no system message in front of them; of a text the oldest tokens but SINKS.
 * "truncate_middle" also keeps the first turn, and where that is not enough, as much of the longest message's beginning as of its end; so it
 * does of a text.
 */
export const OVERFLOWS = ["error", "drop_oldest", "truncate_middle"] as const;
export type Overflow = (typeof OVERFLOWS)[number];

/** Tokens at the beginning that always stay: attention rests on them, whatever they are (StreamingLLM, arXiv 2309.17453). */
export const SINKS = 4;
/** What is left out grows in steps of such a part, so that the next turns find their beginning in the cache. */
const PARTS = 4;

/** Tokens that a prompt is brought down to, so that there is room for an answer. */
export function roomForPrompt(contextLength: number, maxTokens: number): number {
  return Math.max(1, contextLength - Math.min(maxTokens, contextLength >> 2));
}

/** The same messages with ever more turns left out, to the last turn alone. A turn begins with a user's message. */
export function* shortened<T extends { readonly role: string }>(
  messages: readonly T[], overflow: Overflow,
): Generator<T[], void, undefined> {
  const starts = messages.flatMap(({ role }, i) => (role === "user" ? [i] : []));
  const [first] = starts;
  if (first === undefined || overflow === "error") return;
  const kept = overflow === "truncate_middle" ? 1 : 0;
  const step = 2 ** Math.max(0, Math.floor(Math.log2(starts.length / PARTS)));
  for (let turns = step; kept + turns < starts.length + step - 1; turns += step) {
    const from = starts[Math.min(kept + turns, starts.length - 1)];
    yield [...messages.slice(0, starts[kept] ?? first), ...messages.slice(from)];
  }
}

/** Stands where the middle of a message was. */
const GAP = "\n[…]\n";

/** The same messages with so many characters less in the middle of the longest; undefined where there are not so many. */
export function withoutMiddle<T extends { readonly role: string; readonly content: string; readonly pictures?: readonly unknown[] | undefined }>(
  messages: readonly T[], characters: number,
): T[] | undefined {
  const others = messages.filter(({ role }) => role !== "system");
  const [longest] = others.toSorted((a, b) => b.content.length - a.content.length);
  const kept = (longest?.content.length ?? 0) - characters - GAP.length;
  if (longest === undefined || kept < 2) return undefined;
  const [head, tail] = [longest.content.slice(0, kept >> 1), longest.content.slice(-(kept >> 1))];
  // Neither half of a pair of surrogates.
  const content = head.replace(/[\ud800-\udbff]$/, "") + GAP + tail.replace(/^[\udc00-\udfff]/, "");
  const { pictures: all = [] } = longest;
  const placesIn = (text: string): number => text.split(PICTURE).length - 1;
  const pictures = [...all.slice(0, placesIn(head)), ...all.slice(all.length - placesIn(tail))];
  return messages.map((message) => (message === longest ? { ...message, content, ...(all.length > 0 && { pictures }) } : message));
}

/** Tokens of a text, at most `most` of them. */
export function cut(tokens: readonly number[], overflow: Overflow, most: number): readonly number[] {
  if (tokens.length <= most || overflow === "error") return tokens;
  const head = overflow === "truncate_middle" ? most >> 1 : Math.min(SINKS, most >> 1);
  const step = overflow === "truncate_middle" ? 1 : Math.max(1, Math.floor(most / PARTS));
  const from = Math.min(tokens.length - 1, head + Math.ceil((tokens.length - most) / step) * step);
  return [...tokens.slice(0, head), ...tokens.slice(from)];
}
