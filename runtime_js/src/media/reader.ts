/// <reference path="../support/inline.d.ts" />
/** Reads pictures and sounds for a model: in a thread of its own where there may be one. */

import { abortable } from "../support/abort.ts";
import { NoAnswerError, fromWire } from "../support/errors.ts";
import { TICK_MS, inTime } from "../support/patience.ts";
import type { Thread } from "../support/platform.ts";
import { mayStandStill, startThread } from "../support/thread.ts";
import type { PictureData } from "./decode.ts";
import type { Detail, Picture } from "./picture.ts";
import { isDrawn } from "./source.ts";
import type { ProcessorSettings } from "./settings.ts";
import type { SoundSettings } from "./sound/settings.ts";
import { read, type Order, type Reply } from "./worker.ts";
import script from "inline:./worker_main.ts";

export { pictureData } from "./fetch.ts";

/** A browser may say nothing of a worker that it does not start. */
const START_MS = 4000;

interface Waiting {
  readonly resolve: (picture: Picture) => void;
  readonly reject: (error: Error) => void;
}

/** Starts with the first order; the thread stays for the next one. */
export class Reader {
  readonly #waiting = new Map<number, Waiting>();
  #thread: Promise<Thread<Reply> | null> | undefined;
  #count = 0;

  async read(order: Order): Promise<Picture> {
    this.#thread ??= mayStandStill() ? Promise.resolve(null) : this.#start();
    const thread = await this.#thread;
    if (thread === null) return read(order);
    const id = this.#count++;
    const timer = setInterval(() => undefined, TICK_MS); // a thread keeps no process alive
    return new Promise<Picture>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      thread.postMessage({ id, order }, isDrawn(order.data) ? [order.data] : []);
    }).finally(() => clearInterval(timer));
  }

  /** Null where it does not say in time that it is there: then this thread reads, as it does where no worker may be started. */
  async #start(): Promise<Thread<Reply> | null> {
    const thread = startThread<Reply>(script);
    if (thread === null) return null;
    const answer = new Promise<boolean>((resolve) => {
      thread.onmessage = () => resolve(true);
      thread.onerror = () => resolve(false);
    });
    const isThere = await inTime(answer, START_MS);
    thread.onmessage = ({ data }) => this.#hear(data);
    thread.onerror = () => this.#fail();
    if (isThere === true) return thread;
    thread.terminate();
    return null;
  }

  #hear(reply: Reply): void {
    if (reply === "ready") return;
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ("picture" in reply) waiting?.resolve(reply.picture);
    else waiting?.reject(fromWire(reply.error));
  }

  #fail(): void {
    this.#thread = undefined;
    for (const { reject } of this.#waiting.values()) reject(new NoAnswerError("The worker that reads pictures and sounds failed. Try again, with a smaller file."));
    this.#waiting.clear();
  }
}

const reader = new Reader();

/**
 * A picture as the model takes it. A bitmap or frame is the reader's from then on. Raises RequestValidationError that says what is wrong with it and what to do,
 * AbortError, NoAnswerError where the thread failed.
 */
export function readPicture(data: PictureData, settings: ProcessorSettings, detail: Detail, signal?: AbortSignal): Promise<Picture> {
  return abortable(reader.read({ sense: "sight", data, settings, detail }), signal, "The picture is not wanted any more.");
}

/** A sound as the model takes it. Raises as `readPicture`. */
export function readSound(data: Blob, settings: SoundSettings, signal?: AbortSignal): Promise<Picture> {
  return abortable(reader.read({ sense: "hearing", data, settings }), signal, "The sound is not wanted any more.");
}
