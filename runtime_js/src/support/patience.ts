/**
 * Bounds waiting for what the browser owes: an adapter, a folder, a lock. It settles such a promise within moments, or has lost it: then it
 * never does, and says nothing.
 */

import { NoAnswerError } from "./errors.ts";

export const TICK_MS = 5000;
/** A minute: long for a busy machine, too. */
export const PATIENCE_TICKS = 12;

/** Calls `onTick` with how many ticks have passed, until what it returns is called. While a machine sleeps, none pass. In Node, a watch keeps no process. */
export function everyTick(onTick: (ticks: number) => void): () => void {
  let ticks = 0;
  const timer = setInterval(() => onTick(++ticks), TICK_MS);
  const handle: unknown = timer; // a number in browsers
  if (typeof handle === "object" && handle !== null && "unref" in handle && typeof handle.unref === "function") handle.unref();
  return () => clearInterval(timer);
}

/** A thread that stands still has time for one look, and hears what came meanwhile before the next. */
const LOOKS = 4;

/** The outcome of `work`; undefined where it comes later than after so many milliseconds, in which this thread could have heard of it. */
export async function inTime<T>(work: Promise<T>, milliseconds: number): Promise<T | undefined> {
  let looks = 0;
  let timer: ReturnType<typeof setInterval> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setInterval(() => { if (++looks === LOOKS) resolve(undefined); }, milliseconds / LOOKS);
  });
  work.catch(() => undefined); // unseen where it is late
  return Promise.race([work, late]).finally(() => clearInterval(timer));
}

export function noAnswer(what: string): NoAnswerError {
  return new NoAnswerError(`The browser does not answer: it was asked for ${what}, and has said nothing since. `
    + "Close other pages of this site and load this one again; if it stays, restart the browser.", { what });
}

/** The outcome of `work`; a late one is dropped. what: is asked for, as "its storage". Raises NoAnswerError where none comes. */
export async function owed<T>(what: string, work: Promise<T>): Promise<T> {
  let stop = (): void => undefined;
  const silence = new Promise<never>((_, reject) => {
    stop = everyTick((ticks) => { if (ticks === PATIENCE_TICKS) reject(noAnswer(what)); });
  });
  try {
    return await Promise.race([work, silence]);
  } finally {
    stop();
  }
}
