/** A chat's name, by the model itself, where that is quick: what was asked first names it until then, and where the model gives none. */

import type { Turn } from "../view/message.ts";
import type { Outcome, Piece } from "./engine.ts";

/** Smaller models give names that say less than the question. */
const LEAST_PARAMETERS = 5e8;
/** Tokens a second. */
const LEAST_SPEED = 15;
const MOST_LETTERS = 60;
const MOST_WORDS = 10;

/** Whether a model that has answered so may be asked for a name. */
export function givesNames(parameters: number, { ending, speed }: Outcome): boolean {
  return parameters >= LEAST_PARAMETERS && ending === "stop" && speed !== undefined && speed >= LEAST_SPEED;
}

/** The conversation, and the question for its name behind it: so the model reads no more than that question. */
export function askingForName(turns: readonly Turn[], question: string): readonly Turn[] {
  return [...turns, { role: "user", text: question }];
}

/** Collects what the model says. */
export class NameReader {
  #text = "";

  take({ text }: Piece): void {
    this.#text += text;
  }

  /** Undefined where what it says is no name. */
  get name(): string | undefined {
    const line = this.#text.trim().split("\n")[0] ?? "";
    const name = line.replace(/^[#*_\s]*(?:[\p{L} ]{1,12}[:：])?/u, "").replace(/^["'“”„«»‘’「『《*_`\s]+|["'“”„«»‘’」』》*_`.。\s]+$/gu, "");
    const words = name.split(/\s+/).length;
    return /\p{L}/u.test(name) && name.length >= 2 && name.length <= MOST_LETTERS && words <= MOST_WORDS && !/[\p{Cc}\p{Cf}]/u.test(name) ? name : undefined;
  }
}
