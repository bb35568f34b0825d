/** A part of the page in a script of its own, which comes when it is first wanted. */

import { lateScript } from "../view/late.ts";
import { hideNotice, showNotice } from "./view/notice.ts";
import { WORDS } from "./words/words.ts";

/** Undefined where it cannot be fetched, which is told where somebody asked for it. */
export type LoadPart<Part> = (isAsked?: boolean) => Promise<Part | undefined>;

/** script: absolute URL. */
export function latePart<Part>(script: string): LoadPart<Part> {
  const part = lateScript<Part>(script);
  return async (isAsked = true) => {
    if (await part.load()) hideNotice("part");
    else if (isAsked) showNotice("part", WORDS.notice.part);
    return part.code;
  };
}
