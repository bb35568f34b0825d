"""Links kernels and launch functions with wasm_support into a library for the CPU, which carries the plan."""

from __future__ import annotations

import tempfile
from pathlib import Path

from webllm_build.compile import wasm_sections
from webllm_build.compile.abi_generated import STEPS_FUNCTIONS, WASM_ABI_FUNCTIONS
from webllm_build.compile.cpu.pipeline import CompiledCpu
from webllm_build.compile.cpu.variant import Flavour
from webllm_build.compile.link import PLAN_SECTION
from webllm_build.compile.toolchain import linker, run, support_object
from webllm_build.errors import ToolchainError

# Memory is the page's, which decides whether threads share it, and every thread has a stack and a table of kernels of its own.
# The stack lies first, so that an overflow traps instead of overwriting data.
LINK_FLAGS = (
    "--no-entry", "--strip-all", "--fatal-warnings", "--no-check-features", "--stack-first", "-z", "stack-size=65536",
    "--import-memory", "--max-memory=4294967296", "--export-table", "--growable-table",
)  # fmt: skip
GLOBALS = ("__stack_pointer", "__heap_base")
TABLE = "__indirect_function_table"


def link_cpu_library(compiled: CompiledCpu, flavour: Flavour, toolchain: str) -> bytes:
    """A library: exports the functions of constants/abi.json, launch functions, kernels, GLOBALS and TABLE; imports memory, and a clock.

    toolchain: "ziglang" or "emscripten". Same inputs, same bytes.
    Raises ToolchainError where the toolchain is missing, refuses an object, or makes something other than the above.
    """
    functions = [*WASM_ABI_FUNCTIONS, *STEPS_FUNCTIONS, *compiled.exports]
    command = linker(toolchain)
    contents = {"shared.o": compiled.shared, "kernels.o": compiled.objects[flavour], "support.o": support_object()}
    with tempfile.TemporaryDirectory() as folder:
        for name, content in contents.items():
            Path(folder, name).write_bytes(content)
        linked = Path(folder, "model.wasm")
        exports = [f"--export={name}" for name in (*functions, *GLOBALS)]
        run([*command, *LINK_FLAGS, *exports, "-o", str(linked), *(str(Path(folder, name)) for name in contents)], "Linking for the CPU")
        wasm = linked.read_bytes()
    wasm += wasm_sections.custom_section(PLAN_SECTION, compiled.plan)
    found = wasm_sections.exports(wasm)
    expected = dict.fromkeys(functions, "function") | dict.fromkeys(GLOBALS, "global") | {TABLE: "table"}
    if found != expected:
        wrong = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
        raise ToolchainError(f"The CPU's library has missing, extra or wrong exports: {', '.join(wrong[:10])}.")
    return wasm
