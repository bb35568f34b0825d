/** Rejects with the signal's reason, whatever it is. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const settled = new AbortController(); // takes the listener back
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true, signal: settled.signal });
  });
  work.catch(() => undefined); // unseen where the signal came first
  return Promise.race([work, aborted]).finally(() => settled.abort());
}
