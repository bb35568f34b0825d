/** Which tensors the weight stream has where, as shards arrive in any order. */

import { ManifestError } from "../support/errors.ts";
import type { TensorEntry } from "../storage/manifest.ts";
import type { PlanHead } from "./plan.ts";

/** Checks that the manifest's tensors are the plan's weights, in order, those that stay in storage last. Raises ManifestError. */
export function matchTensors(tensors: readonly TensorEntry[], plan: Pick<PlanHead, "weights" | "stored">): void {
  const weights = [...plan.weights, ...plan.stored];
  const mismatch = weights.findIndex((weight, i) => tensors[i]?.name !== weight.name || tensors[i]?.bytes !== weight.bytes);
  if (mismatch >= 0 || tensors.length !== weights.length) {
    const name = weights[mismatch]?.name ?? tensors[weights.length]?.name ?? "";
    throw new ManifestError(
      `Manifest and model library do not belong together: they differ in the weight ${name}. Build the model folder again.`);
  }
}

/** A part of a range of the weight stream that belongs to one tensor. */
export interface TensorRange {
  /** Its number, and the byte of it that the part begins with. */
  readonly tensor: number;
  readonly to: number;
  /** The part's place in the range, and its bytes. */
  readonly from: number;
  readonly length: number;
}

/** What the range of the stream that starts at `offset` has of each tensor that it covers; a tensor may lie in several ranges. */
export function rangesOf(tensors: readonly TensorEntry[], offset: number, bytes: number): TensorRange[] {
  return tensors.flatMap((tensor, i) => {
    const first = Math.max(offset, tensor.offset);
    const end = Math.min(offset + bytes, tensor.offset + tensor.bytes);
    return first >= end ? [] : { tensor: i, to: first - tensor.offset, from: first - offset, length: end - first };
  });
}
