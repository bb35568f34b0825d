/** Numbers and text in the bytes of a file. */

export class Bytes {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.#view.byteLength;
  }

  part(begin: number, end: number): Uint8Array {
    return this.#bytes.subarray(begin, end);
  }

  /** A whole number of `size` bytes; NaN beyond the end. */
  big(at: number, size: 1 | 2 | 3 | 4): number {
    return this.#number(at, size, (i) => size - 1 - i);
  }

  little(at: number, size: 1 | 2 | 3 | 4): number {
    return this.#number(at, size, (i) => i);
  }

  #number(at: number, size: number, place: (i: number) => number): number {
    if (!(at >= 0 && at + size <= this.length)) return NaN;
    let value = 0;
    for (let i = 0; i < size; i++) value += this.#view.getUint8(at + i) * 256 ** place(i);
    return value;
  }

  text(at: number, length: number): string {
    return Array.from({ length: Math.min(length, Math.max(0, this.length - at)) }, (_, i) => String.fromCharCode(this.#view.getUint8(at + i))).join("");
  }
}
