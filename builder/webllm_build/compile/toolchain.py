"""Where the wasm linker and the compiled wasm_support come from."""

from __future__ import annotations

import functools
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from webllm_build.errors import ToolchainError
from webllm_build.interpreter import python

PACKAGE = Path(__file__).resolve().parents[1]
PACKAGED_SUPPORT = PACKAGE / "_support" / "support.o"
SUPPORT_SOURCES = PACKAGE.parents[1] / "wasm_support"


def run(command: Sequence[str], what: str, folder: Path | None = None) -> str:
    """Runs a tool, in that folder, and gives its standard output. Raises ToolchainError with the tool's own words where it fails."""
    try:
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    except OSError as error:
        raise ToolchainError(f"{what}: {command[0]} could not be started: {error}") from error
    if result.returncode != 0:
        said = (result.stderr or result.stdout).strip()[-4000:]
        raise ToolchainError(f"{what}: {command[0]} ended with status {result.returncode}.", said)
    return result.stdout


def support_object() -> bytes:
    """The wasm32 object of wasm_support: the wheel's, or in a source checkout compiled now (zig's own cache makes that quick)."""
    if PACKAGED_SUPPORT.is_file():
        return PACKAGED_SUPPORT.read_bytes()
    script = SUPPORT_SOURCES / "build.py"
    if not script.is_file():
        raise ToolchainError(f"{PACKAGED_SUPPORT} is missing: the installation is incomplete.", "Install webllm-build again.")
    _ziglang_linker()
    return compile_support(script)


@functools.cache
def compile_support(script: Path) -> bytes:
    """Runs a checkout's wasm_support/build.py and gives the object it makes. Raises ToolchainError."""
    with tempfile.TemporaryDirectory() as folder:
        compiled = Path(folder) / "support.o"
        run([sys.executable, str(script), "wasm", str(compiled)], "Compiling wasm_support", script.parent)
        return compiled.read_bytes()


def linker(toolchain: str) -> list[str]:
    """Command that runs wasm-ld. `toolchain` is a key of TOOLCHAINS. Raises ToolchainError where it is not installed."""
    find = TOOLCHAINS.get(toolchain)
    if find is None:
        raise ToolchainError(f"There is no toolchain {toolchain!r}.", f"Use one of: {', '.join(TOOLCHAINS)}.")
    return find()


def linker_version(toolchain: str) -> str:
    """What it says of itself. Raises ToolchainError where it is not installed."""
    return run([*linker(toolchain), "--version"], "Asking the linker for its version").strip()


def _ziglang_linker() -> list[str]:
    if importlib.util.find_spec("ziglang") is None:
        raise ToolchainError("The package ziglang, which carries wasm-ld, is missing.", "Install webllm-build again with pip.")
    return python("ziglang", "wasm-ld")


def _emscripten_linker() -> list[str]:
    """The wasm-ld that Emscripten uses. Not through `emcc`: that adds its own runtime's exports and memory layout."""
    config = shutil.which("em-config")
    if shutil.which("emcc") is None or config is None:
        raise ToolchainError(
            "The toolchain emscripten was asked for, but emcc and em-config are not on PATH.",
            "Install Emscripten and activate it (source emsdk_env.sh), or leave --toolchain out: the default needs nothing.",
        )
    folder = run([config, "LLVM_ROOT"], "Asking Emscripten for its LLVM").strip()
    names = ["wasm-ld", *sorted(path.name for path in Path(folder).glob("wasm-ld-*"))]  # Debian's has a version at its end
    for name in names:
        if path := shutil.which(name, path=folder):
            return [path]
    raise ToolchainError(f"Emscripten's LLVM folder {folder} has no wasm-ld.", "Run emcc by hand: it says what its installation lacks.")


TOOLCHAINS: Mapping[str, Callable[[], list[str]]] = {"ziglang": _ziglang_linker, "emscripten": _emscripten_linker}
