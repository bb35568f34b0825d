/** wasm_support by the compiler that builds the package. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isWasmAbi, type WasmAbi } from "../../src/executor/abi.generated.ts";

const PYTHON = [process.env["PYTHON"], "../.venv/bin/python"].find((path) => path !== undefined && existsSync(path)) ?? "python3";
export const ZIG = [PYTHON, "-m", "ziglang"];

export function run(...command: readonly string[]): void {
  const [name = "", ...more] = command;
  const { status, stderr } = spawnSync(name, more, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
}

/** What is made with files in a folder of its own. */
export function inFolder<T>(work: (path: (name: string) => string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "support-library-"));
  try {
    return work((name) => join(folder, name));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The relocatable object, and what it exports. */
export function compileSupport(object: string): readonly string[] {
  run(PYTHON, "../wasm_support/build.py", "wasm", object);
  return [...readFileSync("src/executor/abi.generated.ts", "utf8").matchAll(/^ {2}"(\w+)",$/gm)].map(([, name]) => name ?? "");
}

/** The sequence manager alone. */
export async function supportLibrary(): Promise<() => WasmAbi> {
  const module = await WebAssembly.compile(inFolder((path) => {
    const names = compileSupport(path("support.o")).filter((name) => !name.startsWith("steps_"));
    run(...ZIG, "wasm-ld", "--no-entry", "--gc-sections", ...names.map((name) => `--export=${name}`), "-o", path("support.wasm"), path("support.o"));
    return Uint8Array.from(readFileSync(path("support.wasm")));
  }));
  return () => {
    const { exports } = new WebAssembly.Instance(module);
    if (!isWasmAbi(exports)) throw new Error("the library lacks exports");
    return exports;
  };
}
