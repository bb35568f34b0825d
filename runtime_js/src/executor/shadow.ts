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

  /** Makes the buffer hold `words` from word `at` on. */
  write(words: Int32Array | Uint32Array, at = 0): void {
    const first = words.findIndex((word, i) => this.#words[at + i] !== (word | 0));
    if (first < 0) return;
    this.#words.set(words, at);
    this.#queue.writeBuffer(this.#buffer, 4 * (at + first), this.#words, at + first, words.length - first);
  }
}
