/** Moves the weight stream to the GPU piece by piece, as shards arrive in any order. */

import { ManifestError } from "../support/errors.ts";
import type { TensorEntry } from "../storage/manifest.ts";
import type { Binding } from "./buffers.ts";
import type { PlanHead } from "./plan.ts";

/** Checks that the manifest's tensors are the plan's weights, in order. Raises ManifestError. */
export function matchTensors(tensors: readonly TensorEntry[], plan: PlanHead): void {
  const mismatch = plan.weights.findIndex((weight, i) => tensors[i]?.name !== weight.name || tensors[i]?.bytes !== weight.bytes);
  if (mismatch >= 0 || tensors.length !== plan.weights.length) {
    const name = plan.weights[mismatch]?.name ?? tensors[plan.weights.length]?.name ?? "";
    throw new ManifestError(
      `Manifest and model library do not belong together: they differ in the weight ${name}. Build the model folder again.`);
  }
}

/**
 * Writes the range of the stream that starts at `offset` to the tensors that it covers; a tensor may lie in several
 * ranges. Tensors are in order of offset, and weights[i] is the place of tensor i.
 */
export function writeRange(
  queue: GPUQueue, weights: readonly Binding[], tensors: readonly TensorEntry[], offset: number, bytes: Uint8Array<ArrayBuffer>,
): void {
  const end = offset + bytes.byteLength;
  tensors.forEach((tensor, i) => {
    const from = Math.max(offset, tensor.offset);
    const to = Math.min(end, tensor.offset + tensor.bytes);
    const place = weights[i];
    if (from >= to || place === undefined) return;
    queue.writeBuffer(place.buffer, place.offset + from - tensor.offset, bytes, from - offset, to - from);
  });
}
