/** Browsers stop service workers that hear nothing for half a minute. */

export interface Beat {
  readonly kind: "keepAlive" | "heartbeat";
  readonly uuid: string;
}

export function isBeat(data: unknown, kind: Beat["kind"]): data is Beat {
  return typeof data === "object" && data !== null && "kind" in data && data.kind === kind && "uuid" in data;
}

/** Sends one every so many milliseconds. Returns what ends that. */
export function keepAlive(post: (beat: Beat) => void, everyMs: number): () => void {
  const timer = setInterval(() => post({ kind: "keepAlive", uuid: crypto.randomUUID() }), everyMs);
  return () => clearInterval(timer);
}
