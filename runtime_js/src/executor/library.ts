/** model.wasm: the KV manager and the launch arithmetic as code, the plan and the WGSL as custom sections. */

import { FeatureSupportError, ManifestError } from "../support/errors.ts";
import { LAUNCH_WORDS, MAX_SCRATCH_BYTES, isWasmAbi, type WasmAbi } from "./abi.generated.ts";
import { parsePlan, type Plan } from "./plan.ts";

const MAX_SECTION_BYTES = 1 << 26;

/** LAUNCH_WORDS int32 for each tile of each kernel of a function: grid x, y, z, then uniform words. Valid until the next call. */
export type Launch = (n: number, kvLength: number) => Int32Array;

/** Of a library that cannot be used. */
export function broken(message: string): ManifestError {
  return new ManifestError(`The model library is not usable: ${message}. Build the model again with a matching webllm-build.`);
}

/** The JSON in a custom section. */
export function section(module: WebAssembly.Module, name: string): unknown {
  const [bytes, ...others] = WebAssembly.Module.customSections(module, name);
  if (bytes === undefined || others.length > 0) throw broken(`it has ${others.length + (bytes ? 1 : 0)} sections ${name}, not one`);
  if (bytes.byteLength > MAX_SECTION_BYTES) throw broken(`its section ${name} has ${bytes.byteLength} bytes`);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw broken(`its section ${name} is not JSON (${String(error)})`);
  }
}

/** The smallest module there is. */
const EMPTY_MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** Where not even an empty module compiles, it is not the library that is wrong. */
export async function compile(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (error) {
    const isForbidden = typeof WebAssembly === "undefined" || await WebAssembly.compile(EMPTY_MODULE).then(() => false, () => true);
    if (!isForbidden) throw broken(String(error));
    throw new FeatureSupportError(`WebAssembly is not allowed here (${String(error)}). A page with a content security policy allows it by `
      + "script-src 'wasm-unsafe-eval'.");
  }
}

export class ModelLibrary {
  readonly plan: Plan;
  readonly abi: WasmAbi;
  readonly #exports: WebAssembly.Exports;

  private constructor(plan: Plan, exports: WebAssembly.Exports, abi: WasmAbi) {
    this.plan = plan;
    this.#exports = exports;
    this.abi = abi;
  }

  /** Raises ManifestError where the bytes are no model library, FeatureSupportError where WebAssembly may not run. */
  static async load(bytes: Uint8Array<ArrayBuffer>): Promise<ModelLibrary> {
    const module = await compile(bytes);
    const plan = parsePlan(section(module, "webllm.plan"), section(module, "webllm.wgsl"));
    const instance = await WebAssembly.instantiate(module).catch((error: unknown) => { throw error instanceof RangeError ? error : broken(String(error)); });
    const exports = instance.exports;
    if (!isWasmAbi(exports)) throw broken("it lacks exports of this engine's ABI");
    return new ModelLibrary(plan, exports, exports);
  }

  /** The launch function called `name`, for a function whose kernels have `tileCount` tiles together. */
  launch(name: string, tileCount: number): Launch {
    const run = this.#exports[name];
    if (typeof run !== "function") throw broken(`it has no launch function ${name}`);
    const words = tileCount * LAUNCH_WORDS;
    if (words * 4 > MAX_SCRATCH_BYTES) throw broken(`${name} launches ${tileCount} tiles of kernels`);
    return (n, kvLength) => {
      const out = this.abi.scratch(words * 4);
      if (out === 0) throw broken("it has no memory for launch arithmetic");
      run(n, kvLength, out);
      return new Int32Array(this.abi.memory.buffer, out, words);
    };
  }
}
