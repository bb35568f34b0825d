/** Which of a machine's backends may compute a model, those first that are to be tried first. */

import { infoOf, requestAdapter } from "../executor/adapter.ts";
import type { Backend } from "../executor/backend.ts";
import type { FileEntry, Manifest } from "../storage/manifest.ts";
import {
  DeviceLostError, DownloadError, FeatureSupportError, GPUExecutionError, InternalError, NoAnswerError, OutOfMemoryError,
  WebGPUNotAvailableError, asEngineError,
} from "../support/errors.ts";
import { log } from "../support/log.ts";
import { cpuKey, instructions } from "../executor/cpu/features.ts";
import { importPart } from "../executor/cpu/part.ts";
import { GpuBackend } from "../executor/gpu_backend.ts";
import type { ModelChoice } from "./choice.ts";

export type Backends = readonly [Backend, ...Backend[]];

/** How the names of the CPU's variants begin. */
const CPU_VARIANT = /^cpu-/;

/** Drivers that compute on the CPU, slower than WebAssembly does. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render/i;

function isSoftware(adapter: GPUAdapter): boolean {
  const { architecture, device, description, isFallbackAdapter } = infoOf(adapter);
  return isFallbackAdapter || [architecture, device, description].some((name) => SOFTWARE.test(name));
}

const OF_A_BACKEND = [WebGPUNotAvailableError, FeatureSupportError, DeviceLostError, GPUExecutionError, OutOfMemoryError, NoAnswerError];

/** Whether what fails so on one backend may succeed on another; isSame: on another library for the same processor. */
export function mayHelp(error: unknown, isSame: boolean): boolean {
  const known = asEngineError(error);
  return isSame ? known instanceof FeatureSupportError : OF_A_BACKEND.some((kind) => known instanceof kind);
}

/** What is asked for; a variant says it too. */
function asked({ device = "auto", variant }: ModelChoice): "auto" | "gpu" | "cpu" {
  return device !== "auto" || variant === undefined ? device : CPU_VARIANT.test(variant) ? "cpu" : "gpu";
}

/** Its code is loaded when it is tried. */
function cpuBackend(library: FileEntry): Backend {
  return {
    name: "the CPU", device: "cpu", key: cpuKey(), library,
    fit: async (...call) => {
      const { CpuBackend } = await importPart().catch((error: unknown) => {
        throw new DownloadError("What computes on the CPU could not be fetched. Check the connection, and load the page again.", {}, error);
      });
      return new CpuBackend(library).fit(...call);
    },
  };
}

/**
 * The CPU by each of the libraries that run here: one that computes wrongly gives way to the next. Raises FeatureSupportError where the
 * model or this machine has none.
 */
function cpuOf({ cpu }: Manifest): Backends {
  const kinds = instructions();
  if (kinds.length === 0) {
    throw new FeatureSupportError("WebAssembly has no SIMD here, which a model needs on the CPU. Use a current browser or Node.");
  }
  if (cpu === undefined) {
    throw new FeatureSupportError("The model was built without a library for the CPU. Build it again, or use a browser with WebGPU.");
  }
  const [first, ...others] = kinds.map((kind) => cpuBackend(cpu[kind]));
  if (first === undefined) throw new InternalError("no library");
  return [first, ...others];
}

/**
 * At least one. The adapter is asked for while the manifest comes; `waiting` sees the wait for it. Rejects with WebGPUNotAvailableError or
 * FeatureSupportError where there is none, and with what the manifest fails with.
 */
export async function backendsFor(
  choice: ModelChoice, coming: Promise<Manifest>, waiting: <T>(adapter: Promise<T>) => Promise<T> = (adapter) => adapter,
): Promise<Backends> {
  const device = asked(choice);
  if (device === "cpu") return cpuOf(await coming);
  const adapter = waiting(requestAdapter());
  if (device === "gpu") {
    const [manifest, found] = await Promise.all([coming, adapter]);
    return [new GpuBackend(found, manifest.library)];
  }
  const [manifest, gpu] = await Promise.all([coming, settled(adapter)]);
  const cpu = await settled((async () => cpuOf(manifest))());
  if (gpu.value === undefined) {
    if (cpu.value === undefined) throw gpu.error;
    log.info(`Without a GPU: ${String(gpu.error)}`);
    return cpu.value;
  }
  const onGpu = new GpuBackend(gpu.value, manifest.library);
  if (cpu.value === undefined) return [onGpu];
  return isSoftware(gpu.value) ? [...cpu.value, onGpu] : [onGpu, ...cpu.value];
}

async function settled<T>(work: Promise<T>): Promise<{ readonly value?: T; readonly error?: unknown }> {
  try {
    return { value: await work };
  } catch (error) {
    return { error };
  }
}
