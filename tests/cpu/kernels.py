"""Kernels alone, on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from machine import Array, Native, place, run_kernel
from tvm.tirx import PrimFunc

from webllm_build.compile.cpu.abi import c_function, launch_function
from webllm_build.compile.cpu.variant import target
from webllm_build.compile.launch import compile_functions

MEMORY = 64 << 20


class NativeKernels:
    """By name."""

    def __init__(self, folder: Path, kernels: Mapping[str, PrimFunc]) -> None:
        made = {name: c_function(kernel) for name, kernel in kernels.items()}
        functions = {name: kernel.function for name, kernel in made.items()}
        launches = {f"units_of_{name}": launch_function([kernel.units]) for name, kernel in made.items()}
        self._machine = Native(folder, [compile_functions({**functions, **launches}, target("native"))], MEMORY)

    def run(self, name: str, arrays: Mapping[str, Array], n: int) -> dict[str, Array]:
        """On arrays in the order of its parameters: what they hold afterwards."""
        _, end = place([array.nbytes for array in arrays.values()])
        self._machine.memory[: end + 4096] = 255
        self._machine.launch(f"units_of_{name}", n, end)
        units = int(self._machine.memory[end : end + 4].view(np.int32)[0])
        return run_kernel(self._machine, name, arrays, units, n)
