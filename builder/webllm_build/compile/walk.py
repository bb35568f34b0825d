"""Lowered Relax functions → kernel calls with numbered buffers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import tvm
from tvm import relax, tirx

from webllm_build.compile.export import FunctionSpec
from webllm_build.compile.io import Layout
from webllm_build.compile.launch import SIZES
from webllm_build.errors import CompileError


@dataclass(frozen=True)
class Call:
    """One kernel call: the TIR function's name and a buffer id for each of its parameters."""

    kernel: str
    buffers: tuple[int, ...]


def calls_of(module: tvm.IRModule, functions: Sequence[FunctionSpec], layout: Layout, workspace: Workspace) -> dict[str, list[Call]]:
    """The calls of each function; their scratch comes to the workspace, whose buffers are numbered behind all others."""
    ids = buffer_ids(layout)
    ids |= {alias: ids[name] for alias, name in layout.aliases.items()}
    calls = {}
    for spec in functions:
        if spec.rows == "n":
            _check_rows(module, module[spec.name])
        calls[spec.name] = Walker(ids, workspace, ids.get(spec.result or "")).walk(module[spec.name])
    return calls


def _check_rows(module: tvm.IRModule, function: relax.Function) -> None:
    """Sizes of a kernel are those of its function, whatever it is called with: one for as many rows as a chunk has would write behind the
    buffer of a chunk's last. Raises CompileError."""
    for call in (binding.value for block in function.body.blocks for binding in block.bindings):
        if not isinstance(call, relax.Call) or not isinstance(call.op, relax.GlobalVar):
            continue
        kernel = module[call.op]
        for parameter, argument in zip(kernel.params, call.args, strict=True):
            for taken, given in zip(parameter.shape, argument.ty.shape, strict=True):
                passed = {size.name for size in tirx.analysis.undefined_vars(taken, [])} & {*SIZES}
                if isinstance(given, tirx.IntImm) and passed:
                    raise CompileError(f"{call.op.name_hint} takes {taken} rows of {parameter.name}, which has {int(given)}.")


def buffer_ids(layout: Layout) -> dict[str, int]:
    names = [buffer.name for buffer in layout.weights]
    names += [state.name for state in layout.model.states]
    names += [buffer.name for buffer in layout.io]
    return {name: index for index, name in enumerate(names)}


@dataclass
class Workspace:
    """Scratch buffers shared by all functions of a variant, which never run at the same time: each as large as the largest use. The first
    is a function's largest, so that others' fit there."""

    first_id: int
    sizes: list[int] = field(default_factory=list)

    def buffer(self, slot: int, size: int) -> int:
        self.sizes += [0] * (slot + 1 - len(self.sizes))
        self.sizes[slot] = max(self.sizes[slot], -(-size // 16) * 16)
        return self.first_id + slot


class Walker:
    """Follows the bindings of one lowered function: allocations name workspace, calls become steps, the rest are aliases."""

    def __init__(self, ids: Mapping[str, int], workspace: Workspace, result: int | None) -> None:
        self._ids = ids
        self._workspace = workspace
        self._result = result
        self._value: dict[relax.Var, int | tuple[relax.Expr, ...]] = {}

    def walk(self, function: relax.Function) -> list[Call]:
        for parameter in function.params:
            self._value[parameter] = self._ids[parameter.name]
        bindings = [binding for block in function.body.blocks for binding in block.bindings]
        results = self._result_storages(function, bindings)
        if self._result is not None and not results:
            raise CompileError("Nothing that a function computes is found to be its result.")
        scratch = {b.var: _size(b.value) for b in bindings if _is_storage(b.value) and b.var not in results}
        slots = {var: slot for slot, var in enumerate(sorted(scratch, key=lambda var: -scratch[var]))}
        calls: list[Call] = []
        for binding in bindings:
            value = binding.value
            if not isinstance(value, relax.Call):
                self._alias(binding.var, value)
            elif isinstance(value.op, relax.GlobalVar):
                calls.append(Call(value.op.name_hint, tuple(self._buffer(argument) for argument in value.args)))
            elif _is_storage(value):
                var = binding.var
                self._value[var] = self._workspace.buffer(slots[var], scratch[var]) if var in scratch else self._require_result()
            elif value.op.name == "relax.memory.alloc_tensor":
                if int(value.args[1].value) != 0:
                    raise CompileError("The memory plan puts a tensor inside another's storage, which the plan cannot say.")
                self._value[binding.var] = self._buffer(value.args[0])
            elif not value.op.name.startswith("relax.memory.kill"):
                raise CompileError(f"Lowering left a call of {value.op.name}, which is not a kernel.")
        return calls

    def _result_storages(self, function: relax.Function, bindings: list[relax.Binding]) -> set[relax.Var]:
        """Storages of tensors that the function returns: they are io buffers, not workspace."""
        returned = {function.body.body}
        items: dict[relax.Var, set[int]] = {}  # those of a tuple that are returned
        storages: set[relax.Var] = set()
        for binding in reversed(bindings):
            value = binding.value
            if isinstance(value, relax.Tuple) and binding.var in items:
                returned.update(value.fields[index] for index in items[binding.var])
            if binding.var not in returned:
                continue
            if isinstance(value, relax.Call):
                if value.op.name == "relax.memory.alloc_tensor":
                    storages.add(value.args[0])
            elif isinstance(value, relax.Var):
                returned.add(value)
            elif isinstance(value, relax.Tuple):
                returned.update(value.fields)
            elif isinstance(value, relax.TupleGetItem):
                items.setdefault(value.tuple_value, set()).add(value.index)
        return storages

    def _require_result(self) -> int:
        if self._result is None:
            raise CompileError("A function without a result returns a tensor of its own.")
        return self._result

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
            raise CompileError(f"Lowering left {type(value).__name__} {value}, which is not a kernel.")

    def _buffer(self, expr: relax.Expr) -> int:
        value = self._value.get(expr)
        if not isinstance(value, int):
            raise CompileError(f"{expr} is not a buffer.")
        return value


def _is_storage(value: relax.Expr) -> bool:
    return isinstance(value, relax.Call) and isinstance(value.op, tvm.ir.Op) and value.op.name == "relax.memory.alloc_storage"


def _size(call: relax.Call) -> int:
    (size,) = call.args[0].values
    if not isinstance(size, tirx.IntImm):
        raise CompileError(f"An allocation has the size {size}, which has no upper bound.")
    return int(size)
