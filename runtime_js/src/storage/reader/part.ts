/// <reference path="../../support/inline.d.ts" />
/** How a reader begins: from the text of its script. */

import { startThread, type Thread } from "../../support/thread.ts";
import type { ReaderReply } from "../shard_reader.ts";
import script from "inline:./main.ts";

export function startReader(): Thread<ReaderReply> | null {
  return startThread(script);
}
