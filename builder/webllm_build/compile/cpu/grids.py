"""What towers of convolutions do with the grids of pictures, whose places are rows."""

from __future__ import annotations

import functools

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.epilogue import FUNCTIONS
from webllm_build.compile.cpu.ops import at, exp, joined, sum_of, units, zeros
from webllm_build.compile.grid_operators import GridKernels
from webllm_build.compile.kernels.grids import NOTHING, convolution_buffers, squares
from webllm_build.compile.kernels.tir.ops import VEC, Expr, Kernel, let, local, size, splat, store, vec
from webllm_build.model.ops import Function
from webllm_build.model.vision.ops import Convolution


def convolve(convolution: Convolution, activation: Function | None) -> PrimFunc:
    """As kernels/grids.py; a unit is a place."""
    vectors, each = convolution.outputs // VEC, convolution.outputs // convolution.channels
    with Kernel() as kernel:
        x, weight, bias, out = convolution_buffers(kernel, convolution)

        def four(row: Expr, i: Expr) -> Expr:
            return x[row, vec(i)] if each == 1 else joined([x[row, (i * VEC + j) // each] for j in range(VEC)])

        with units(out.shape[0]) as place:
            with T.serial(vectors) as i:
                store(out, bias[vec(i)], place, vec(i))
            with squares(convolution, place) as (tap, row, column):
                if convolution.patch:
                    for channel in range(convolution.channels):
                        value = splat(let("value", x[row, channel * convolution.patch**2 + column]))
                        first = (channel * convolution.kernel**2 + tap) * vectors
                        with T.serial(vectors) as i:
                            store(out, out[place, vec(i)] + value * weight[vec(first + i)], place, vec(i))
                else:
                    with T.serial(vectors) as i:
                        store(out, out[place, vec(i)] + four(row, i) * weight[vec(tap * vectors + i)], place, vec(i))
            if activation is not None:
                with T.serial(vectors) as i:
                    store(out, FUNCTIONS[activation](let("y_of", out[place, vec(i)])), place, vec(i))
    return kernel.func


def attend(heads: int, head_dim: int, count: int) -> PrimFunc:
    """As kernels/grids.py; a unit is a head of a query."""
    columns, quads = heads * head_dim, head_dim // VEC
    with Kernel() as kernel:
        n = size("n")
        qkv = kernel.buffer("qkv", (n, 3 * columns), "float32")
        out = kernel.buffer("out", (n, columns), "float32")
        with units(n * heads) as unit:
            query, head = let("query", unit // heads), let("head", unit % heads)
            first = let("first", query // count * count)
            scores, sums = local("scores", 2), zeros("sums", quads)
            store(scores, T.float32(NOTHING), 0)
            store(scores, T.float32(0), 1)
            with T.serial(count) as key:
                products = zeros("products", 1)
                for j in range(quads):
                    product = qkv[query, vec(head * quads + j)] * qkv[first + key, vec((heads + head) * quads + j)]
                    store(products, products[at(0)] + product, at(0))
                score = let("score", sum_of(products[at(0)]) * T.float32(head_dim**-0.5))
                higher = let("higher", T.max(scores[0], score))
                before, share = let("before", exp(scores[0] - higher)), let("share", exp(score - higher))
                store(scores, higher, 0)
                store(scores, scores[1] * before + share, 1)
                for j in range(quads):
                    value = qkv[first + key, vec((2 * heads + head) * quads + j)]
                    store(sums, sums[at(j)] * splat(before) + value * splat(share), at(j))
            inverse = splat(let("inverse", T.float32(1) / scores[1]))
            for j in range(quads):
                store(out, sums[at(j)] * inverse, query, vec(head * quads + j))
    return kernel.func


def squeeze(columns: int, count: int) -> PrimFunc:
    """As kernels/grids.py; a unit is four columns."""
    vectors = columns // VEC
    with Kernel() as kernel:
        n = size("n")
        x = kernel.buffer("x", (n * count, columns), "float32")
        out = kernel.buffer("out", (n, columns), "float32")
        with units(n * vectors) as unit:
            row, sums = unit // vectors, zeros("sums", 1)
            with T.serial(count) as i:
                store(sums, sums[at(0)] + x[row * count + i, vec(unit % vectors)], at(0))
            store(out, sums[at(0)] * splat(T.float32(1 / count)), row, vec(unit % vectors))
    return kernel.func


GRIDS = GridKernels(*(functools.cache(make) for make in (convolve, attend, squeeze)))
