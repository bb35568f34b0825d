/** Chooses the variant of the model that this GPU can run, and watches the device that runs it. */

import {
  DeviceLostError, FeatureSupportError, GPUExecutionError, MLCEngineError, NoAnswerError, OutOfMemoryError, WebGPUNotAvailableError,
} from "../support/errors.ts";
import { formatBytes } from "../support/format.ts";
import { log } from "../support/log.ts";
import { inTime, owed } from "../support/patience.ts";
import { infoOf } from "./adapter.ts";
import { MATRICES, type LimitName, type Plan, type VariantPlan } from "./plan.ts";

/** Why the adapter cannot run a variant, or undefined where it can. */
function obstacle(adapter: GPUAdapter, variant: VariantPlan): string | undefined {
  const feature = variant.features.find((name) => !adapter.features.has(name));
  if (feature !== undefined) return `needs the feature ${feature}`;
  const languageFeature = variant.languageFeatures.find((name) => !navigator.gpu.wgslLanguageFeatures?.has(name)); // Chrome before 115 has no list
  if (languageFeature !== undefined) return `needs the WGSL feature ${languageFeature}`;
  const subgroup = infoOf(adapter).subgroupMinSize;
  if (variant.features.includes("subgroups") && subgroup < variant.minSubgroupSize) {
    return `needs subgroups of ${variant.minSubgroupSize}, the GPU has ${subgroup}`;
  }
  for (const [name, value] of variant.limits) {
    if (adapter.limits[name] < value) return `needs ${name} ${value}, the GPU has ${adapter.limits[name]}`;
  }
  return undefined;
}

type InfoOfMatrices = GPUAdapterInfo & {
  readonly subgroupMatrixConfigs: readonly Record<"M" | "N" | "K", number>[];
};

/** Whether kernels with subgroup matrices may run there: 16 by 16. What else they need shows as they compile, and in the self-test. */
function hasMatrices({ features, info }: Pick<GPUAdapter, "features" | "info">): boolean {
  return features.has(MATRICES) && (info as InfoOfMatrices).subgroupMatrixConfigs.some(({ M, N, K }) => `${[M, N, K]}` === "16,16,16");
}

/** A variant with tiles of subgroup matrices, and all the workgroup memory there is, where there are such and the GPU has them; and without. */
function waysOf(adapter: GPUAdapter, variant: VariantPlan): VariantPlan[] {
  if (!hasMatrices(adapter) || !variant.kernels.some(({ tiles }) => tiles.some(({ hasMatrices: has }) => has))) return [variant];
  const limit = "maxComputeWorkgroupStorageSize";
  const limits = new Map(variant.limits).set(limit, adapter.limits[limit]);
  return [{ ...variant, name: `${variant.name}-matrices`, features: [...variant.features, MATRICES], limits }, variant];
}

/** The fastest first. */
export type ChosenVariants = readonly [VariantPlan, ...VariantPlan[]];

/**
 * The variants of the plan that the adapter supports; `forced`: only the one of that name. Raises FeatureSupportError.
 * The plan's order is that of GPUs with an instruction for what WGSL's integer dot products do. A CPU and Apple's GPUs have none: there those come last.
 */
export function chooseVariants(adapter: GPUAdapter, plan: Plan, forced: string | undefined): ChosenVariants {
  const reasons: string[] = [];
  const supported: VariantPlan[] = [];
  for (const variant of plan.variants.flatMap((each) => waysOf(adapter, each))) {
    if (forced !== undefined && variant.name !== forced) continue;
    const reason = obstacle(adapter, variant);
    if (reason === undefined) supported.push(variant);
    else reasons.push(`${variant.name} ${reason}`);
  }
  const { isFallbackAdapter, vendor } = infoOf(adapter);
  const isSlow = isFallbackAdapter || vendor === "apple"; // some twenty instructions for one of them
  supported.sort((a, b) => (isSlow ? a.languageFeatures.length - b.languageFeatures.length : 0));
  const [first, ...more] = supported;
  if (first !== undefined) return [first, ...more];
  const names = plan.variants.map((variant) => variant.name).join(", ");
  throw new FeatureSupportError(reasons.length === 0
    ? `The model has no variant "${forced}"; it has ${names}.`
    : `This GPU cannot run the model: ${reasons.join("; ")}. Try another browser or a newer graphics driver.`);
}

/**
 * A device with what any of the variants needs. The two buffer limits are raised towards `largestBuffer` bytes as far as the
 * adapter allows, for the KV cache of a long context. `more`: features for measurements.
 */
export async function requestDevice(
  adapter: GPUAdapter, variants: readonly VariantPlan[], largestBuffer: number, more: readonly GPUFeatureName[] = [],
): Promise<GPUDevice> {
  const requiredFeatures = [...new Set([...variants.flatMap(({ features }) => features), ...more])];
  const limits = new Map<LimitName, number>();
  for (const [name, value] of variants.flatMap((variant) => [...variant.limits])) limits.set(name, Math.max(limits.get(name) ?? 0, value));
  for (const name of ["maxBufferSize", "maxStorageBufferBindingSize"] as const) {
    limits.set(name, Math.max(limits.get(name) ?? 0, Math.min(largestBuffer, adapter.limits[name])));
  }
  const asked = adapter.requestDevice({ requiredFeatures, requiredLimits: Object.fromEntries(limits) });
  try {
    return await owed("a device on the GPU", asked);
  } catch (error) {
    if (error instanceof NoAnswerError) {
      asked.then((late) => late.destroy(), () => undefined);
      throw error;
    }
    throw new WebGPUNotAvailableError(
      `The GPU refused to start (${String(error)}). Close other pages that use it, or restart the browser.`);
  }
}

/** What is wrong with a variant on this GPU; another one may be right. */
export class VariantError extends Error {}

/** What `attempt` gives for the first of the variants that it does not refuse by a VariantError. Raises FeatureSupportError where none is left. */
export async function firstThatWorks<Variant extends { readonly name: string }, T>(
  variants: readonly Variant[], where: string, attempt: (variant: Variant) => Promise<T>,
): Promise<T> {
  const reasons: string[] = [];
  for (const variant of variants) {
    try {
      return await attempt(variant);
    } catch (error) {
      if (!(error instanceof VariantError)) throw error;
      reasons.push(`${variant.name}: ${error.message}`);
      log.warn(`The variant ${variant.name} does not work on ${where}: ${error.message}`);
    }
  }
  throw new FeatureSupportError(
    `No variant of the model works on ${where}. ${reasons.join("; ")}. Try another browser, or update this one and the graphics driver.`);
}

const RELOAD = "Load the model again with reload().";
const LESS_MEMORY = "Close other pages, or load with a smaller context window or a smaller model.";
/** How long a lost device may take to say so after it has failed a promise. */
const LOSS_DELAY_MS = 200;

/** Turns what happens to a device into typed errors. The first failure stays: what comes after it cannot be trusted. */
export class DeviceWatch {
  /** Resolves when the device has gone, with what its work fails with from then on. */
  readonly lost: Promise<MLCEngineError>;
  #failure: MLCEngineError | null = null;

  constructor(device: GPUDevice) {
    this.lost = device.lost.then((info) => (
      this.#failure ??= new DeviceLostError(info.reason === "destroyed"
        ? `The model was unloaded. ${RELOAD}`
        : `The GPU was lost (${info.message || "no reason given"}): its driver restarted or another program took it. ${RELOAD}`)
    ));
    device.addEventListener("uncapturederror", (event) => {
      this.#failure ??= event.error instanceof GPUOutOfMemoryError
        ? new OutOfMemoryError(`The GPU ran out of memory. ${LESS_MEMORY}`)
        : new GPUExecutionError(`The GPU refused a command: ${event.error.message}. ${RELOAD}`);
    });
  }

  /** Throws the device's failure, if it has one. */
  check(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  /** Why something failed: the device's failure, which it may tell a moment later, else what it failed with. */
  async causeOf(error: unknown): Promise<unknown> {
    if (error instanceof MLCEngineError) return error;
    await inTime(this.lost, LOSS_DELAY_MS);
    return this.#failure ?? error;
  }

  /** Awaits work on the device; what the device fails with meanwhile replaces the promise's outcome. */
  async guard<T>(work: Promise<T>): Promise<T> {
    try {
      const result = await work;
      this.check();
      return result;
    } catch (error) {
      const cause = await this.causeOf(error);
      throw cause instanceof MLCEngineError ? cause : new GPUExecutionError(`The GPU did not finish its work (${String(error)}). ${RELOAD}`);
    }
  }
}

/** Runs `allocate`; raises OutOfMemoryError where the GPU has no room for what it made. */
export async function allocating<T>(device: GPUDevice, what: string, bytes: number, allocate: () => T): Promise<T> {
  device.pushErrorScope("out-of-memory");
  let made: T;
  let error: GPUError | null = null;
  try {
    made = allocate();
  } finally {
    error = await owed("memory of the GPU", device.popErrorScope());
  }
  if (error !== null) {
    throw new OutOfMemoryError(`The GPU has no room for ${what} (${formatBytes(bytes)}). ${LESS_MEMORY}`, { bytes });
  }
  return made;
}
