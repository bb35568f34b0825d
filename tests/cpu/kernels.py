"""Kernels alone, on this machine or in WebAssembly."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from machine import Array, Machine, Native, Wasm, place, run_kernel
from tvm.tirx import PrimFunc

from webllm_build.compile.cpu import attention, kv_cache, lower, rope_append
from webllm_build.compile.cpu.abi import c_function, launch_function
from webllm_build.compile.cpu.link import link_cpu_library
from webllm_build.compile.cpu.pipeline import CompiledCpu
from webllm_build.compile.cpu.variant import Flavour, target
from webllm_build.compile.launch import compile_functions

MEMORY = 64 << 20


def _functions(kernels: Mapping[str, PrimFunc]) -> dict[str, PrimFunc]:
    """Kernels and their launch functions, by their exports."""
    made = {name: c_function(kernel) for name, kernel in kernels.items()}
    launches = {f"units_of_{name}": launch_function([kernel.units]) for name, kernel in made.items()}
    return {**{name: kernel.function for name, kernel in made.items()}, **launches}


class _Kernels:
    """By name."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def run(self, name: str, arrays: Mapping[str, Array], n: int) -> dict[str, Array]:
        """On arrays in the order of its parameters: what they hold afterwards."""
        _, end = place([array.nbytes for array in arrays.values()])
        self._machine.memory[: end + 4096] = 255
        self._machine.launch(f"units_of_{name}", n, end)
        units = int(self._machine.memory[end : end + 4].view(np.int32)[0])
        return run_kernel(self._machine, name, arrays, units, n)


class NativeKernels(_Kernels):
    def __init__(self, folder: Path, kernels: Mapping[str, PrimFunc]) -> None:
        super().__init__(Native(folder, _functions(kernels), MEMORY))


class WasmKernels(_Kernels):
    """alike: as Wasm takes it."""

    def __init__(self, kernels: Mapping[str, PrimFunc], flavour: Flavour = "relaxed", *, alike: bool) -> None:
        functions = _functions(kernels)
        compiled = CompiledCpu(
            plan=b"",
            shared=compile_functions({}, target(flavour)),
            objects={flavour: compile_functions(functions, target(flavour))},
            exports=tuple(functions),
        )
        super().__init__(Wasm(link_cpu_library(compiled, flavour, "ziglang"), MEMORY, alike=alike))


@contextmanager
def in_loops() -> Iterator[None]:
    """Models that are compiled meanwhile have loops over the heads of a layer and the vectors of a head, which others are written out for
    where they are few: LLVM takes half as long for them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention, "ALL_HEADS", 0)
        for module in (attention, kv_cache, rope_append):
            patch.setattr(module, "WRITTEN_OUT", 0)
        for name in ("_attention", "_rope_append"):  # which keep what they made
            patch.setattr(lower, name, functools.cache(getattr(lower, name).__wrapped__))
        yield
