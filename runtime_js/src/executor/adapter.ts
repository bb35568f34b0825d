/** The browser's GPU adapter, and what it says of itself. */

import { NoAnswerError, WebGPUNotAvailableError } from "../support/errors.ts";
import { owed } from "../support/patience.ts";
import { platform } from "../support/platform.ts";

/** Raises WebGPUNotAvailableError, or NoAnswerError. */
export async function requestAdapter(): Promise<GPUAdapter> {
  const gpu = typeof navigator === "undefined" ? undefined : navigator.gpu;
  if (gpu === undefined || gpu === null) {
    if (platform() !== undefined) {
      throw new WebGPUNotAvailableError("There is no WebGPU outside of this machine's browsers. A model that was built for the CPU too needs none: build it again.");
    }
    throw new WebGPUNotAvailableError(globalThis.isSecureContext === false
      ? "WebGPU needs a secure page: open it over https:// or on localhost."
      : "This browser has no WebGPU. Use a current Chrome, Edge, Firefox or Safari, and allow graphics acceleration in its settings.");
  }
  // Some systems answer a preference that they cannot follow with no GPU at all.
  const refusals: string[] = [];
  const ask = async (options?: GPURequestAdapterOptions): Promise<GPUAdapter | null> =>
    owed("an adapter of the GPU", gpu.requestAdapter(options));
  const refused = (error: unknown): null => {
    if (error instanceof NoAnswerError) throw error;
    refusals.push(` (${String(error)})`);
    return null;
  };
  const adapter = await ask({ powerPreference: "high-performance" }).catch(refused) ?? await ask().catch(refused);
  if (adapter === null) {
    throw new WebGPUNotAvailableError(
      `The browser has WebGPU but found no GPU that it may use${refusals.at(-1) ?? ""}. `
      + "Turn on graphics acceleration, update the graphics driver, restart the browser. "
      + "On Linux, Chrome may need chrome://flags/#enable-vulkan and chrome://flags/#enable-unsafe-webgpu.");
  }
  return adapter;
}

/** What tiles are chosen and kept by, and what users are told. */
export interface AdapterInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly isFallbackAdapter: boolean;
  readonly subgroupMinSize: number;
}

/** `adapter.info`, with nothing known where a browser does not have it (Chrome before 127) or leaves parts out. */
export function infoOf(adapter: { readonly info?: Partial<GPUAdapterInfo> }): AdapterInfo {
  const { vendor = "", architecture = "", device = "", description = "", isFallbackAdapter = false, subgroupMinSize = 0 } = adapter.info ?? {};
  return { vendor, architecture, device, description, isFallbackAdapter, subgroupMinSize };
}
