/** Helpers for AbortSignals. AbortSignal.any is missing before Chrome 116, Firefox 124 and Safari 17.4. */

import { AbortError } from "./errors.ts";

/** What an aborted operation rejects with: the caller's own error where there is one (a timeout, say), else an AbortError. */
export function abortError(signal: AbortSignal, message: string): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error && reason.name !== "AbortError" ? reason : new AbortError(message, {}, reason);
}

/** What is to be done when a signal aborts, behind one listener: Node warns of more than ten, and a request may have a hundred parts. */
class Acts extends Map<symbol, () => void> {
  handleEvent(): void {
    this.forEach((act) => act());
  }
}

const waiting = new WeakMap<AbortSignal, Acts>();

/** Calls `act`, which throws nothing, once the signal aborts; what is returned takes that back. Of a signal that is aborted nothing comes. */
export function onAbort(signal: AbortSignal, act: () => void): () => void {
  const acts = waiting.get(signal) ?? new Acts();
  const id = Symbol();
  waiting.set(signal, acts.set(id, act));
  signal.addEventListener("abort", acts, { once: true }); // which listens already where it waits for others
  return () => {
    acts.delete(id);
    if (acts.size === 0) signal.removeEventListener("abort", acts);
  };
}

/** A controller that aborts when the signal does, and may before. */
export function childController(signal: AbortSignal): AbortController {
  const child = new AbortController();
  if (signal.aborted) child.abort(signal.reason);
  else onAbort(child.signal, onAbort(signal, () => child.abort(signal.reason)));
  return child;
}

/**
 * Waits in a line, where whoever takes the first out hands it a value. Leaves the line, and rejects with `error`, once the signal aborts.
 */
export function inLine<T>(line: ((value: T) => void)[], signal: AbortSignal, error: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const take = (value: T): void => { settle(); resolve(value); };
    const settle = onAbort(signal, () => {
      line.splice(line.indexOf(take), 1);
      reject(error());
    });
    line.push(take);
  });
}

/** The outcome of `work`, or a rejection as soon as the signal aborts: without a message with its reason, whatever that is. `work` goes on then, and its outcome is dropped. */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined, message?: string): Promise<T> {
  if (signal === undefined) return work;
  let settle = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    const abort = (): void => reject(message === undefined ? signal.reason : abortError(signal, message));
    if (signal.aborted) abort();
    else settle = onAbort(signal, abort);
  });
  work.catch(() => undefined); // unseen where the signal came first
  try {
    return await Promise.race([aborted, work]);
  } finally {
    settle();
  }
}
