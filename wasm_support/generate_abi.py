"""Writes what C++, TypeScript and Python know of the wasm ABI, and of the plan's numbers, from their one source, abi.json.

    python wasm_support/generate_abi.py           # after a change of abi.json
    python wasm_support/generate_abi.py --check   # exit status 1 where a generated file is out of date
"""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path
from typing import TypedDict

HERE = Path(__file__).resolve().parent
NOTICE = "Generated from wasm_support/abi.json by wasm_support/generate_abi.py. Do not edit."


class Constant(TypedDict):
    value: int
    meaning: str


class Function(TypedDict):
    name: str
    parameters: list[str]
    returns: str
    meaning: str


class Abi(TypedDict):
    errors: dict[str, Constant]
    limits: dict[str, Constant]
    plan: dict[str, Constant]
    functions: list[Function]


def _comment(text: str, prefix: str) -> str:
    return textwrap.fill(text, 116, initial_indent=prefix, subsequent_indent=prefix)


def c_header(abi: Abi) -> str:
    lines = [f"// {NOTICE}", "#pragma once", "", "#include <stdint.h>", ""]
    for name, constant in {**abi["errors"], **abi["limits"]}.items():
        lines.append(f"constexpr int32_t {name} = {constant['value']};  // {constant['meaning']}")
    lines += ["", 'extern "C" {']
    for function in abi["functions"]:
        result = {"i32": "int32_t ", "i32*": "int32_t* "}[function["returns"]]
        parameters = ", ".join(f"int32_t {name}" for name in function["parameters"])
        lines += ["", _comment(function["meaning"], "// "), f"{result}{function['name']}({parameters});"]
    return "\n".join([*lines, "", "}", ""])


def typescript(abi: Abi) -> str:
    lines = [f"// {NOTICE}", ""]
    for title, group in (("ABI_ERRORS", abi["errors"]), ("ABI_LIMITS", abi["limits"]), ("PLAN", abi["plan"])):
        lines.append(f"export const {title} = {{")
        for name, constant in group.items():
            lines += [f"  /** {constant['meaning']} */", f"  {name}: {constant['value']},"]
        lines += ["} as const;", ""]
    lines += [
        "/**",
        " * The exports of every model.wasm, besides its launch functions. A pointer is a byte offset into `memory`.",
        " * Any call may grow the memory, which detaches old views: make a view of `memory.buffer` after the call.",
        " */",
        "export interface WasmAbi {",
        "  readonly memory: WebAssembly.Memory;",
    ]
    for function in abi["functions"]:
        parameters = ", ".join(f"{name}: number" for name in function["parameters"])
        pointer = "Pointer to i32. " if function["returns"] == "i32*" else ""
        lines += ["  /**", _comment(pointer + function["meaning"], "   * "), "   */"]
        lines.append(f"  {function['name']}({parameters}): number;")
    lines += ["}", "", "export const WASM_ABI_FUNCTIONS = ["]
    lines += [f'  "{function["name"]}",' for function in abi["functions"]]
    lines += [
        "] as const satisfies readonly (keyof WasmAbi)[];",
        "",
        "export function isWasmAbi(exports: WebAssembly.Exports): exports is WebAssembly.Exports & WasmAbi {",
        '  return exports["memory"] instanceof WebAssembly.Memory',
        '    && WASM_ABI_FUNCTIONS.every((name) => typeof exports[name] === "function");',
        "}",
        "",
    ]
    return "\n".join(lines)


def python(abi: Abi) -> str:
    constants = [f"{name} = {constant['value']}  # {constant['meaning']}" for name, constant in {**abi["limits"], **abi["plan"]}.items()]
    lines = [f'"""{NOTICE}"""', "", *constants, "", "WASM_ABI_FUNCTIONS: tuple[str, ...] = ("]
    lines += [f'    "{function["name"]}",' for function in abi["functions"]]
    return "\n".join([*lines, ")", ""])


def generated_files() -> dict[Path, str]:
    """Path of each generated file and its right content."""
    abi: Abi = json.loads((HERE / "abi.json").read_text("utf-8"))
    return {
        HERE / "src" / "abi.generated.h": c_header(abi),
        HERE.parent / "runtime_js" / "src" / "executor" / "abi.generated.ts": typescript(abi),
        HERE.parent / "builder" / "webllm_build" / "compile" / "abi_generated.py": python(abi),
    }


def main() -> int:
    stale = [path for path, text in generated_files().items() if not path.is_file() or path.read_text("utf-8") != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path} does not match abi.json: run `python wasm_support/generate_abi.py` and commit the result", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(generated_files()[path], "utf-8")
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
