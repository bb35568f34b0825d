/** Waiting between attempts of a download. */

import { onAbort } from "../support/abort.ts";
import { AbortError } from "../support/errors.ts";

const OFFLINE_CHECK_MS = 1000;
/** A browser may think that it is offline and be wrong: then this long goes by between attempts. */
const OFFLINE_MOST_MS = 60_000;
/** No server makes us wait longer at a time. */
const RETRY_AFTER_MOST_MS = 120_000;

/** Raises AbortError once the signal is aborted. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (!signal.aborted) {
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        forget();
        resolve();
      };
      const timer = setTimeout(finish, milliseconds);
      const forget = onAbort(signal, finish);
    });
  }
  if (signal.aborted) throw new AbortError("The download was stopped.");
}

export function isOffline(): boolean {
  return typeof navigator !== "undefined" && navigator.onLine === false;
}

/** Waits until the browser sees a network. It asks: workers of some browsers get no "online" event. */
export async function untilOnline(signal: AbortSignal): Promise<void> {
  for (let waited = 0; isOffline() && waited < OFFLINE_MOST_MS; waited += OFFLINE_CHECK_MS) await pause(OFFLINE_CHECK_MS, signal);
}

/** Milliseconds that a `Retry-After` header asks for, as seconds or as a date; undefined where it asks for none, or cannot be read. */
export function retryAfter(header: string | null, now = Date.now()): number | undefined {
  if (header === null) return undefined;
  const wait = /^\s*\d+\s*$/.test(header) ? 1000 * Number(header) : Date.parse(header) - now;
  return wait > 0 ? Math.min(wait, RETRY_AFTER_MOST_MS) : undefined;
}
