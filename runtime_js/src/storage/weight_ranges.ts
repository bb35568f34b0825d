/** Parts of the weight stream that are read when they are wanted, from where its shards are kept. */

import { AbortError, DownloadError } from "../support/errors.ts";
import { SHARD_BYTES } from "../support/limits.generated.ts";
import type { FileEntry } from "./manifest.ts";
import { heldFile, type RangeFile } from "./range_file.ts";

/** Where shards are kept. */
export interface ShardPlace {
  /** Null where it is not kept, or was cut. */
  open(shard: FileEntry): Promise<RangeFile | null>;
  /** Its verified bytes, from wherever they are to be had. */
  fetch(shard: FileEntry): Promise<Uint8Array<ArrayBuffer>>;
}

export class WeightRanges {
  readonly #shards: readonly FileEntry[];
  readonly #first: number;
  readonly #place: ShardPlace;
  readonly #files = new Map<number, RangeFile>();
  /** Shards that are fetched again. */
  readonly #mending = new Map<number, Promise<RangeFile>>();
  readonly #life: AbortSignal;

  /** Of what the shards hold from byte `from` of the stream on. Files are open until the signal is aborted. */
  constructor(shards: readonly FileEntry[], from: number, life: AbortSignal, place: ShardPlace) {
    this.#shards = shards;
    this.#first = Math.floor(from / SHARD_BYTES);
    this.#place = place;
    this.#life = life;
    life.addEventListener("abort", () => this.#close(), { once: true });
  }

  /** A shard has come, which begins at `offset`; what is not kept elsewhere is kept in memory. */
  async keep(offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const index = offset / SHARD_BYTES;
    if (index >= this.#first) await this.#opened(index, bytes);
  }

  async #opened(index: number, bytes: Uint8Array<ArrayBuffer>): Promise<RangeFile> {
    const file = await this.#place.open(this.#shard(index)).catch(() => null) ?? heldFile(bytes.slice());
    if (this.#life.aborted) file.close();
    else this.#files.set(index, file);
    return file;
  }

  #shard(index: number): FileEntry {
    const shard = this.#shards[index];
    if (shard === undefined) throw new RangeError(`no shard ${index}`);
    return shard;
  }

  /**
   * Fills `into` with the stream's bytes from `offset` on, at once where the platform can. A shard that was deleted or cut meanwhile is fetched
   * again; rejects with DownloadError where it cannot be.
   */
  read(offset: number, into: Uint8Array<ArrayBuffer>): Promise<void> | void {
    const work: Promise<void>[] = [];
    for (let done = 0; done < into.length;) {
      const [index, at] = [Math.floor((offset + done) / SHARD_BYTES), (offset + done) % SHARD_BYTES];
      const part = into.subarray(done, done + SHARD_BYTES - at);
      const reading = this.#readPart(index, at, part);
      if (reading !== undefined) work.push(reading);
      done += part.length;
    }
    return work.length > 0 ? Promise.all(work).then(() => undefined) : undefined;
  }

  #readPart(index: number, at: number, into: Uint8Array<ArrayBuffer>): Promise<void> | undefined {
    const again = async (error: unknown): Promise<void> => (await this.#mended(index, error)).read(at, into);
    try {
      const reading = this.#files.get(index)?.read(at, into);
      if (reading === undefined && !this.#files.has(index)) return again(new Error("it is not there"));
      return reading?.catch(again);
    } catch (error) {
      return again(error);
    }
  }

  #mended(index: number, error: unknown): Promise<RangeFile> {
    const mending = this.#mending.get(index) ?? this.#mend(index, error).finally(() => this.#mending.delete(index));
    this.#mending.set(index, mending);
    return mending;
  }

  async #mend(index: number, error: unknown): Promise<RangeFile> {
    if (this.#life.aborted) throw new AbortError("The model was unloaded.");
    const shard = this.#shard(index);
    this.#files.get(index)?.close(); // another takes its place
    this.#files.delete(index);
    try {
      return await this.#opened(index, await this.#place.fetch(shard));
    } catch (cause) {
      throw new DownloadError(`The model's file ${shard.file}, of which an answer needs a part, is cut or gone (${String(error)}): connect to the network `
        + `and ask again, or load the model again. ${cause instanceof Error ? cause.message : String(cause)}`, { file: shard.file }, cause);
    }
  }

  #close(): void {
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
  }
}
