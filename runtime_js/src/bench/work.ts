/** What one dispatch must move and compute at least, from the buffers that a step of the plan binds. */

import { MAX_ROWS } from "../executor/abi.generated.ts";
import { hasIo, type KernelPlan, type Plan, type VariantPlan } from "../executor/plan.ts";

/** Bytes that must cross the GPU's memory, and floating-point operations of the matrix products. */
export interface Work {
  readonly bytes: number;
  readonly flops: number;
}

/** These hold one token's values, and so does what is computed from them or for them. Other io buffers are small, or as long as a chunk. */
const LAST_ROW: readonly string[] = ["logits"];

/** Bits of a weight by the bytes of numbers for each byte of scales (and minimums): q4, q4a, q8 in groups of 32. */
const BITS = new Map([[8, 4], [4, 4], [16, 8]]);
const F16_BITS = 16;
const MXFP4_BITS = 4;

/** What gives the cache keys and values, and reads none. What attends may give it those of its own token, too. */
const APPENDS = "rope_append";

/** A weight of a mixture's experts, or a part of it. */
const OF_EXPERTS = /(^|[.])experts_/;

/**
 * Weights are read once, of a mixture those of as many experts as the tokens go through where these choose evenly; of a table of embeddings the rows of the new tokens; of the KV cache every token is read once, or the new ones
 * are written; of a state in slots one is read and one written. Activations in workspace are not counted: they are small in a decode step
 * and mostly stay in the GPU's caches in a prefill.
 */
export class WorkModel {
  readonly #plan: Plan;
  readonly #variant: VariantPlan;
  /** Numbers of each packed weight, at the id of its buffer `.q`. */
  readonly #counts: ReadonlyMap<number, number>;

  constructor(plan: Plan, variant: VariantPlan) {
    this.#plan = plan;
    this.#variant = variant;
    const bytes = new Map(plan.weights.map((weight) => [weight.name, weight.bytes]));
    this.#counts = new Map(plan.weights.flatMap(({ name, bytes: numbers }, id): [number, number][] => {
      if (!name.endsWith(".q")) return [];
      const scales = bytes.get(name.replace(/q$/, "s"));
      const floats = bytes.has(name.replace(/q$/, "e")) ? MXFP4_BITS : F16_BITS;
      const bits = scales === undefined ? floats : BITS.get(Math.round(numbers / scales));
      return bits === undefined ? [] : [[id, 8 * numbers / bits]];
    }));
  }

  /** One dispatch of `kernel` on these buffers, for `n` new tokens where the cache then has `kvLength`. */
  of(kernel: KernelPlan, buffers: readonly number[], n: number, kvLength: number): Work {
    const { model, weights, states, io } = this.#plan;
    const firstIo = weights.length + states.length;
    const bound = buffers.map((id, i) => ({ id, io: io[id - firstIo], reads: kernel.bindings[i] === "read" }));
    const gathers = bound.some((buffer) => buffer.io?.name === "tokens" && buffer.reads);
    const rows = bound.some((buffer) => LAST_ROW.includes(buffer.io?.name ?? "")) ? 1 : n;
    let bytes = 0;
    let flops = 0;
    for (const buffer of bound) {
      const weight = weights[buffer.id];
      if (weight !== undefined) {
        const share = model.experts !== null && OF_EXPERTS.test(weight.name) ? model.experts.chosen / model.experts.count : 1;
        bytes += weight.bytes * (gathers ? n / model.vocabSize : 1 - (1 - share) ** n);
        flops += gathers ? 0 : 2 * rows * share * (this.#counts.get(buffer.id) ?? 0);
      } else if (buffer.io !== undefined) {
        bytes += LAST_ROW.includes(buffer.io.name) ? buffer.io.bytes / MAX_ROWS : 0;
      } else if (buffer.id < firstIo) {
        const index = buffer.id - weights.length;
        const { kind, querySize = 0, window = null } = states[index] ?? {};
        const stateBytes = this.#variant.stateBytes[index] ?? 0;
        if (kind === "slots") {
          bytes += 2 * stateBytes;
          continue;
        }
        // New token i sees kvLength - n + 1 + i keys, and as many values, or the last `window` of them; a patch all of its picture.
        const seen = hasIo(this.#plan, "patches") ? kvLength : Math.min(kvLength - (n - 1) / 2, window ?? Infinity);
        const attends = !kernel.name.startsWith(APPENDS);
        bytes += (attends ? Math.min(kvLength, (window ?? Infinity) + n) : n) * stateBytes / model.pageSize;
        flops += attends ? 4 * querySize * n * seen : 0;
      }
    }
    return { bytes, flops };
  }
}
