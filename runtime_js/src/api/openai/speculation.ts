/** Reads what a request says of guesses at its answer. */

import type { Fields } from "../../support/fields.ts";
import { present } from "../../support/fields.ts";
import type { GuessRequest } from "../../engine/speculation.ts";
import { MAX_NAME, parseContent } from "./messages.ts";

export const SPECULATIONS = ["auto", "off"] as const;
export const SPECULATION_FIELDS = ["speculation", "draft"] as const;

/** `prediction` is in requests of chats alone. */
export function readGuesses(request: Fields): GuessRequest | undefined {
  const speculation = request.optional("speculation", (key) => request.oneOf(key, SPECULATIONS));
  const draft = request.optional("draft", (key) => request.string(key, MAX_NAME));
  const prediction = request.optional("prediction", (key) => {
    const given = request.object(key);
    given.oneOf("type", ["content"]);
    given.onlyKeys(["type", "content"]);
    return parseContent(given);
  });
  const guesses: GuessRequest = present({ isOff: speculation === "off" ? true : undefined, draft, prediction });
  return Object.keys(guesses).length === 0 ? undefined : guesses;
}
