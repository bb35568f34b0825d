"""Learnt positions of patches of pictures: sums of a few rows of a table."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.ops import units
from webllm_build.compile.cpu.unpack import QUADS, values_of
from webllm_build.compile.kernels.linear.epilogue import PLAIN, weight_buffers
from webllm_build.compile.kernels.tir.ops import VEC, Kernel, let, size, splat, store, vec
from webllm_build.quantize import GROUP, Part


def taps_added(part: Part, count: int) -> PrimFunc:
    """As kernels/taps.py; a unit is a patch."""
    rows, columns = part.shape
    PLAIN.check(rows, columns)
    blocks = columns // GROUP
    with Kernel() as kernel:
        n = size("n")
        x = kernel.buffer("x", (n, columns), "float32")
        taps = kernel.buffer("taps", (n, count), "int32")
        factors = kernel.buffer("factors", (n, count), "float32")
        weight = weight_buffers(kernel, part.scheme, rows, columns)
        out = kernel.buffer("out", (n, columns), "float32")
        with units(n) as patch:
            with T.serial(columns // VEC) as column:
                store(out, x[patch, vec(column)], patch, vec(column))
            with T.serial(count) as tap:
                row = let("row", T.max(T.min(taps[patch, tap], rows - 1), 0))
                factor = splat(let("factor", factors[patch, tap]))
                with T.serial(blocks) as block:
                    for j, value in enumerate(values_of(part.scheme, weight, row * blocks + block)):
                        at = vec(block * QUADS + j)
                        store(out, out[patch, at] + value * factor, patch, at)
    return kernel.func
