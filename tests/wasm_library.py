"""wasm_support as a native shared library and as a wasm module, behind one interface, for tests."""

from __future__ import annotations

import ctypes
import json
import runpy
import struct
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import wasmtime

ROOT = Path(__file__).resolve().parents[1]
ABI = json.loads((ROOT / "constants" / "abi.json").read_text("utf-8"))
POINTERS = frozenset(function["name"] for function in ABI["functions"] if function["returns"] == "i32*")
BUILD = runpy.run_path(str(ROOT / "wasm_support" / "build.py"))


class Library(Protocol):
    """One instance with a state of its own. Pointers are opaque numbers, 0 for none."""

    def call(self, name: str, *arguments: int) -> int: ...

    def read(self, pointer: int, count: int) -> list[int]:
        """count i32 values."""
        ...


class NativeLibrary:
    """path: a shared library; two instances need two files, as the system loads a file once."""

    def __init__(self, path: Path) -> None:
        self._functions = ctypes.CDLL(str(path))
        for function in ABI["functions"]:
            symbol = self._functions[function["name"]]
            symbol.argtypes = [ctypes.c_int32] * len(function["parameters"])
            symbol.restype = ctypes.c_void_p if function["name"] in POINTERS else ctypes.c_int32
            setattr(self._functions, function["name"], symbol)

    def call(self, name: str, *arguments: int) -> int:
        return getattr(self._functions, name)(*arguments) or 0

    def read(self, pointer: int, count: int) -> list[int]:
        return list((ctypes.c_int32 * count).from_address(pointer)) if count else []


class WasmLibrary:
    def __init__(self, wasm: bytes) -> None:
        self._store = wasmtime.Store()
        instance = wasmtime.Instance(self._store, wasmtime.Module(self._store.engine, wasm), [])
        self.exports: Mapping[str, object] = instance.exports(self._store)

    def call(self, name: str, *arguments: int) -> int:
        function = self.exports[name]
        assert isinstance(function, wasmtime.Func)
        result = function(self._store, *arguments)
        return result & 0xFFFFFFFF if name in POINTERS else result or 0

    def read(self, pointer: int, count: int) -> list[int]:
        memory = self.exports["memory"]
        assert isinstance(memory, wasmtime.Memory)
        return list(struct.unpack(f"<{count}i", memory.read(self._store, pointer, pointer + 4 * count)))

    def memory_bytes(self) -> int:
        memory = self.exports["memory"]
        assert isinstance(memory, wasmtime.Memory)
        return memory.data_len(self._store)


def build_native(destination: Path, *extra_sources: Path) -> None:
    builder: Callable[..., None] = BUILD["build_native"]
    builder(destination, *extra_sources)


def compile_c(source: str, destination: Path) -> bytes:
    """A wasm32 object file of a C source, compiled as wasm_support is."""
    path = destination.with_suffix(".c")
    path.write_text(source)
    subprocess.run([*BUILD["ZIG"], "cc", *BUILD["WASM"], "-c", str(path), "-o", str(destination)], check=True)
    return destination.read_bytes()
