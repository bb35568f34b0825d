/** One picture after the other, those that are known from the album. */

import { keyOf, type Album } from "./album.ts";
import type { Describer } from "./engine.ts";

/** What is shown of a picture. */
export interface Card {
  readonly picture: File;
  say(text: string, state: "known" | "coming" | "failed"): void;
}

/** Rejects with AbortError where the signal ends it; a picture that cannot be read is told on its card, and the next one goes on. */
export async function describeAll(cards: readonly Card[], album: Album, model: Describer, signal: AbortSignal): Promise<void> {
  for (const { picture, say } of cards) {
    signal.throwIfAborted();
    try {
      const key = await keyOf(picture);
      const known = await album.get(key);
      const text = known ?? await model.describe(picture, (said) => say(said, "coming"), signal);
      if (known === undefined) await album.put(key, text);
      say(text, "known");
    } catch (error) {
      if (signal.aborted) throw error;
      say((error instanceof Error ? error.message : String(error)).replace(/^messages\S*: /, ""), "failed"); // where it was in the request is nothing to visitors
    }
  }
}
