"""Kernels of which a prefill has several for one recurrence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tvm.tirx import PrimFunc

from webllm_build.compile.tiles import TiledKernel


@dataclass(frozen=True, eq=False)
class Stage:
    """One of them. reads: what its first parameters are: names of the recurrence's inputs and weights and of what stages before made,
    "state", and "slots", which it writes too. makes: the other parameters, float32[n, *shape]."""

    name: str
    kernel: PrimFunc | TiledKernel
    reads: tuple[str, ...]
    makes: Mapping[str, tuple[int, ...]]
