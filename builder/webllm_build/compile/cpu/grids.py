"""What towers of convolutions do with the grids of pictures, whose places are rows."""

from __future__ import annotations

import functools

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.attention import HIDDEN, weigh
from webllm_build.compile.cpu.epilogue import FUNCTIONS
from webllm_build.compile.cpu.ops import at, each, joined, sums_of, units, zeros
from webllm_build.compile.grid_operators import GridKernels
from webllm_build.compile.kernels.grids import convolution_buffers, squares
from webllm_build.compile.kernels.tir.ops import VEC, Expr, Kernel, let, local, size, splat, store, total, vec
from webllm_build.compile.kv_layout import PAGE_SIZE
from webllm_build.model.ops import Function
from webllm_build.model.vision.ops import Convolution

QUERIES = 16  # of a unit


def convolve(convolution: Convolution, activation: Function | None) -> PrimFunc:
    """As kernels/grids.py; a unit is a place."""
    vectors, of_channel = convolution.outputs // VEC, convolution.outputs // convolution.channels
    with Kernel() as kernel:
        x, weight, bias, out = convolution_buffers(kernel, convolution)

        def four(row: Expr, i: Expr) -> Expr:
            return x[row, vec(i)] if of_channel == 1 else joined([x[row, (i * VEC + j) // of_channel] for j in range(VEC)])

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
    """As kernels/grids.py; a unit is a head of some queries of a picture, for all of which its keys and values come from memory once."""
    columns, vectors, fours, blocks = heads * head_dim, head_dim // VEC, PAGE_SIZE // VEC, -(-count // QUERIES)
    with Kernel() as kernel:
        n = size("n")
        qkv = kernel.buffer("qkv", (n, 3 * columns), "float32")
        out = kernel.buffer("out", (n, columns), "float32")
        largest, weights, scores = local("largest", QUERIES), local("weights", QUERIES), local("scores", QUERIES * PAGE_SIZE)
        sums, mixed = local("sums", QUERIES * head_dim), local("mixed", head_dim)
        with units(n // count * blocks * heads) as unit:
            head, block = let("head", unit % heads), let("block", unit // heads % blocks)
            begin = let("begin", unit // heads // blocks * count)
            first, queries = let("first", begin + block * QUERIES), let("queries", T.min(count - block * QUERIES, QUERIES))

            def four(part: Expr, quad: Expr, kind: int) -> list[list[Expr]]:
                """Keys (1) or values (2), behind the last one that one again."""
                keys = [part * PAGE_SIZE + quad * VEC + k for k in range(VEC)]
                rows = [let("row", begin + (T.min(key, count - 1) if count % PAGE_SIZE else key)) for key in keys]
                return [[qkv[row, vec((kind * heads + head) * vectors + j)] for j in range(vectors)] for row in rows]

            with T.serial(queries) as i:
                store(largest, T.float32(HIDDEN), i)
                store(weights, T.float32(0), i)
                for j in range(vectors):
                    store(sums, splat(T.float32(0)), at(i * vectors + j))
            with T.serial(-(-count // PAGE_SIZE)) as part, T.serial(queries) as i:
                query = [let("query", qkv[first + i, vec(head * vectors + j)]) for j in range(vectors)]
                with T.serial(fours) as quad:
                    products = [let("products", total([a * b for a, b in zip(query, key, strict=True)])) for key in four(part, quad, 1)]
                    score = sums_of(products) * splat(T.float32(head_dim**-0.5))
                    is_one = T.ramp(part * PAGE_SIZE + quad * VEC, 1, VEC) < T.Broadcast(T.int32(count), VEC)
                    score = T.Select(is_one, score, splat(T.float32(HIDDEN))) if count % PAGE_SIZE else score
                    store(scores, score, at(i * fours + quad))
                weigh(i, scores, largest, weights, sums, vectors)
                for j in range(vectors):
                    store(mixed, sums[at(i * vectors + j)], at(j))
                with T.serial(fours) as quad:
                    shares = let("shares", scores[at(i * fours + quad)])
                    for k, value in enumerate(four(part, quad, 2)):
                        share = let("share", each(shares, k))
                        for j in range(vectors):
                            store(mixed, mixed[at(j)] + share * value[j], at(j))
                for j in range(vectors):
                    store(sums, mixed[at(j)], at(i * vectors + j))
            with T.serial(queries) as i:
                inverse = splat(let("inverse", T.float32(1) / weights[i]))
                for j in range(vectors):
                    store(out, sums[at(i * vectors + j)] * inverse, first + i, vec(head * vectors + j))
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
