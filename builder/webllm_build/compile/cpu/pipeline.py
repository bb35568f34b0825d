"""Model → plan and object files of the CPU's libraries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import tvm
import tvm_ffi
from tvm import tirx

from webllm_build.compile.cpu.abi import CFunction, c_function, launch_function
from webllm_build.compile.cpu.lower import cpu
from webllm_build.compile.cpu.plan import CpuKernel, CpuPlan, CpuVariantPlan
from webllm_build.compile.cpu.variant import CPU_VARIANTS, CpuVariant, Flavour, target
from webllm_build.compile.export import export_module
from webllm_build.compile.io import Layout
from webllm_build.compile.launch import compile_functions
from webllm_build.compile.pipeline import lower_module, plan_model
from webllm_build.compile.plan import Function
from webllm_build.compile.tiles import TiledKernel
from webllm_build.compile.verify import verify_function
from webllm_build.compile.walk import Workspace, buffer_ids, calls_of


@dataclass(frozen=True, eq=False)
class CompiledCpu:
    """What the linker puts into the CPU's libraries. shared: an object file with what they have in common, objects: those of each flavour.
    exports: the launch functions and the kernels."""

    plan: bytes
    shared: bytes
    objects: Mapping[Flavour, bytes]
    exports: tuple[str, ...]


def compile_cpu(
    layout: Layout,
    flavours: Sequence[Flavour],
    variants: Sequence[CpuVariant] = CPU_VARIANTS,
    debug_dump: Path | None = None,
    functions: Sequence[str] | None = None,
) -> CompiledCpu:
    """Compiles the layout's model for CPUs. debug_dump, functions: as `compile_model` takes them.

    Raises:
        CompileError: TVM or a kernel refused.
        PlanError: the plan breaks its specification.
    """
    kernels, plans = _Kernels(flavours), []
    launches: dict[str, tirx.PrimFunc] = {}
    for number, variant in enumerate(variants):
        backend = cpu(layout, variant, flavours).part(layout.model, functions)
        exported = export_module(layout.model, layout, backend)
        # Loops are scheduled as they are written.
        module = lower_module(exported.module, target(flavours[0]), variant.name, debug_dump, without=["schedule"])
        workspace = Workspace(len(buffer_ids(layout)))
        calls = calls_of(module, backend.functions, layout, workspace)
        numbers = kernels.add(module, exported.tiles, {call.kernel for function in calls.values() for call in function})
        planned: dict[str, Function] = {}
        for name, function in calls.items():
            launch, used = f"launch_{number}_{name}", list(dict.fromkeys(numbers[call.kernel] for call in function))
            planned[name] = Function(launch, tuple(used), tuple((used.index(numbers[call.kernel]), call.buffers) for call in function))
            launches[launch] = launch_function([kernels.units(index) for index in used])
        plans.append(CpuVariantPlan(variant.name, layout.state_bytes(variant.kv_dtype), tuple(workspace.sizes), planned))
    plan = CpuPlan(plan_model(layout), layout.weights, layout.states, layout.io, layout.stored, kernels.described, tuple(plans))
    for made in plan.variants:
        for name, steps in made.functions.items():
            verify_function(plan, plan.kernels, steps, plan.workspace_base + len(made.workspace), f"variant {made.name}, {name}")
    return CompiledCpu(
        plan=plan.to_json(),
        shared=compile_functions({**launches, **kernels.shared}, target(flavours[0])),
        objects={flavour: compile_functions(kernels.of(flavour), target(flavour)) for flavour in flavours},
        exports=(*launches, *(kernel.entry for kernel in plan.kernels)),
    )


class _Kernels:
    """The kernels of all variants: what they have in common is compiled once."""

    def __init__(self, flavours: Sequence[Flavour]) -> None:
        self._flavours = flavours
        self._numbers: dict[tuple[str, tvm_ffi.StructuralKey], int] = {}
        self._names: list[str] = []
        self._functions: list[dict[Flavour, CFunction]] = []

    def add(self, module: tvm.IRModule, tiles: Mapping[str, TiledKernel], used: Set[str]) -> dict[str, int]:
        """The number of each kernel that is used, by its name in the module. tiles: flavours of those that have several."""
        functions = {var.name_hint: module[var] for var in module.get_global_vars() if var.name_hint in used}
        return {name: self._number(name, function, tiles.get(name)) for name, function in sorted(functions.items())}

    def _number(self, name: str, function: tirx.PrimFunc, tiled: TiledKernel | None) -> int:
        key = (name, tvm_ffi.StructuralKey(function))
        if key not in self._numbers:
            self._numbers[key] = len(self._names)
            self._names.append(name)
            if tiled is None:
                self._functions.append({self._flavours[0]: c_function(function)})
            else:
                self._functions.append({flavour: c_function(tiled.functions[flavour]) for flavour in self._flavours})
        return self._numbers[key]

    def units(self, number: int) -> tvm.ir.Expr:
        return self._first(number).units

    @property
    def described(self) -> tuple[CpuKernel, ...]:
        return tuple(CpuKernel(name, _entry(number), self._first(number).access) for number, name in enumerate(self._names))

    @property
    def shared(self) -> dict[str, tirx.PrimFunc]:
        """The functions that all flavours have, by their exports."""
        return {_entry(number): self._first(number).function for number, each in enumerate(self._functions) if len(each) == 1}

    def of(self, flavour: Flavour) -> dict[str, tirx.PrimFunc]:
        """Those that only a flavour has."""
        return {_entry(number): each[flavour].function for number, each in enumerate(self._functions) if len(each) > 1}

    def _first(self, number: int) -> CFunction:
        return next(iter(self._functions[number].values()))


def _entry(number: int) -> str:
    return f"k{number}"
