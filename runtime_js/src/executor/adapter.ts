/** The browser's GPU adapter, and what it says of itself. */

import { NoAnswerError, WebGPUNotAvailableError } from "../support/errors.ts";
import { owed } from "../support/patience.ts";
import { platform } from "../support/platform.ts";

/** Raises WebGPUNotAvailableError, or NoAnswerError. */
export async function requestAdapter(): Promise<GPUAdapter> {
  const gpu = typeof navigator === "undefined" ? undefined : navigator.gpu;
  if (gpu === undefined || gpu === null) {
    if (platform() !== undefined) {
      throw new WebGPUNotAvailableError("There is no WebGPU here. Load the model with device \"cpu\" or \"auto\" (a model without a library for the CPU has to be "
        + "built again), run it in Deno, or give this thread a navigator.gpu, as the npm package webgpu has one.");
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
    const said = refusals.at(-1) ?? "";
    if (platform() !== undefined) throw new WebGPUNotAvailableError(`There is WebGPU here, and no GPU that it may use${said}. Update the graphics driver, or load the model with device "cpu".`);
    throw new WebGPUNotAvailableError(
      `The browser has WebGPU but found no GPU that it may use${said}. `
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

/** Deno tells the numbers that PCI has for vendors, which are here called as browsers call them. */
const VENDORS: ReadonlyMap<string, string> = new Map([
  ["4098", "amd"], ["4203", "apple"], ["4318", "nvidia"], ["5045", "arm"], ["6880", "google"], ["20803", "qualcomm"], ["32902", "intel"],
]);

function vendorOf(told: string): string {
  return /^\d+$/.test(told) ? VENDORS.get(told) ?? "" : told;
}

/** `adapter.info`, with nothing known where a browser does not have it (Chrome before 127) or leaves parts out. */
export function infoOf(adapter: { readonly info?: Partial<GPUAdapterInfo> }): AdapterInfo {
  const { vendor = "", architecture = "", device = "", description = "", isFallbackAdapter = false, subgroupMinSize = 0 } = adapter.info ?? {};
  return { vendor: vendorOf(vendor), architecture, device, description, isFallbackAdapter, subgroupMinSize };
}
