"""What kernels of the CPU run on: this machine, or WebAssembly. Both have one memory, in which buffers are places."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import wasmtime
from tvm.tirx import PrimFunc
from tvm_ffi import StructuralKey

from webllm_build.compile.cpu.variant import target
from webllm_build.compile.launch import compile_functions

Array = npt.NDArray[Any]

ALIGNMENT = 64
SLACK = 64  # readable bytes behind each buffer


class Machine(Protocol):
    memory: npt.NDArray[np.uint8]

    def kernel(self, entry: str, buffers: int, n: int, first: int, last: int) -> None:
        """buffers: where in memory the places of its buffers are."""

    def launch(self, entry: str, n: int, out: int) -> None: ...


# Of this process, by all that they depend on: models of two families have two thirds of their functions in common.
_known: dict[Any, Any] = {}


class Native:
    """Functions by their exports, as TVM's LLVM makes them for this machine."""

    def __init__(self, folder: Path, functions: Mapping[str, PrimFunc], size: int) -> None:
        keys = {name: StructuralKey(function) for name, function in functions.items()}
        fresh = {key: functions[name] for name, key in keys.items() if key not in _known}
        if fresh:
            named = {f"f{number}": function for number, function in enumerate(fresh.values())}
            made, library = folder / "functions.o", folder / "functions.so"
            made.write_bytes(compile_functions(named, target("native")))
            subprocess.run([sys.executable, "-m", "ziglang", "cc", "-shared", "-o", str(library), str(made)], check=True)
            loaded = ctypes.CDLL(str(library))
            _known.update((key, getattr(loaded, name)) for key, name in zip(fresh, named, strict=True))
        self._functions = {name: _known[key] for name, key in keys.items()}
        whole = np.zeros(size + ALIGNMENT, np.uint8)
        self.memory = whole[-whole.ctypes.data % ALIGNMENT :][:size]

    def kernel(self, entry: str, buffers: int, n: int, first: int, last: int) -> None:
        base = self.memory.ctypes.data
        self._functions[entry](ctypes.c_void_p(base), ctypes.c_void_p(base + buffers), n, first, last)

    def launch(self, entry: str, n: int, out: int) -> None:
        self._functions[entry](n, 0, ctypes.c_void_p(self.memory.ctypes.data + out))


class Wasm:
    """A linked library. `base`: what lies before it is the module's own. alike: relaxed instructions do what they do on every machine,
    and not what is fast on this one (on x86, where bytes are multiplied in pairs)."""

    def __init__(self, library: bytes, size: int, *, alike: bool = False) -> None:
        config = wasmtime.Config()
        config.wasm_simd = config.wasm_relaxed_simd = config.wasm_threads = True
        config.wasm_relaxed_simd_deterministic = alike
        store = wasmtime.Store(wasmtime.Engine(config))
        pages = -(-size // 65536) + 8
        memory = wasmtime.Memory(store, wasmtime.MemoryType(wasmtime.Limits(pages, 65536)))
        module = wasmtime.Module(store.engine, library)
        clock = wasmtime.Func(store, wasmtime.FuncType([], [wasmtime.ValType.f64()]), lambda: 0.0)
        imports = [memory if kind.name == "memory" else clock for kind in module.imports]
        self._store = store
        self._exports: Any = wasmtime.Instance(store, module, imports).exports(store)
        heap_base: Any = self._exports["__heap_base"]
        self.base = -(-int(heap_base.value(store)) // ALIGNMENT) * ALIGNMENT
        pointer = ctypes.cast(memory.data_ptr(store), ctypes.POINTER(ctypes.c_uint8))
        self.memory = np.ctypeslib.as_array(pointer, (memory.data_len(store),))[self.base :]

    def kernel(self, entry: str, buffers: int, n: int, first: int, last: int) -> None:
        # Places are from `memory` on, which begins at `base`.
        self._exports[entry](self._store, self.base, self.base + buffers, n, first, last)

    def launch(self, entry: str, n: int, out: int) -> None:
        self._exports[entry](self._store, n, 0, self.base + out)


def place(sizes: Sequence[int]) -> tuple[list[int], int]:
    """Where buffers of these sizes lie, behind each other, and where they end."""
    places, end = [], 0
    for size in sizes:
        places.append(end)
        end += -(-(size + SLACK) // ALIGNMENT) * ALIGNMENT
    return places, end


def run_kernel(machine: Machine, entry: str, arrays: Mapping[str, Array], units: int, n: int) -> dict[str, Array]:
    """Runs a kernel alone, on arrays in the order of its parameters; gives what they hold afterwards. The last units are computed first."""
    places, end = place([array.nbytes for array in arrays.values()])
    for start, array in zip(places, arrays.values(), strict=True):
        machine.memory[start : start + array.nbytes] = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    machine.memory[end : end + 4 * len(places)] = np.array(places, np.uint32).view(np.uint8)
    middle = units // 2
    machine.kernel(entry, end, n, middle, units)
    machine.kernel(entry, end, n, 0, middle)
    return {
        name: machine.memory[start : start + array.nbytes].view(array.dtype).reshape(array.shape).copy()
        for start, (name, array) in zip(places, arrays.items(), strict=True)
    }
