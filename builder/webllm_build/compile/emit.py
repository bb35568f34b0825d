"""Lowered Relax functions → steps of a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import tvm
from tvm import tirx

from webllm_build.compile.export import FunctionSpec
from webllm_build.compile.io import Layout
from webllm_build.compile.launch import launch_function
from webllm_build.compile.plan import Function, Kernel, Tile, VariantPlan, slot_count
from webllm_build.compile.target import DEFAULT_LIMITS, Variant
from webllm_build.compile.tiles import TiledKernel
from webllm_build.compile.walk import Call, Workspace, buffer_ids, calls_of
from webllm_build.compile.wgsl import CompiledKernel, compile_kernels
from webllm_build.errors import CompileError
from webllm_build.signals import held_back


@dataclass(frozen=True)
class _Operator:
    """What becomes a kernel of the plan: one TIR function in all its tiles. They may need other sizes: a tile whose height divides the
    number of rows, whatever it is, has no bounds to check."""

    name: str
    tiles: tuple[CompiledKernel, ...]
    defaults: Mapping[str, int]

    def __post_init__(self) -> None:
        if len({(tile.arguments, tile.access, bool(tile.uniform)) for tile in self.tiles}) > 1:
            raise CompileError(f"The tiles of {self.name} do not take the same arguments.")


class Emitter:
    """Collects variants; WGSL texts are shared by all of them."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._wgsl: dict[str, int] = {}
        self._variants: list[VariantPlan] = []
        self.launches: dict[str, tirx.PrimFunc] = {}

    @property
    def variants(self) -> tuple[VariantPlan, ...]:
        places = {old: new for new, old in enumerate(self._order)}

        def ordered(kernel: Kernel) -> Kernel:
            return replace(kernel, tiles=tuple(replace(tile, wgsl=places[tile.wgsl]) for tile in kernel.tiles))

        return tuple(replace(variant, kernels=tuple(map(ordered, variant.kernels))) for variant in self._variants)

    @property
    def wgsl(self) -> list[str]:
        modules = list(self._wgsl)
        return [modules[index] for index in self._order]

    @property
    def _order(self) -> list[int]:
        """Modules by their entry points: what is alike comes together, and is compressed to almost nothing when it is served."""
        entries = {tile.wgsl: tile.entry for variant in self._variants for kernel in variant.kernels for tile in kernel.tiles}
        return sorted(entries, key=lambda index: (entries[index], index))

    @held_back()
    def add(self, variant: Variant, specs: Sequence[FunctionSpec], module: tvm.IRModule, tiles: Mapping[str, TiledKernel]) -> None:
        """Adds a variant from its functions' lowered module and the tiles of its kernels."""
        names = {var: var.name_hint for var in module.get_global_vars()}
        workspace = Workspace(len(buffer_ids(self._layout)))
        calls = calls_of(module, specs, self._layout, workspace)
        used = {call.kernel for function in calls.values() for call in function}
        operators = compile_operators({name: module[var] for var, name in names.items() if name in used}, tiles, variant)
        functions = {name: self._function(f"launch_{len(self._variants)}_{name}", function, operators) for name, function in calls.items()}
        self._variants.append(
            VariantPlan(
                name=variant.name,
                features=variant.features,
                language_features=variant.language_features,
                min_subgroup_size=variant.lanes if variant.subgroups else 0,
                limits=self._limits([tile for operator in operators.values() for tile in operator.tiles], variant, workspace.sizes),
                state_bytes=self._layout.state_bytes(variant.kv_dtype),
                workspace=tuple(workspace.sizes),
                kernels=tuple(self._kernel(operator) for operator in operators.values()),
                functions=functions,
            )
        )

    def _kernel(self, operator: _Operator) -> Kernel:
        first = operator.tiles[0]
        uniform = len(first.access) if first.uniform else -1
        words = max(len(tile.uniform) for tile in operator.tiles)
        tiles = tuple(Tile(self._wgsl.setdefault(tile.wgsl, len(self._wgsl)), tile.entry) for tile in operator.tiles)
        return Kernel(operator.name, first.access, uniform, words, tiles, operator.defaults)

    def _function(self, launch: str, calls: list[Call], operators: Mapping[str, _Operator]) -> Function:
        order = list(operators)
        used = list(dict.fromkeys(call.kernel for call in calls))
        steps = tuple(
            (used.index(call.kernel), tuple(call.buffers[argument] for argument in operators[call.kernel].tiles[0].arguments))
            for call in calls
        )
        self.launches[launch] = launch_function([tile for name in used for tile in operators[name].tiles])
        return Function(launch, tuple(order.index(name) for name in used), steps)

    def _limits(self, kernels: Sequence[CompiledKernel], variant: Variant, workspace: list[int]) -> dict[str, int]:
        """What the variant asks of the adapter: WebGPU's defaults, or more where a buffer of this model needs it. Tiles with subgroup
        matrices run where there is more workgroup memory (executor/device.ts)."""
        kernels = [kernel for kernel in kernels if "subgroup_matrix" not in kernel.wgsl]
        states, sizes = self._layout.states, self._layout.state_bytes(variant.kv_dtype)
        slots = [slot_count(states, sizes) * size for state, size in zip(states, sizes, strict=True) if state.kind == "slots"]
        largest = max([*(buffer.bytes for buffer in (*self._layout.weights, *self._layout.io)), *workspace, *slots])
        needed = {
            "maxStorageBufferBindingSize": largest,
            "maxBufferSize": largest,
            "maxComputeWorkgroupStorageSize": max(kernel.workgroup_bytes for kernel in kernels),
            "maxComputeInvocationsPerWorkgroup": max(kernel.workgroup_threads for kernel in kernels),
            "maxStorageBuffersPerShaderStage": max(len(kernel.access) for kernel in kernels),
        }
        return {name: max(value, DEFAULT_LIMITS[name]) for name, value in needed.items()}


def compile_operators(functions: Mapping[str, tirx.PrimFunc], tiles: Mapping[str, TiledKernel], variant: Variant) -> dict[str, _Operator]:
    """Scheduled functions by name, and the tiles of those that have several."""
    split = {name: tiles[name].named(name) if name in tiles else {name: function} for name, function in functions.items()}
    kernels = compile_kernels({name: function for parts in split.values() for name, function in parts.items()}, variant)
    defaults = {name: tiles[name].defaults if name in tiles else {} for name in functions}
    return {name: _Operator(name, tuple(kernels[part] for part in parts), defaults[name]) for name, parts in split.items()}
