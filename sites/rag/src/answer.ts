/** Answers a question from the passages that are nearest to it. */

import type { Found, Library } from "./library.ts";

export interface Message {
  readonly role: "system" | "user";
  readonly content: string;
}

/** Writes an answer, a piece at a time. */
export interface Writer {
  /** Whether the messages and an answer fit into the model's context. */
  fits(messages: readonly Message[]): Promise<boolean>;
  write(messages: readonly Message[], signal: AbortSignal): AsyncIterable<string>;
}

export interface Answer {
  /** As they are numbered in the answer, from 1 on. */
  readonly sources: readonly Found[];
  /** Null where the documents say nothing about the question: the sources are then the nearest that there are. */
  readonly text: AsyncIterable<string> | null;
}

export const MAX_QUESTION = 2000;
const SOURCES = 5;
/** Of the nearest, where none answers. */
const SHOWN = 2;
/** all-MiniLM-L6-v2 gives questions and their passages 0.28 and more, and questions about other things up to 0.2. */
const RELATED = 0.24;
/** Passages much less near than the best one distract a small model. */
const FAR = 0.25;

const SYSTEM = "You answer questions about the user's documents. Say only what stands in them, in one or two sentences, with the number of the source, as [1]. "
  + "If it does not stand in them, say: The documents do not say.";

/** Raises the signal's reason, or what the models do. */
export async function answer(question: string, library: Library, writer: Writer, signal: AbortSignal): Promise<Answer> {
  const found = await library.search(question, SOURCES, signal);
  const best = found[0]?.score ?? 0;
  if (best < RELATED) return { sources: found.slice(0, SHOWN), text: null };
  let sources = found.filter(({ score }) => score >= best - FAR);
  while (sources.length > 1 && !await writer.fits(messages(question, sources))) sources = sources.slice(0, -1);
  return { sources, text: writer.write(messages(question, sources), signal) };
}

function messages(question: string, sources: readonly Found[]): Message[] {
  const numbered = sources.map(({ passage: { heading }, text }, i) => `[${i + 1}] ${heading === null ? "" : `${heading}: `}${text}`);
  return [{ role: "system", content: SYSTEM }, { role: "user", content: `${numbered.join("\n\n")}\n\nQuestion: ${question}\nAnswer:` }];
}

/** The document's name, and the page or heading where the passage begins. */
export function placeOf({ document, passage: { page, heading } }: Found): string {
  return [document.name, page === null ? null : `page ${page}`, heading === "" ? null : heading].filter((part) => part !== null).join(", ");
}

/** A text cut at the numbers of its sources: those parts are numbers. */
export function cited(text: string, sources: number): (string | number)[] {
  return text.split(/(\[\d{1,2}\])/).filter((part) => part !== "").map((part) => {
    const number = /^\[(\d{1,2})\]$/.exec(part)?.[1];
    return number !== undefined && Number(number) >= 1 && Number(number) <= sources ? Number(number) : part;
  });
}
