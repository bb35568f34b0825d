"""Writes what C++, TypeScript and Python know alike, from its source: the wasm ABI and the numbers of a plan from abi.json, the limits that
builder and browser share from limits.json.

    python constants/generate.py           # after a change of either
    python constants/generate.py --check   # exit status 1 where a generated file is out of date
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
NOTICE = "Generated from constants/{source} by constants/generate.py. Do not edit."


class Constant(TypedDict):
    value: float
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
    steps: list[Function]


Constants = Mapping[str, Constant]


def cpp_constants(constants: Constants) -> str:
    return "".join(f"constexpr int32_t {name} = {one['value']};  // {one['meaning']}\n" for name, one in constants.items())


def typescript_constants(constants: Constants) -> str:
    return "".join(f"/** {one['meaning']} */\nexport const {name} = {one['value']};\n" for name, one in constants.items())


def python_constants(constants: Constants) -> str:
    return "".join(f"{name} = {one['value']}  # {one['meaning']}\n" for name, one in constants.items())


def _comment(text: str, prefix: str) -> str:
    return textwrap.fill(text, 116, initial_indent=prefix, subsequent_indent=prefix)


def cpp_functions(functions: list[Function]) -> str:
    """A parameter is an int32_t where it does not say what else."""
    lines = ["struct Step;", "struct Team;", "", 'extern "C" {']
    for function in functions:
        result = {"void": "void ", "i32": "int32_t ", "i32*": "int32_t* "}[function["returns"]]
        parameters = ", ".join(name if " " in name else f"int32_t {name}" for name in function["parameters"])
        lines += ["", _comment(function["meaning"], "// "), f"{result}{function['name']}({parameters});"]
    return "\n".join([*lines, "", "}", ""])


def _interface(functions: list[Function]) -> list[str]:
    lines = []
    for function in functions:
        parameters = ", ".join(f"{name.split()[-1]}: number" for name in function["parameters"])
        pointer = "Pointer to i32. " if function["returns"] == "i32*" else ""
        lines += ["  /**", _comment(pointer + function["meaning"], "   * "), "   */"]
        lines.append(f"  {function['name']}({parameters}): {'void' if function['returns'] == 'void' else 'number'};")
    return [*lines, "}", ""]


def typescript_functions(functions: list[Function], steps: list[Function]) -> str:
    lines = [
        "/**",
        " * The exports of every model.wasm, besides its launch functions. A pointer is a byte offset into `memory`.",
        " * Any call may grow the memory, which detaches old views: make a view of `memory.buffer` after the call.",
        " */",
        "export interface WasmAbi {",
        "  readonly memory: WebAssembly.Memory;",
        *_interface(functions),
        "/** What a library for the CPU exports beside those, but for the memory, which it imports. */",
        "export interface StepsAbi {",
        *_interface(steps),
        "const WASM_ABI_FUNCTIONS = [",
    ]
    lines += [f'  "{function["name"]}",' for function in functions]
    lines += [
        "] as const satisfies readonly (keyof WasmAbi)[];",
        "",
        "export function isWasmAbi(exports: WebAssembly.Exports): exports is WebAssembly.Exports & WasmAbi {",
        '  return exports["memory"] instanceof WebAssembly.Memory',
        '    && WASM_ABI_FUNCTIONS.every((name) => typeof exports[name] === "function");',
        "}",
        "",
        "const STEPS_FUNCTIONS = [",
    ]
    lines += [f'  "{function["name"]}",' for function in steps]
    lines += [
        "] as const satisfies readonly (keyof StepsAbi)[];",
        "",
        "export function isStepsAbi(exports: WebAssembly.Exports): exports is WebAssembly.Exports & StepsAbi {",
        '  return STEPS_FUNCTIONS.every((name) => typeof exports[name] === "function");',
        "}",
        "",
    ]
    return "\n".join(lines)


def python_functions(constant: str, functions: list[Function]) -> str:
    return "\n".join([f"{constant}: tuple[str, ...] = (", *(f'    "{function["name"]}",' for function in functions), ")", ""])


def generated_files() -> dict[Path, str]:
    """Path of each generated file and its right content."""
    abi: Abi = json.loads((HERE / "abi.json").read_text("utf-8"))
    limits: Constants = json.loads((HERE / "limits.json").read_text("utf-8"))
    of_abi, of_limits = (NOTICE.format(source=source) for source in ("abi.json", "limits.json"))
    in_wasm, everywhere = {**abi["errors"], **abi["limits"]}, {**abi["errors"], **abi["limits"], **abi["plan"]}
    browser, builder = ROOT / "runtime_js" / "src", ROOT / "builder" / "webllm_build"
    return {
        ROOT / "wasm_support" / "src" / "abi.generated.h": (
            f"// {of_abi}\n#pragma once\n\n#include <stdint.h>\n\n{cpp_constants(in_wasm)}\n"
            f"{cpp_functions([*abi['functions'], *abi['steps']])}"
        ),
        browser / "executor" / "abi.generated.ts": (
            f"// {of_abi}\n\n{typescript_constants(everywhere)}\n{typescript_functions(abi['functions'], abi['steps'])}"
        ),
        builder / "compile" / "abi_generated.py": (
            f'"""{of_abi}"""\n\n{python_constants({**abi["limits"], **abi["plan"]})}\n'
            f"{python_functions('WASM_ABI_FUNCTIONS', abi['functions'])}\n{python_functions('STEPS_FUNCTIONS', abi['steps'])}"
        ),
        browser / "support" / "limits.generated.ts": f"// {of_limits}\n\n{typescript_constants(limits)}",
        builder / "limits_generated.py": f'"""{of_limits}"""\n\n{python_constants(limits)}',
    }


def main() -> int:
    stale = {path: text for path, text in generated_files().items() if not path.is_file() or path.read_text("utf-8") != text}
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path} does not match its source: run `python constants/generate.py` and commit the result", file=sys.stderr)
        return 1 if stale else 0
    for path, text in stale.items():
        path.write_text(text, "utf-8")
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
