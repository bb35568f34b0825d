/** In the place of part.ts in a site's worker: a reader is the same script under another name, which the browser has already. */

import { scriptUrl } from "../../support/script_url.ts";
import type { Thread } from "../../support/platform.ts";
import { startWorker } from "../../support/thread.ts";
import type { ReaderReply } from "./messages.ts";

/** What a worker is called that is to read. */
const READER = "reader";

export function startReader(): Thread<ReaderReply> | null {
  return startWorker(() => new Worker(scriptUrl(self.location.href), { type: "module", name: READER }));
}

/** Whether this very worker is one. */
export function isReader(): boolean {
  return self.name === READER;
}
