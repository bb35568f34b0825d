/** One thread's instance of a library. All that it computes lies in the memory, which threads may share. */

import { isStepsAbi, type StepsAbi } from "../abi.generated.ts";

export interface CpuInstance {
  readonly exports: WebAssembly.Exports;
  readonly steps: StepsAbi;
  /** Of the first kernel, in the module's function table. */
  readonly firstKernel: number;
}

/** What a library imports. */
export function imports(memory: WebAssembly.Memory): WebAssembly.Imports {
  return { env: { memory, now: () => performance.now() } };
}

/**
 * Prepares a thread's instance. Every thread puts the kernels into its own table, in one order, so that they have one number everywhere.
 * Raises TypeError where the module is not such a library.
 */
export function prepareInstance({ exports }: WebAssembly.Instance, entries: readonly string[]): CpuInstance {
  const table = exports["__indirect_function_table"];
  if (!isStepsAbi(exports) || !(table instanceof WebAssembly.Table)) throw new TypeError("it lacks exports of the step loop");
  const firstKernel = table.grow(entries.length);
  entries.forEach((entry, i) => {
    const kernel = exports[entry];
    if (typeof kernel !== "function") throw new TypeError(`it has no kernel ${entry}`);
    table.set(firstKernel + i, kernel);
  });
  return { exports, steps: exports, firstKernel };
}
