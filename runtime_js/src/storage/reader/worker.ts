/** What a worker does that reads and verifies files, one at a time. Hashing and copying leave the engine's thread free. */

import type { Wait } from "../../support/waiting.ts";
import { toWire } from "../../support/errors.ts";
import { everyTick, noAnswer } from "../../support/patience.ts";
import type { ReaderReply, ReaderRequest } from "./messages.ts";
import { ModelStore } from "../store.ts";
import { bringToStorage, readVerified } from "../verified.ts";

const PROGRESS_STEP = 1 << 20; // bytes
const PROGRESS_MS = 250; // on slow networks
const NEVER = new AbortController().signal; // who stops a read ends this worker

const stores = new Map<string, Promise<ModelStore>>();

function reply(message: ReaderReply, transfer: Transferable[] = []): void {
  globalThis.postMessage(message, { transfer });
}

async function read({ isFetch, manifest, entry, urls, warning, into }: ReaderRequest): Promise<void> {
  const opened = stores.get(manifest) ?? ModelStore.open(manifest);
  stores.set(manifest, opened);
  const store = await opened;
  if (warning !== undefined) store.stopStoring(warning);
  let reported = 0;
  let reportedAt = performance.now();
  const onProgress = (bytes: number): void => {
    const isSmall = bytes >= reported && bytes < Math.min(reported + PROGRESS_STEP, entry.bytes);
    if (isSmall && performance.now() - reportedAt < PROGRESS_MS) return;
    reported = bytes;
    reportedAt = performance.now();
    reply({ kind: "progress", bytes });
  };
  const onWait = (reason: Wait): void => reply({ kind: "waiting", reason });
  const onFailed = (url: string): void => reply({ kind: "failed", url });
  const options = { signal: NEVER, onProgress, onWait, onFailed, into };
  const bytes = await (isFetch ? bringToStorage(store, entry, urls, options).then(() => undefined) : readVerified(store, entry, urls, options))
    .catch((error: unknown) => { throw store.isLost ? noAnswer("its storage") : error; });
  reply({ kind: "done", bytes, warning: store.warning }, bytes === undefined ? [] : [bytes.buffer]);
}

/** Makes of this thread a reader. */
export function serveReads(): void {
  globalThis.addEventListener("message", ({ data }: MessageEvent<ReaderRequest>) => {
    const alive = (): void => reply({ kind: "alive" });
    alive();
    const stop = everyTick(alive);
    read(data).catch((error: unknown) => reply({ kind: "error", error: toWire(error) })).finally(stop);
  });
}
