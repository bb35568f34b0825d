/** The browser's GPU adapter. */

import { WebGPUNotAvailableError } from "../support/errors.ts";

export async function requestAdapter(): Promise<GPUAdapter> {
  const gpu = typeof navigator === "undefined" ? undefined : navigator.gpu;
  if (gpu === undefined || gpu === null) {
    throw new WebGPUNotAvailableError(globalThis.isSecureContext === false
      ? "WebGPU needs a secure page: open it over https:// or on localhost."
      : "This browser has no WebGPU. Use a current Chrome, Edge, Firefox or Safari, and allow graphics acceleration in its settings.");
  }
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null) {
    throw new WebGPUNotAvailableError(
      "The browser has WebGPU but found no GPU that it may use. Turn on graphics acceleration, update the graphics driver, restart the browser.");
  }
  return adapter;
}
