/** Which of a machine's backends may compute a model, those first that are to be tried first. */

import { infoOf, requestAdapter } from "../executor/adapter.ts";
import type { Backend } from "../executor/backend.ts";
import type { CpuFiles, Manifest } from "../storage/manifest.ts";
import { DeviceLostError, FeatureSupportError, GPUExecutionError, NoAnswerError, OutOfMemoryError, WebGPUNotAvailableError } from "../support/errors.ts";
import { log } from "../support/log.ts";
import { instructions } from "../executor/cpu/features.ts";
import { GpuBackend } from "../executor/gpu_backend.ts";
import { importPart } from "./cpu_part.ts";
import type { ModelChoice } from "./choice.ts";

/** How the names of the CPU's variants begin. */
const CPU_VARIANT = /^cpu-/;

/** Drivers that compute on the CPU, slower than WebAssembly does. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render/i;

function isSoftware(adapter: GPUAdapter): boolean {
  const { architecture, device, description, isFallbackAdapter } = infoOf(adapter);
  return isFallbackAdapter || [architecture, device, description].some((name) => SOFTWARE.test(name));
}

/** What fails so on one backend may succeed on another. */
export function isOfBackend(error: unknown): boolean {
  return [WebGPUNotAvailableError, FeatureSupportError, DeviceLostError, GPUExecutionError, OutOfMemoryError, NoAnswerError]
    .some((kind) => error instanceof kind);
}

/** What is asked for; a variant says it too. */
function asked({ device = "auto", variant }: ModelChoice): "auto" | "gpu" | "cpu" {
  return device !== "auto" || variant === undefined ? device : CPU_VARIANT.test(variant) ? "cpu" : "gpu";
}

/** Raises FeatureSupportError where the model or this machine has nothing for the CPU. */
function filesFor(manifest: Manifest): CpuFiles["plain"] {
  const kind = instructions();
  if (kind === undefined) throw new FeatureSupportError("This browser's WebAssembly has no SIMD, which a model needs on the CPU. Use a current browser.");
  if (manifest.cpu === undefined) throw new FeatureSupportError("The model was built without a library for the CPU. Build it again, or use a browser with WebGPU.");
  return manifest.cpu[kind];
}

async function cpuOf(manifest: Manifest): Promise<Backend> {
  const file = filesFor(manifest);
  const { CpuBackend } = await importPart();
  return new CpuBackend(file);
}

/**
 * The adapter is asked for at once, and the model's manifest may come later. Raises WebGPUNotAvailableError or FeatureSupportError where
 * there is none.
 */
export class Backends {
  readonly #asked: "auto" | "gpu" | "cpu";
  readonly #adapter: Promise<GPUAdapter | Error>;

  /** `onAdapter` sees the wait for the adapter. */
  constructor(choice: ModelChoice, onAdapter: (adapter: Promise<GPUAdapter>) => Promise<GPUAdapter>) {
    this.#asked = asked(choice);
    this.#adapter = this.#asked === "cpu" ? Promise.resolve(new WebGPUNotAvailableError("It was not asked for."))
      : onAdapter(requestAdapter()).catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
  }

  /** At least one. */
  async for(manifest: Manifest): Promise<readonly [Backend, ...Backend[]]> {
    if (this.#asked === "cpu") return [await cpuOf(manifest)];
    const adapter = await this.#adapter;
    const cpu = this.#asked === "gpu" ? undefined : await cpuOf(manifest).catch((error: unknown) => {
      log.info(`Without the CPU: ${String(error)}`);
      return undefined;
    });
    const gpu = adapter instanceof Error ? undefined : new GpuBackend(adapter, manifest.library);
    if (gpu === undefined && cpu === undefined) throw adapter;
    if (gpu === undefined) log.info(`Without a GPU: ${String(adapter)}`);
    const isFaster = gpu !== undefined && !isSoftware(gpu.adapter);
    const [first, ...others] = (isFaster ? [gpu, cpu] : [cpu, gpu]).flatMap((backend) => backend ?? []);
    if (first === undefined) throw adapter;
    return [first, ...others];
  }
}
