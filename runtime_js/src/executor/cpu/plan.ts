/** The plan of a library for the CPU: the same head as a GPU's, and kernels that are functions of the module. */

import { Fields } from "../../support/fields.ts";
import { MAX_NAME } from "../../support/limits.generated.ts";
import { fail, parseBindings, parseFunctions, parseHead, parseMemory, type KernelPlan, type PlanHead, type VariantPlan } from "../plan.ts";

const MAX_KERNELS = 1 << 12;
const MAX_VARIANTS = 16;

export interface CpuKernel extends Pick<KernelPlan, "name" | "bindings"> {
  /** The export that computes some of its units. */
  readonly entry: string;
}

/** Numbers of kernels in its functions are of the plan's. */
export type CpuVariant = Pick<VariantPlan, "name" | "stateBytes" | "workspace" | "functions">;

export interface CpuPlan extends PlanHead {
  readonly kernels: readonly CpuKernel[];
  /** The fastest first. */
  readonly variants: readonly [CpuVariant, ...CpuVariant[]];
}

/** Raises ManifestError, which names the first thing that is wrong. */
export function parseCpuPlan(value: unknown): CpuPlan {
  const plan = new Fields(value, "", fail);
  const head = parseHead(plan);
  const kernels = plan.objects("kernels", MAX_KERNELS, (kernel): CpuKernel => (
    { name: kernel.string("name", MAX_NAME), entry: kernel.string("entry", MAX_NAME), bindings: parseBindings(kernel) }));
  const shared = head.weights.length + head.states.length + head.io.length;
  const [first, ...others] = plan.objects("variants", MAX_VARIANTS, (variant): CpuVariant => {
    const memory = parseMemory(variant, head.states);
    return { name: variant.string("name", MAX_NAME), ...memory, functions: parseFunctions(variant, kernels, shared + memory.workspace.length) };
  });
  if (first === undefined) throw fail("it has no variant");
  return { ...head, kernels, variants: [first, ...others] };
}
