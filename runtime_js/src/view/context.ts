import type { LateScripts } from "./late.ts";
import type { ViewWords } from "./words.ts";

/** Where views are, what they say and how they draw. */
export interface ViewContext extends LateScripts {
  /** The page, or a shadow root. */
  readonly root: NonElementParentNode;
  readonly words: ViewWords;
  /** Of numbers: a tag of BCP 47. */
  readonly locale: string;
}
