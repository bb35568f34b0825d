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

/** Brings weights to a device; weights[i]: the place of tensor i. */
export interface WeightUpload {
  /**
   * Writes the range of the stream that starts at `offset`. Resolves when its bytes are on their way and may change, behind other ranges: no more
   * than the shards in flight wait in memory. Raises what the device fails with.
   */
  write(tensors: readonly TensorEntry[], offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Frees its buffers, when all is written. Those of a lost device are gone with it. */
  free(): void;
}

export function weightUpload(
  { device, watch, weights }: { readonly device: GPUDevice; readonly watch: DeviceWatch; readonly weights: readonly Binding[] },
): WeightUpload {
  const pieces: Piece[] = [];
  let turn = 0;

  function send(buffer: GPUBuffer, tensors: readonly TensorEntry[], offset: number, bytes: Uint8Array<ArrayBuffer>): void {
    new Uint8Array(buffer.getMappedRange()).set(bytes);
    buffer.unmap();
    const encoder = device.createCommandEncoder();
    for (const { tensor, to, from, length } of rangesOf(tensors, offset, bytes.length)) {
      const place = weights[tensor];
      if (place) encoder.copyBufferToBuffer(buffer, from, place.buffer, place.offset + to, length);
    }
    device.queue.submit([encoder.finish()]);
  }

  return {
    write: async (tensors, offset, bytes) => {
      for (let from = 0; from < bytes.length; from += PIECE_BYTES) {
        const piece = pieces[turn++ % PIECES] ??= { free: Promise.resolve(), buffer: device.createBuffer(
          { size: PIECE_BYTES, usage: BufferUsage.MAP_WRITE | BufferUsage.COPY_SRC, mappedAtCreation: true }) };
        const sent = piece.free.then(() => send(piece.buffer, tensors, offset + from, bytes.subarray(from, from + PIECE_BYTES)));
        piece.free = sent.then(() => piece.buffer.mapAsync(MapMode.WRITE));
        piece.free.catch(() => undefined); // who writes next hears of it
        await watch.guard(owed("memory of the GPU", sent));
      }
    },
    free: () => {
      for (const { buffer } of pieces) buffer.destroy();
    },
  };
}
