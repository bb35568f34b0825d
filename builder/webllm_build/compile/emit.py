"""Lowered Relax functions → steps of a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import tvm
from tvm import relax, tirx

from webllm_build.compile.export import FUNCTIONS
from webllm_build.compile.io import Layout
from webllm_build.compile.launch import launch_function
from webllm_build.compile.plan import Function, Kernel, Tile, VariantPlan, slot_count
from webllm_build.compile.target import DEFAULT_LIMITS, Variant
from webllm_build.compile.tiles import TiledKernel
from webllm_build.compile.wgsl import CompiledKernel, Known, compile_kernels
from webllm_build.errors import CompileError
from webllm_build.signals import held_back


@dataclass(frozen=True)
class _Call:
    """One kernel call: the TIR function's name and a buffer id for each of its parameters."""

    kernel: str
    buffers: tuple[int, ...]


@dataclass(frozen=True)
class _Operator:
    """What becomes a kernel of the plan: one TIR function in all its tiles."""

    name: str
    tiles: tuple[CompiledKernel, ...]
    defaults: Mapping[str, int]

    def __post_init__(self) -> None:
        if len({(tile.arguments, tile.access, len(tile.uniform)) for tile in self.tiles}) > 1:
            raise CompileError(f"The tiles of {self.name} do not take the same arguments.")


class Emitter:
    """Collects variants; WGSL texts are shared by all of them."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._ids = _buffer_ids(layout)
        self._wgsl: dict[str, int] = {}
        self._known: Known = {}
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
    def add(self, variant: Variant, module: tvm.IRModule, tiles: Mapping[str, TiledKernel]) -> None:
        """Adds a variant from its lowered module and the tiles of its kernels."""
        names = {var: var.name_hint for var in module.get_global_vars()}
        workspace = _Workspace(first_id=len(self._ids))
        calls = {
            spec.name: _Walker(self._ids, workspace, self._ids.get(spec.result or "")).walk(module[spec.name]) for spec in FUNCTIONS
        }
        used = {call.kernel for function in calls.values() for call in function}
        operators = compile_operators({name: module[var] for var, name in names.items() if name in used}, tiles, variant, self._known)
        functions = {
            name: self._function(f"launch_{len(self._variants)}_{name}", function, operators) for name, function in calls.items()
        }
        self._variants.append(
            VariantPlan(
                name=variant.name,
                features=variant.features,
                language_features=variant.language_features,
                min_subgroup_size=variant.lanes if variant.subgroups else 0,
                limits=self._limits([tile for operator in operators.values() for tile in operator.tiles], variant, workspace.sizes),
                state_bytes=self._layout.state_bytes(variant),
                workspace=tuple(workspace.sizes),
                kernels=tuple(self._kernel(operator) for operator in operators.values()),
                functions=functions,
            )
        )

    def _kernel(self, operator: _Operator) -> Kernel:
        first = operator.tiles[0]
        uniform = len(first.access) if first.uniform else -1
        tiles = tuple(Tile(self._wgsl.setdefault(tile.wgsl, len(self._wgsl)), tile.entry) for tile in operator.tiles)
        return Kernel(operator.name, first.access, uniform, len(first.uniform), tiles, operator.defaults)

    def _function(self, launch: str, calls: list[_Call], operators: Mapping[str, _Operator]) -> Function:
        order = list(operators)
        used = list(dict.fromkeys(call.kernel for call in calls))
        steps = tuple(
            (used.index(call.kernel), tuple(call.buffers[argument] for argument in operators[call.kernel].tiles[0].arguments))
            for call in calls
        )
        self.launches[launch] = launch_function([tile for name in used for tile in operators[name].tiles])
        return Function(launch, tuple(order.index(name) for name in used), steps)

    def _limits(self, kernels: Sequence[CompiledKernel], variant: Variant, workspace: list[int]) -> dict[str, int]:
        """What the variant asks of the adapter: WebGPU's defaults, or more where a buffer of this model needs it."""
        states, sizes = self._layout.states, self._layout.state_bytes(variant)
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


def compile_operators(
    functions: Mapping[str, tirx.PrimFunc], tiles: Mapping[str, TiledKernel], variant: Variant, known: Known | None = None
) -> dict[str, _Operator]:
    """Scheduled functions by name, and the tiles of those that have several."""
    split = {name: tiles[name].named(name) if name in tiles else {name: function} for name, function in functions.items()}
    kernels = compile_kernels({name: function for parts in split.values() for name, function in parts.items()}, variant, known)
    defaults = {name: tiles[name].defaults if name in tiles else {} for name in functions}
    return {name: _Operator(name, tuple(kernels[part] for part in parts), defaults[name]) for name, parts in split.items()}


def _buffer_ids(layout: Layout) -> dict[str, int]:
    names = [buffer.name for buffer in layout.weights]
    names += [state.name for state in layout.model.states]
    names += [buffer.name for buffer in layout.io]
    return {name: index for index, name in enumerate(names)}


@dataclass
class _Workspace:
    """Scratch buffers shared by all functions of a variant, which never run at the same time: each as large as the largest use."""

    first_id: int
    sizes: list[int] = field(default_factory=list)

    def buffer(self, slot: int, size: int) -> int:
        if slot == len(self.sizes):
            self.sizes.append(0)
        self.sizes[slot] = max(self.sizes[slot], -(-size // 16) * 16)
        return self.first_id + slot


class _Walker:
    """Follows the bindings of one lowered function: allocations name workspace, calls become steps, the rest are aliases."""

    def __init__(self, ids: Mapping[str, int], workspace: _Workspace, result: int | None) -> None:
        self._ids = ids
        self._workspace = workspace
        self._result = result
        self._value: dict[relax.Var, int | tuple[relax.Expr, ...]] = {}
        self._slots = 0

    def walk(self, function: relax.Function) -> list[_Call]:
        for parameter in function.params:
            self._value[parameter] = self._ids[parameter.name]
        bindings = [binding for block in function.body.blocks for binding in block.bindings]
        results = self._result_storages(function, bindings)
        calls: list[_Call] = []
        for binding in bindings:
            value = binding.value
            if not isinstance(value, relax.Call):
                self._alias(binding.var, value)
            elif isinstance(value.op, relax.GlobalVar):
                calls.append(_Call(value.op.name_hint, tuple(self._buffer(argument) for argument in value.args)))
            elif value.op.name == "relax.memory.alloc_storage":
                self._value[binding.var] = self._allocate(value) if binding.var not in results else self._require_result()
            elif value.op.name == "relax.memory.alloc_tensor":
                if int(value.args[1].value) != 0:
                    raise CompileError("The memory plan puts a tensor inside another's storage, which the plan cannot say.")
                self._value[binding.var] = self._buffer(value.args[0])
            elif not value.op.name.startswith("relax.memory.kill"):
                raise CompileError(f"Lowering left a call of {value.op.name}, which is no kernel.")
        return calls

    def _result_storages(self, function: relax.Function, bindings: list[relax.Binding]) -> set[relax.Var]:
        """Storages of tensors that the function returns: they are io buffers, not workspace."""
        returned = {function.body.body}
        storages: set[relax.Var] = set()
        for binding in reversed(bindings):
            if binding.var not in returned:
                continue
            if isinstance(binding.value, relax.Call):
                if binding.value.op.name == "relax.memory.alloc_tensor":
                    storages.add(binding.value.args[0])
            elif isinstance(binding.value, relax.Var):
                returned.add(binding.value)
        return storages

    def _require_result(self) -> int:
        if self._result is None:
            raise CompileError("A function without a result returns a tensor of its own.")
        return self._result

    def _allocate(self, call: relax.Call) -> int:
        (size,) = call.args[0].values
        if not isinstance(size, tirx.IntImm):
            raise CompileError(f"An allocation has the size {size}, which has no upper bound.")
        self._slots += 1
        return self._workspace.buffer(self._slots - 1, int(size))

    def _alias(self, var: relax.Var, value: relax.Expr) -> None:
        if isinstance(value, relax.Tuple):
            self._value[var] = tuple(value.fields)
        elif isinstance(value, relax.TupleGetItem):
            fields = self._value[value.tuple_value]
            if not isinstance(fields, tuple):
                raise CompileError(f"{value.tuple_value} is not a tuple.")
            self._value[var] = self._buffer(fields[value.index])
        elif isinstance(value, relax.Var):
            self._value[var] = self._value[value]
        else:
            raise CompileError(f"Lowering left {type(value).__name__} {value}, which is no kernel.")

    def _buffer(self, expr: relax.Expr) -> int:
        value = self._value.get(expr)
        if not isinstance(value, int):
            raise CompileError(f"{expr} is not a buffer.")
        return value
