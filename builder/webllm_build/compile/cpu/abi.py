"""TIR kernels as C functions, and the launch functions that tell their units."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import tvm
import tvm_ffi
from tvm import s_tir, tirx
from tvm.script.ir_builder import IRBuilder
from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.named_values import floats_in_arrays
from webllm_build.compile.cpu.ops import FIRST, LAST, UNITS
from webllm_build.compile.kernels.tir.ops import HAND_WRITTEN

ARGUMENTS = ("n", FIRST, LAST)


@dataclass(frozen=True, eq=False)
class CFunction:
    """`void kernel(uint8_t *memory, const uint32_t *buffers, int32_t n, int32_t first, int32_t last)`: buffer i begins at
    memory + buffers[i]. (TIR has no pointers in memory; where memory begins at 0, buffers are pointers.)

    units: an expression of the size "n". access: "read" or "read_write" of each buffer.
    """

    function: tirx.PrimFunc
    units: tvm.ir.Expr
    access: tuple[str, ...]


def c_function(kernel: tirx.PrimFunc) -> CFunction:
    """A kernel, written by hand (see ops.py) or by TVM, which then is one unit."""
    units = kernel.attrs[UNITS] if UNITS in kernel.attrs else tirx.IntImm("int32", 1)
    if HAND_WRITTEN not in kernel.attrs:
        kernel = _without_blocks(kernel)
    with IRBuilder() as builder:
        with T.prim_func():
            pointers = [T.arg(name, T.handle(dtype, "global")) for name, dtype in (("memory", "uint8"), ("buffers", "uint32"))]
            for name in ARGUMENTS:
                T.arg(name, T.int32())
            memory = T.decl_buffer((1 << 30,), "uint8", data=pointers[0])
            buffers = T.decl_buffer((len(kernel.params),), "uint32", data=pointers[1])
            for index in range(len(kernel.params)):
                T.evaluate(T.address_of(memory[T.Cast("int32", buffers[index])]))
        frame = builder.get()
    declared, pointers = list(frame.body.seq)[:2], [statement.value for statement in list(frame.body.seq)[2:]]
    sizes = {variable.name: variable for variable in frame.params}
    free = tirx.analysis.undefined_vars(kernel.body, list(kernel.params))
    shapes = [tirx.Evaluate(extent) for parameter in kernel.params for extent in parameter.shape]
    free = {variable.name: variable for variable in [*free, *tirx.analysis.undefined_vars(tirx.SeqStmt(shapes), [])]}
    # Sizes that a call does not know are those of outermost axes, which no address depends on.
    bound = [
        tirx.Bind(variable, tirx.Cast(str(variable.ty.dtype), sizes.get(name, tirx.IntImm("int32", 0)))) for name, variable in free.items()
    ]
    views = [tirx.DeclBuffer(parameter, data=pointer) for parameter, pointer in zip(kernel.params, pointers, strict=True)]
    body = tirx.SeqStmt([*declared, *bound, *views, floats_in_arrays(kernel.body)])
    written = _written(kernel)
    access = tuple("read_write" if any(parameter.same_as(each) for each in written) else "read" for parameter in kernel.params)
    return CFunction(tirx.PrimFunc(frame.params, body), units, access)


def _without_blocks(kernel: tirx.PrimFunc) -> tirx.PrimFunc:
    passes = [
        s_tir.transform.PlanAndUpdateBufferAllocationLocation(),
        s_tir.transform.ConvertBlocksToOpaque(),
        s_tir.transform.CompactBufferAllocation(),
        s_tir.transform.LowerOpaqueBlock(),
    ]
    return tvm.transform.Sequential(passes)(tvm.IRModule({"kernel": kernel}))["kernel"]


def _written(kernel: tirx.PrimFunc) -> list[tvm.ir.Var]:
    stored: list[tvm.ir.Var] = []

    def visit(store: tirx.BufferStore) -> None:
        stored.append(store.buffer)

    tvm_ffi.structural_walk(kernel.body, [(tirx.BufferStore, visit)])
    return stored


def launch_function(units: Iterable[tvm.ir.Expr]) -> tirx.PrimFunc:
    """(n: int32, kv_len: int32, out: int32*): writes each kernel's number of units. kv_len is not used: a launch function of the GPU's
    has it."""
    counts = list(units)
    with IRBuilder() as builder:
        with T.prim_func():
            n = T.arg("n", T.int32())
            T.arg("kv_len", T.int32())
            pointer = T.arg("out", T.handle("int32", "global"))
            out = T.decl_buffer((len(counts),), "int32", data=pointer)
            for index, count in enumerate(counts):
                value = tvm_ffi.structural_map(count, (tvm.ir.Var, lambda _: n))
                T.buffer_store(out, tirx.Cast("int32", value), [index])
        return builder.get()
