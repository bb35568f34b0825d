/** Helpers for AbortSignals. AbortSignal.any is missing before Chrome 116, Firefox 124 and Safari 17.4. */

import { AbortError } from "./errors.ts";

/** What an aborted operation rejects with: the caller's own error where there is one (a timeout, say), else an AbortError. */
export function abortError(signal: AbortSignal, message: string): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error && reason.name !== "AbortError" ? reason : new AbortError(message, {}, reason);
}

/** A controller that aborts when the signal does, and may before. */
export function childController(signal: AbortSignal): AbortController {
  const child = new AbortController();
  if (signal.aborted) child.abort(signal.reason);
  else signal.addEventListener("abort", () => child.abort(signal.reason), { once: true, signal: child.signal });
  return child;
}

/** The outcome of `work`, or a rejection as soon as the signal aborts. `work` goes on then, and its outcome is dropped. */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined, message: string): Promise<T> {
  if (signal === undefined) return work;
  const settled = new AbortController(); // takes the listener back
  const aborted = new Promise<never>((_, reject) => {
    const abort = (): void => reject(abortError(signal, message));
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true, signal: settled.signal });
  });
  work.catch(() => undefined); // unseen where the signal came first
  try {
    return await Promise.race([aborted, work]);
  } finally {
    settled.abort();
  }
}
