"""Kernels for other numbers of rows than a call has: the places of pictures' grids, of which a patch has many, or a picture one."""

from __future__ import annotations

import functools
from typing import TypeVar

import tvm
import tvm_ffi
from tvm import tirx
from tvm.relax.frontend import nn
from tvm.sym import Analyzer

from webllm_build.compile.cpu.ops import UNITS
from webllm_build.compile.tiles import TiledKernel

N = 1 << 20  # of which all such numbers are multiples or parts

AnyKernel = TypeVar("AnyKernel", tirx.PrimFunc, TiledKernel)


def for_rows(kernel: AnyKernel, like: nn.Tensor) -> AnyKernel:
    """A kernel of symbolically many rows (n), for as many as a tensor has."""
    times, over = ratio(like)
    return kernel if times == over else _for_ratio(kernel, times, over)


def ratio(like: nn.Tensor) -> tuple[int, int]:
    """Of how many rows a tensor has to those of its function's call: one of the two is 1. (1, 1) where it has a number of its own."""
    count = like.shape[0]
    if not isinstance(count, tvm.ir.Expr) or isinstance(count, tirx.IntImm | tvm.ir.Var):
        return 1, 1
    whole = tvm_ffi.structural_map(count, (tvm.ir.Var, lambda var: tirx.IntImm(str(var.ty.dtype), N)))
    rows = int(Analyzer().simplify(whole))
    return max(1, rows // N), max(1, N // rows)


@functools.cache
def _for_ratio(kernel: AnyKernel, times: int, over: int) -> AnyKernel:
    if isinstance(kernel, TiledKernel):
        return TiledKernel({label: _for_ratio(each, times, over) for label, each in kernel.functions.items()}, kernel.defaults)

    def rows(var: tvm.ir.Var) -> tvm.ir.Expr:
        return var * times // over if var.name == "n" else var

    mapped = tvm_ffi.structural_map(kernel, (tvm.ir.Var, rows))
    if UNITS not in kernel.attrs:
        return mapped
    return mapped.with_attr(UNITS, tvm_ffi.structural_map(kernel.attrs[UNITS], (tvm.ir.Var, rows)))  # which is not mapped with the body
