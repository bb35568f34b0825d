import { childController } from "../../support/abort.ts";

/** Rejects with the signal's reason, whatever it is. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const child = childController(signal);
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    child.signal.addEventListener("abort", () => reject(child.signal.reason), { once: true });
  });
  work.catch(() => undefined); // unseen where the signal came first
  return Promise.race([work, aborted]);
}
