/** Reads verified files in a worker of its own: sha256 takes its time on the thread that asks for it. */

import { onAbort } from "../support/abort.ts";
import { AbortError, NoAnswerError, fromWire } from "../support/errors.ts";
import type { FileEntry } from "./manifest.ts";
import type { ModelStore } from "./store.ts";
import type { Urls } from "./source.ts";
import { bringToStorage, readVerified, type ReadOptions } from "./verified.ts";
import { PATIENCE_TICKS, TICK_MS } from "../support/patience.ts";
import { platform, type Thread } from "../support/platform.ts";
import { mayStandStill } from "../support/thread.ts";
import type { ReaderReply, ReaderRequest } from "./reader/messages.ts";
import { startReader } from "./reader/part.ts";

type Done = Extract<ReaderReply, { readonly kind: "done" }>;

/** A policy may forbid workers from memory, and some browsers then say nothing at all. */
const SILENT_MS = 10_000;
/** A worker that ran and says no more is gone: browsers end some without a word. */
const LOST_MS = PATIENCE_TICKS * TICK_MS;

/** Null where this thread does it: outside of browsers files are read and hashed beside it anyway. */
function readerBesides(): Thread<ReaderReply> | null {
  return platform() !== undefined || mayStandStill() ? null : startReader();
}

/** One file at a time. Where its worker does not run, it reads in this thread. */
export class ShardReader {
  readonly #manifest: string;
  readonly #store: ModelStore;
  #worker = readerBesides();

  constructor(manifest: string, store: ModelStore) {
    this.#manifest = manifest;
    this.#store = store;
  }

  /** As `bringToStorage`. After a stop the reader is of no more use. */
  async fetch(entry: FileEntry, urls: Urls, options: ReadOptions): Promise<void> {
    const done = this.#worker === null ? null : await this.#ask(this.#worker, true, entry, urls, options);
    if (done !== null) return;
    this.close();
    await bringToStorage(this.#store, entry, urls, options);
  }

  /** As `readVerified`. After a stop the reader is of no more use. */
  async read(entry: FileEntry, urls: Urls, options: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
    const done = this.#worker === null ? null : await this.#ask(this.#worker, false, entry, urls, options);
    if (done?.bytes !== undefined) return done.bytes;
    this.close();
    return readVerified(this.#store, entry, urls, this.#worker === null ? options : { ...options, into: undefined });
  }

  /** Null where the worker failed. */
  #ask(worker: Thread<ReaderReply>, isFetch: boolean, entry: FileEntry, urls: Urls, options: ReadOptions): Promise<Done | null> {
    const { signal, onProgress, onWait, onFailed, into } = options;
    return new Promise<Done | null>((resolve, reject) => {
      const lost = (): void => settle(() => resolve(null));
      let silence = setTimeout(lost, SILENT_MS);
      const stop = (): void => {
        clearTimeout(silence);
        this.close();
        reject(new AbortError("The download was stopped."));
      };
      if (signal.aborted) return stop();
      const forget = onAbort(signal, stop);
      const settle = (outcome: () => void): void => {
        clearTimeout(silence);
        forget();
        outcome();
      };
      worker.onerror = lost;
      worker.onmessage = ({ data }) => {
        clearTimeout(silence);
        silence = setTimeout(lost, LOST_MS);
        if (data.kind === "alive") return;
        if (data.kind === "progress") {
          onProgress?.(data.bytes);
        } else if (data.kind === "waiting") {
          onWait?.(data.reason);
        } else if (data.kind === "failed") {
          onFailed?.(data.url);
        } else if (data.kind === "error") {
          const error = fromWire(data.error);
          settle(() => (error instanceof NoAnswerError ? resolve(null) : reject(error)));
        } else {
          if (data.warning !== undefined) this.#store.stopStoring(data.warning);
          settle(() => resolve(data));
        }
      };
      const request: ReaderRequest = { isFetch, manifest: this.#manifest, entry, urls, warning: this.#store.warning, into };
      worker.postMessage(request, into === undefined ? [] : [into]);
    });
  }

  /** Ends the worker, in the middle of a file too. */
  close(): void {
    this.#worker?.terminate();
    this.#worker = null;
  }
}
