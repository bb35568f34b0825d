/** What reads and records sounds, which comes with the first of them. */

import { Late } from "../view/late.ts";
import { hideNotice, showNotice } from "./view/notice.ts";
import { WORDS } from "./words/words.ts";

type Part = typeof import("./sounds/main.ts");

/** Undefined where it cannot be fetched, which is told. */
export type LoadSounds = () => Promise<Part | undefined>;

/** script: absolute URL. */
export function lateSounds(script: string): LoadSounds {
  const part = new Late<Part>((attempt) => import(attempt === 0 ? script : `${script}#${attempt}`));
  return async () => {
    if (await part.load()) hideNotice("part");
    else showNotice("part", WORDS.notice.part);
    return part.code;
  };
}
