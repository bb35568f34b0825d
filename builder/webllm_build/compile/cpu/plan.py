"""The plan of a CPU's library: as the GPU's (compile/plan.py), with kernels that are functions of the module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from webllm_build.compile.abi_generated import PLAN_FORMAT
from webllm_build.compile.plan import Function, PlanHead


@dataclass(frozen=True)
class CpuKernel:
    """entry: the export that computes units of it. bindings: "read" or "read_write" of each argument."""

    name: str
    entry: str
    bindings: tuple[str, ...]


@dataclass(frozen=True)
class CpuVariantPlan:
    """As VariantPlan. A function's `launch` writes one int32 for each of its kernels: how many units it has."""

    name: str
    state_bytes: tuple[int, ...]
    workspace: tuple[int, ...]
    functions: Mapping[str, Function]


@dataclass(frozen=True)
class CpuPlan(PlanHead):
    """Variants in the order of preference; their functions name kernels by their places in `kernels`."""

    kernels: tuple[CpuKernel, ...]
    variants: tuple[CpuVariantPlan, ...]
    format: int = PLAN_FORMAT
