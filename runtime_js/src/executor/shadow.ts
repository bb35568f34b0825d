/** A GPU buffer that only the CPU writes, with a copy of what it holds: equal data is not written again. */

export class ShadowedBuffer {
  readonly #queue: GPUQueue;
  readonly #buffer: GPUBuffer;
  readonly #words: Int32Array<ArrayBuffer>;

  constructor(queue: GPUQueue, buffer: GPUBuffer) {
    this.#queue = queue;
    this.#buffer = buffer;
    this.#words = new Int32Array(buffer.size / 4); // a new GPU buffer holds zeros too
  }

  /** Makes the buffer begin with `words`. */
  write(words: Int32Array | Uint32Array): void {
    const first = words.findIndex((word, i) => this.#words[i] !== (word | 0));
    if (first < 0) return;
    this.#words.set(words);
    this.#queue.writeBuffer(this.#buffer, 4 * first, this.#words, first, words.length - first);
  }
}
