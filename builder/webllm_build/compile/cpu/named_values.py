"""Named floats as local arrays, which LLVM keeps in registers.

TVM's code generator tells its arithmetic analyzer of every value that has a name, and the analyzer writes each out by those that it was
computed from, again and again. Of polynomials of polynomials that is most of a compilation's time, and no address depends on floats.
"""

from __future__ import annotations

import tvm
import tvm_ffi
from tvm import tirx


def floats_in_arrays(body: tirx.Stmt) -> tirx.Stmt:
    """The statement, with each float that it binds in an array of its own."""
    arrays: dict[tvm.ir.Var, tvm.ir.Var] = {}
    index = {lanes: tirx.Ramp(tirx.IntImm("int32", 0), tirx.IntImm("int32", 1), lanes) for lanes in (2, 4, 8)}
    index[1] = tirx.IntImm("int32", 0)

    def collect(bind: tirx.Bind) -> None:
        scalar, _, lanes = str(bind.var.ty.dtype).partition("x")
        if scalar == "float32" and int(lanes or 1) in index:
            arrays[bind.var] = tirx.decl_buffer((int(lanes or 1),), scalar, bind.var.name, scope="local")

    def store(bind: tirx.Bind) -> tirx.Stmt:
        if bind.var not in arrays:
            return bind
        array = arrays[bind.var]
        return tirx.SeqStmt([tirx.AllocBuffer(array), tirx.BufferStore(array, bind.value, [index[int(array.shape[0])]])])

    def load(var: tvm.ir.Var, kind: tvm_ffi.DefRegionKind) -> tvm.ir.Expr:
        if kind != tvm_ffi.DefRegionKind.NONE or var not in arrays:
            return var
        return arrays[var].vload([index[int(arrays[var].shape[0])]])

    tvm_ffi.structural_walk(body, [(tirx.Bind, collect)])
    return tvm_ffi.structural_map(body, [(tirx.Bind, store)], [(tvm.ir.Var, load)])
