"""Learnt positions of patches of pictures: sums of a few rows of a table."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.dequantize import load_block
from webllm_build.compile.kernels.linear.epilogue import PLAIN, QUADS, weight_buffers
from webllm_build.compile.kernels.tir.ops import VEC, Kernel, ceildiv, launch, let, local, size, splat, store, vec, when
from webllm_build.quantize import GROUP, Part

THREADS = 64


def taps_added(part: Part, count: int) -> PrimFunc:
    """out[i] = x[i] + the sum over t of factors[i, t] * table[taps[i, t]]; the same in every variant. A number outside the table is its
    nearest row's.

    Parameters: x float32[n, columns], taps int32[n, count], factors float32[n, count], w_<suffix> of the table [rows, columns], out as x.
    An invocation has a block of 32 columns.
    """
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
        with launch([ceildiv(n * blocks, THREADS)], [THREADS]) as ((workgroup,), (thread,)):
            index = let("index", workgroup * THREADS + thread)
            with when(index < n * blocks):
                patch, block = index // blocks, index % blocks
                sums = local("sums", QUADS * VEC)
                for j in range(QUADS):
                    store(sums, x[patch, vec(block * QUADS + j)], vec(j))
                with T.serial(count) as tap:
                    row = let("row", T.max(T.min(taps[patch, tap], rows - 1), 0))
                    factor = splat(let("factor", factors[patch, tap]))
                    values = load_block(part.scheme, weight, row * blocks + block)
                    for j in range(QUADS):
                        store(sums, sums[vec(j)] + values.values(j) * factor, vec(j))
                for j in range(QUADS):
                    store(out, sums[vec(j)], patch, vec(block * QUADS + j))
    return kernel.func
