/** What has come of a file: all of it in memory, or in storage but for a piece that is not written yet. */

import type { Size } from "../support/platform.ts";
import type { Draft } from "./draft.ts";
import { exactSize, tooLong } from "./response.ts";
import { allocate } from "./store.ts";

const SAVE_STEP = 1 << 18; // bytes; a tab that is closed loses no more

export interface Receiving {
  readonly size: Size;
  /** Bytes received so far; starts over when the download does. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
  /** Memory for the bytes, if they fit. */
  readonly into?: ArrayBuffer | undefined;
  /** Keeps what comes; what it holds already is not fetched. */
  readonly draft?: Draft | null | undefined;
}

export class Received {
  readonly #options: Receiving;
  /** Those from `#from` on. */
  #bytes: Uint8Array<ArrayBuffer>;
  /** 0, or where what is written ends. */
  #from = 0;
  /** How many are written. */
  #saved = 0;
  readonly #isHeld: boolean;
  length = 0;
  /** The most that ever came: more than that is progress. */
  most = 0;

  /** isHeld: all of it is wanted in memory. Else the draft has it. */
  constructor(options: Receiving, isHeld: boolean) {
    const { size, draft, into } = options;
    this.#options = options;
    this.#isHeld = isHeld;
    const exact = exactSize(size);
    this.#bytes = isHeld ? allocate(exact ?? 1 << 16, into) : new Uint8Array(SAVE_STEP);
    if (exact === undefined) return;
    this.length = this.#saved = this.most = (isHeld ? draft?.read(this.#bytes) : draft?.sizeWithin(exact)) ?? 0;
    if (!isHeld) this.#from = this.#saved;
  }

  /** All that came, where it is held. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.length);
  }

  get isWhole(): boolean {
    return this.length === exactSize(this.#options.size);
  }

  /** It was to be written, and storage takes no more. */
  get isLost(): boolean {
    return !this.#isHeld && this.#options.draft?.isOpen === false;
  }

  restart(): void {
    this.length = this.#saved = this.#from = 0;
    this.#options.draft?.restart();
  }

  append(part: Uint8Array, url: string): void {
    const { size, onProgress } = this.#options;
    const limit = "exactly" in size ? size.exactly : size.atMost;
    const end = this.length + part.byteLength;
    if (this.isLost) throw new Error("storage takes no more");
    if (end > limit) {
      this.restart();
      throw tooLong(url, limit);
    }
    if (!this.#isHeld && end - this.#from > this.#bytes.length) this.save();
    if (end - this.#from > this.#bytes.length) {
      const larger = new Uint8Array(Math.min(limit, 2 * (end - this.#from)));
      larger.set(this.#bytes.subarray(0, this.length - this.#from));
      this.#bytes = larger;
    }
    this.#bytes.set(part, this.length - this.#from);
    this.length = end;
    this.most = Math.max(this.most, end);
    if (end - this.#saved >= SAVE_STEP) this.save();
    onProgress?.(end);
  }

  save(): void {
    if (this.length > this.#saved) {
      this.#options.draft?.write(this.#bytes.subarray(this.#saved - this.#from, this.length - this.#from), this.#saved);
    }
    this.#saved = this.length;
    if (!this.#isHeld) this.#from = this.length;
  }
}
