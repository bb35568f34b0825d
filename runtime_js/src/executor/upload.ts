/**
 * Brings the weight stream to the GPU by a few buffers that stay mapped: what `writeBuffer` is given crosses one thread of the GPU's process
 * twice, which takes several times as long.
 */

import type { TensorEntry } from "../storage/manifest.ts";
import { owed } from "../support/patience.ts";
import type { Binding } from "./buffers.ts";
import type { DeviceWatch } from "./device.ts";
import { BufferUsage, MapMode } from "./gpu_flags.ts";
import { rangesOf } from "./weights.ts";

/** Of a buffer, and how many there are: as one is filled, others are copied. */
const PIECE_BYTES = 8 << 20;
const PIECES = 4;

interface Piece {
  readonly buffer: GPUBuffer;
  /** It is mapped again. */
  free: Promise<void>;
}

interface Uploading {
  readonly device: GPUDevice;
  readonly watch: DeviceWatch;
  /** weights[i]: the place of tensor i. */
  readonly weights: readonly Binding[];
}

export class WeightUpload {
  readonly #on: Uploading;
  readonly #pieces: Piece[] = [];
  #turn = 0;

  constructor(on: Uploading) {
    this.#on = on;
  }

  /**
   * Writes the range of the stream that starts at `offset`. Resolves when its bytes are on their way and may change, behind other ranges: no more
   * than the shards in flight wait in memory. Raises what the device fails with.
   */
  async write(tensors: readonly TensorEntry[], offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    for (let from = 0; from < bytes.byteLength; from += PIECE_BYTES) {
      await this.#on.watch.guard(owed("weights to be written", this.#write(tensors, offset + from, bytes.subarray(from, from + PIECE_BYTES))));
    }
  }

  #write(tensors: readonly TensorEntry[], offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const piece = this.#pieces[this.#turn] ??= { free: Promise.resolve(), buffer: this.#on.device.createBuffer(
      { size: PIECE_BYTES, usage: BufferUsage.MAP_WRITE | BufferUsage.COPY_SRC, mappedAtCreation: true }) };
    this.#turn = (this.#turn + 1) % PIECES;
    const sent = piece.free.then(() => this.#send(piece.buffer, tensors, offset, bytes));
    piece.free = sent.then(() => piece.buffer.mapAsync(MapMode.WRITE));
    piece.free.catch(() => undefined); // who writes next hears of it
    return sent;
  }

  #send(buffer: GPUBuffer, tensors: readonly TensorEntry[], offset: number, bytes: Uint8Array<ArrayBuffer>): void {
    new Uint8Array(buffer.getMappedRange()).set(bytes);
    buffer.unmap();
    const { device, weights } = this.#on;
    const encoder = device.createCommandEncoder();
    for (const { tensor, to, from, length } of rangesOf(tensors, offset, bytes.byteLength)) {
      const place = weights[tensor];
      if (place !== undefined) encoder.copyBufferToBuffer(buffer, from, place.buffer, place.offset + to, length);
    }
    device.queue.submit([encoder.finish()]);
  }

  /** Frees its buffers, when all is written. Those of a lost device are gone with it. */
  free(): void {
    for (const { buffer } of this.#pieces.splice(0)) buffer.destroy();
  }
}
