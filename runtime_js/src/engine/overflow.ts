/** What to do with a prompt, or an answer, that is longer than the context window. */

import { PICTURE } from "../media/source.ts";
import { wholeLength } from "./whole_pictures.ts";

/**
 * "drop_oldest" leaves out whole turns from the oldest on, but no system message in front of them; of a text the oldest tokens but SINKS.
 * "truncate_middle" also keeps the first turn, and where that is not enough, as much of the longest messages' beginnings as of their ends; so it
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
  const most = starts.length - 1 - kept;
  let step = 2 ** Math.max(0, Math.floor(Math.log2(starts.length / PARTS)));
  for (let turns = 0; turns < most;) {
    while (turns + step > most) step >>= 1; // of the last ones as many stay as there is room for
    turns += step;
    yield [...messages.slice(0, starts[kept] ?? first), ...messages.slice(starts[kept + turns])];
  }
}

/** Stands where the middle of a message was. */
const GAP = "\n[…]\n";

/** What is cut: a message of the prompt, not the system's. */
interface Cuttable {
  readonly role: string;
  readonly content: string;
  readonly pictures?: readonly unknown[] | undefined;
}

/** The same messages with so many characters less in the middle of the longest, which become equally long; undefined where there are not so many. */
export function withoutMiddle<T extends Cuttable>(messages: readonly T[], characters: number): T[] | undefined {
  const lengths = messages.filter(({ role }) => role !== "system").map(({ content }) => content.length).sort((a, b) => b - a);
  let sum = -characters;
  for (const [i, length] of lengths.entries()) {
    sum += length - GAP.length;
    const kept = Math.floor(sum / (i + 1));
    if (kept < 2 || kept + GAP.length < (lengths[i + 1] ?? 0)) continue;
    return messages.map((message) => (message.role === "system" || message.content.length < length ? message : shorter(message, kept)));
  }
  return undefined;
}

/** A message with so many characters of its beginning and its end. */
function shorter<T extends Cuttable>(message: T, kept: number): T {
  const [head, tail] = [message.content.slice(0, kept >> 1), message.content.slice(-(kept >> 1))];
  // Neither half of a pair of surrogates.
  const content = head.replace(/[\ud800-\udbff]$/, "") + GAP + tail.replace(/^[\udc00-\udfff]/, "");
  const { pictures: all = [] } = message;
  const placesIn = (text: string): number => text.split(PICTURE).length - 1;
  const pictures = [...all.slice(0, placesIn(head)), ...all.slice(all.length - placesIn(tail))];
  return { ...message, content, ...(all.length > 0 && { pictures }) };
}

/** What is in the context of these tokens, which have come one after the other: each time that it was full the first SINKS stayed, and half a context. */
export function withoutOldest(tokens: readonly number[], contextLength: number): readonly number[] {
  let kept = tokens;
  while (kept.length > contextLength) {
    const begin = wholeLength(kept, SINKS); // no part of a picture stays
    let end = SINKS + contextLength + 1 - (contextLength >> 1);
    while ((kept[end] ?? 0) < 0) end++;
    kept = [...kept.slice(0, begin), ...kept.slice(end)];
  }
  return kept;
}

/** Tokens of a text, at most `most` of them. */
export function cut(tokens: readonly number[], overflow: Overflow, most: number): readonly number[] {
  if (tokens.length <= most || overflow === "error") return tokens;
  const head = overflow === "truncate_middle" ? most >> 1 : Math.min(SINKS, most >> 1);
  const step = overflow === "truncate_middle" ? 1 : Math.max(1, Math.floor(most / PARTS));
  const from = Math.min(tokens.length - 1, head + Math.ceil((tokens.length - most) / step) * step);
  return [...tokens.slice(0, head), ...tokens.slice(from)];
}
