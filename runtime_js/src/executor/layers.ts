/** Where a plan has the layers of its model: by the names of weights. */

import { hiddenBytes, type FunctionPlan, type KernelPlan, type PlanHead } from "./plan.ts";

type Weights = Pick<PlanHead, "weights">;
type Bindings = readonly Pick<KernelPlan, "bindings">[];

/** How the names of a layer's weights begin. */
function nameOf(layer: number): string {
  return `layers.${layer}.`;
}

/**
 * How many of a function's steps bring it behind a layer of the model, and the buffer that they end with: a hidden state of each token.
 * They end with the layer's last weights, and with what brings their products together (of experts, or of a matrix in parts): steps that
 * read no weights, and several buffers. kernels: those that the function's numbers mean. Raises RangeError.
 */
function endOf(layer: number, { weights }: Weights, kernels: Bindings, { kernels: own, steps }: FunctionPlan): { readonly steps: number; readonly output: number } {
  const bindingsOf = (step: number): KernelPlan["bindings"] => kernels[own[steps[step]?.kernel ?? -1] ?? -1]?.bindings ?? [];
  const joins = (step: number): boolean => bindingsOf(step).filter((access) => access === "read").length > 1
    && steps[step]?.buffers.every((id) => weights[id] === undefined) === true;
  let last = steps.findLastIndex(({ buffers }) => buffers.some((id) => weights[id]?.name.startsWith(nameOf(layer))));
  while (last >= 0 && joins(last + 1)) last++;
  const [step, bindings] = [steps[last], bindingsOf(last)];
  const output = step?.buffers[bindings.lastIndexOf("read_write")];
  if (output === undefined) throw new RangeError(`a function has no kernel that writes what layer ${layer} gives`);
  return { steps: last + 1, output };
}

/** Raises RangeError. */
export function firstLayerOf(plan: Weights, kernels: Bindings, fn: FunctionPlan): { readonly steps: number; readonly output: number } {
  return endOf(0, plan, kernels, fn);
}

/** The steps of a decode step behind its layers, by how many are before them, and the buffer that they begin with: the hidden state of its token. Raises RangeError. */
export function headOf(plan: Weights, kernels: Bindings, fn: FunctionPlan): { readonly before: number; readonly input: number } {
  const { steps, output } = endOf(layerCount(plan) - 1, plan, kernels, fn);
  return { before: steps, input: output };
}

/**
 * Bytes of a patch's state behind a tower's first layer, whose norm (or, of convolutions, whose bias) has a float32 for each feature: `hidden` may hold those of
 * other layers beside the last one's.
 */
export function patchStateBytes(plan: Pick<PlanHead, "io" | "model" | "weights">): number {
  return plan.weights.find(({ name }) => /^layers\.0\.(attention_norm|stage0\.mixer_bias)\.w$/.test(name))?.bytes ?? hiddenBytes(plan);
}

/** How many layers the weights' names tell of. */
export function layerCount({ weights }: Pick<PlanHead, "weights">): number {
  return new Set(weights.flatMap(({ name }) => /^layers\.\d+\./.exec(name)?.[0] ?? [])).size;
}

/** How many times the weights of its first layer a decode step reads: all of them, but for a table that it takes one row of. */
export function partsOfStep({ weights }: Pick<PlanHead, "weights">): number {
  const bytesOf = (prefix: string): number => weights.reduce((sum, { name, bytes }) => sum + (name.startsWith(prefix) ? bytes : 0), 0);
  const row = bytesOf("head.") > 0 ? bytesOf("embedding.") : 0;
  return (bytesOf("") - row) / Math.max(1, bytesOf(nameOf(0)));
}
