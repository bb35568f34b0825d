/** What a mixture's kernels read of the choices before them, where they run without these. */

import { MAX_ROWS } from "./abi.generated.ts";
import type { BufferTable } from "./buffers.ts";
import { CHOICES, type PlanModel } from "./plan.ts";

/** Experts of tokens: numbers, and then the bits of their shares, all alike. A token's are far from each other, and each expert has as many tokens. */
export function spreadChoices({ experts, prefillChunk }: Pick<PlanModel, "experts" | "prefillChunk">): Int32Array<ArrayBuffer> {
  if (experts === null) return new Int32Array(0);
  const { count, chosen } = experts;
  const [share = 0] = new Int32Array(Float32Array.of(1 / chosen).buffer);
  const words = new Int32Array(Math.max(prefillChunk, MAX_ROWS) * 2 * chosen).fill(share);
  for (let i = 0; i < words.length / 2; i++) {
    const token = Math.floor(i / chosen);
    words[i + token * chosen] = (token + Math.floor(i % chosen * count / chosen)) % count;
  }
  return words;
}

/** Writes them, where the model is a mixture. */
export function writeChoices(queue: GPUQueue, buffers: BufferTable, model: PlanModel): void {
  if (model.experts !== null) queue.writeBuffer(buffers.io(CHOICES), 0, spreadChoices(model));
}
