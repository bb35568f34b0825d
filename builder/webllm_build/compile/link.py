"""Links the launch functions with wasm_support into model.wasm, which carries the plan and the WGSL."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from webllm_build.compile import wasm_sections
from webllm_build.compile.abi_generated import WASM_ABI_FUNCTIONS
from webllm_build.compile.toolchain import linker, run, support_object
from webllm_build.compile.wasm_sections import read_custom_section
from webllm_build.errors import ToolchainError

__all__ = ["PLAN_SECTION", "WGSL_SECTION", "link_library", "read_custom_section"]

PLAN_SECTION = "webllm.plan"
WGSL_SECTION = "webllm.wgsl"

# The stack lies first, so that an overflow traps instead of overwriting data. Neither part recurses or has large locals.
LINK_FLAGS = ("--no-entry", "--strip-all", "--fatal-warnings", "--stack-first", "-z", "stack-size=16384")


def link_library(launch_object: bytes, launch_exports: Sequence[str], plan: bytes, wgsl: bytes, toolchain: str) -> bytes:
    """model.wasm: exports the functions of constants/abi.json, `launch_exports` and `memory`; imports nothing.

    launch_object: wasm32 object file that defines `launch_exports`, each (n: i32, kv_len: i32, out: i32) -> ().
    plan, wgsl: content of the custom sections PLAN_SECTION and WGSL_SECTION.
    toolchain: "ziglang" or "emscripten". Same inputs, same bytes.
    Raises ToolchainError where the toolchain is missing, refuses the object, or makes something other than the above.
    """
    names = [*WASM_ABI_FUNCTIONS, *launch_exports]
    command = linker(toolchain)
    support = support_object()
    with tempfile.TemporaryDirectory() as folder:
        inputs = {Path(folder, "launch.o"): launch_object, Path(folder, "support.o"): support}
        for path, content in inputs.items():
            path.write_bytes(content)
        linked = Path(folder, "model.wasm")
        flags = [*LINK_FLAGS, *(f"--export={name}" for name in names)]
        run([*command, *flags, "-o", str(linked), *map(str, inputs)], "Linking model.wasm")
        wasm = linked.read_bytes()
    wasm += wasm_sections.custom_section(PLAN_SECTION, plan) + wasm_sections.custom_section(WGSL_SECTION, wgsl)
    check_library(wasm, launch_exports)
    return wasm


def check_library(wasm: bytes, launch_exports: Sequence[str]) -> None:
    """Raises ToolchainError where a module's imports or exports are not a model library's, MalformedFile where it is no module."""
    if count := wasm_sections.import_count(wasm):
        raise ToolchainError(f"The linked model.wasm imports {count} things; a model library must import nothing.")
    expected = dict.fromkeys((*WASM_ABI_FUNCTIONS, *launch_exports), "function") | {"memory": "memory"}
    found = wasm_sections.exports(wasm)
    if found != expected:
        wrong = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
        raise ToolchainError(f"The linked model.wasm has missing, extra or wrong exports: {', '.join(wrong[:10])}.")
