/** model-cpu.wasm: kernels, step loop and launch arithmetic over a memory that it is given; the sequence manager, with one of its own. */

import { isWasmAbi, type WasmAbi } from "../abi.generated.ts";
import { broken, compile, section } from "../library.ts";
import { askForMemory } from "./imported_memory.ts";
import { imports, prepareInstance, type CpuInstance } from "./instance.ts";
import { parseCpuPlan, type CpuPlan } from "./plan.ts";

export const WASM_PAGE = 65_536;
/** Of the page tables: far more than any conversation needs. */
const MOST_TABLE_PAGES = 1024;

export class CpuLibrary {
  readonly module: WebAssembly.Module;
  readonly plan: CpuPlan;
  readonly isShared: boolean;
  /** Of the sequence manager. */
  readonly abi: WasmAbi;
  /** Bytes at the beginning of the memory that are the library's own. */
  readonly ownBytes: number;

  private constructor(module: WebAssembly.Module, plan: CpuPlan, isShared: boolean, abi: WasmAbi, ownBytes: number) {
    [this.module, this.plan, this.isShared, this.abi, this.ownBytes] = [module, plan, isShared, abi, ownBytes];
  }

  /** isShared: whether threads are to compute with it. Raises ManifestError, FeatureSupportError where WebAssembly may not run. */
  static async load(bytes: Uint8Array<ArrayBuffer>, isShared: boolean): Promise<CpuLibrary> {
    const least = askForMemory(bytes, isShared);
    const module = await compile(bytes);
    if (least === undefined) throw broken("it does not import a memory with a maximum");
    const plan = parseCpuPlan(section(module, "webllm.plan"));
    const memory = new WebAssembly.Memory({ initial: least, maximum: Math.max(least, MOST_TABLE_PAGES), shared: isShared });
    const { exports } = await instantiate(module, memory);
    const manager = { ...exports, memory };
    const base = exports["__heap_base"];
    if (!isWasmAbi(manager) || !(base instanceof WebAssembly.Global)) throw broken("it lacks exports of this engine's ABI");
    return new CpuLibrary(module, plan, isShared, manager, Math.max(Number(base.value), least * WASM_PAGE));
  }

  /** An instance for this thread that computes in `memory`. Raises ManifestError. */
  async prepare(memory: WebAssembly.Memory): Promise<CpuInstance> {
    const instance = await instantiate(this.module, memory);
    try {
      return prepareInstance(instance, this.plan.kernels.map(({ entry }) => entry));
    } catch (error) {
      throw broken(String(error));
    }
  }
}

function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<WebAssembly.Instance> {
  return WebAssembly.instantiate(module, imports(memory)).catch((error: unknown) => { throw error instanceof RangeError ? error : broken(String(error)); });
}
