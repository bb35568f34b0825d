/// <reference path="../../support/inline.d.ts" />
/** How a reader begins: from the text of its script. */

import type { Thread } from "../../support/platform.ts";
import { startThread } from "../../support/thread.ts";
import type { ReaderReply } from "./messages.ts";
import script from "inline:./main.ts";

export function startReader(): Thread<ReaderReply> | null {
  return startThread(script);
}
