"""What towers of convolutions do with the grids of pictures, whose places are rows; the same in every variant."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.grid_operators import GridKernels
from webllm_build.compile.kernels.linear.epilogue import FUNCTIONS
from webllm_build.compile.kernels.tir.ops import (
    VEC,
    Buffer,
    Expr,
    Kernel,
    barrier,
    ceildiv,
    dot,
    launch,
    let,
    local,
    shared,
    size,
    splat,
    store,
    total,
    vec,
    when,
)
from webllm_build.model.ops import Function
from webllm_build.model.vision.ops import Convolution

THREADS = 256
QUERIES, KEYS = 64, 32  # of a workgroup, and of these in its memory at once
NOTHING = -1e30


def convolution_buffers(kernel: Kernel, convolution: Convolution) -> tuple[Buffer, Buffer, Buffer, Buffer]:
    """Parameters x float32[n * stride², channels], or patches [n / places of a patch, patch² * channels]; weight float32[taps * outputs],
    bias float32[outputs], out float32[n, outputs]."""
    n, outputs, patch = size("n"), convolution.outputs, convolution.patch
    rows = n // (patch // convolution.stride) ** 2 if patch else n * convolution.stride**2
    x = kernel.buffer("x", (rows, convolution.channels * max(1, patch**2)), "float32")
    weight = kernel.buffer("weight", (convolution.taps * outputs,), "float32")
    return x, weight, kernel.buffer("bias", (outputs,), "float32"), kernel.buffer("out", (n, outputs), "float32")


@contextmanager
def squares(convolution: Convolution, place: Expr) -> Iterator[tuple[Expr, Expr, Expr]]:
    """Loops over the square around the place that is `place` of what goes out; gives a place's number in it, its row of x, and (of pixels)
    its column there, without the channel."""
    side, out, kernel, patch = convolution.side, convolution.side_out, convolution.kernel, convolution.patch
    picture, row, column = place // out**2, place % out**2 // out, place % out
    with T.serial(kernel) as down, T.serial(kernel) as across:
        y = let("y", row * convolution.stride + down - kernel // 2)
        x = let("x_at", column * convolution.stride + across - kernel // 2)
        with when((y >= 0) & (y < side) & (x >= 0) & (x < side)):
            if patch:
                grid = side // patch
                yield down * kernel + across, (picture * grid + y // patch) * grid + x // patch, y % patch * patch + x % patch
            else:
                yield down * kernel + across, (picture * side + y) * side + x, 0


def convolve(convolution: Convolution, activation: Function | None) -> PrimFunc:
    """As `convolve` of model/vision/ops.py. An invocation has four outputs of a place. Parameters: those of `convolution_buffers`."""
    vectors, each = convolution.outputs // VEC, convolution.outputs // convolution.channels
    with Kernel() as kernel:
        x, weight, bias, out = convolution_buffers(kernel, convolution)
        count = out.shape[0] * vectors
        with launch([ceildiv(count, THREADS)], [THREADS]) as ((workgroup,), (thread,)):
            index = let("index", workgroup * THREADS + thread)
            with when(index < count):
                place, four = let("place", index // vectors), let("four", index % vectors)
                sums = local("sums", VEC)
                store(sums, bias[vec(four)], vec(0))
                with squares(convolution, place) as (tap, row, column):
                    if convolution.patch:
                        for channel in range(convolution.channels):
                            value = splat(let("value", x[row, channel * convolution.patch**2 + column]))
                            factors = weight[vec((channel * convolution.kernel**2 + tap) * vectors + four)]
                            store(sums, sums[vec(0)] + value * factors, vec(0))
                    elif each == 1:
                        store(sums, sums[vec(0)] + x[row, vec(four)] * weight[vec(tap * vectors + four)], vec(0))
                    else:
                        for i in range(VEC):
                            value = x[row, (four * VEC + i) // each]
                            store(sums, sums[i] + value * weight[(tap * vectors + four) * VEC + i], i)
                for i in range(VEC):
                    y = sums[i] if activation is None else FUNCTIONS[activation](let("y_of", sums[i]))
                    store(out, y, place, four * VEC + i)
    return kernel.func


def attend(heads: int, head_dim: int, count: int) -> PrimFunc:
    """As `attend` of model/vision/ops.py. An invocation has a query, with its sums in registers; keys and values come through workgroup
    memory. Parameters: qkv float32[n, 3 * heads * head_dim], out float32[n, heads * head_dim]."""
    columns, quads = heads * head_dim, head_dim // VEC
    with Kernel() as kernel:
        n = size("n")
        qkv = kernel.buffer("qkv", (n, 3 * columns), "float32")
        out = kernel.buffer("out", (n, columns), "float32")
        blocks = -(-count // QUERIES)
        with launch([blocks * heads, n // count], [QUERIES]) as ((of_head, picture), (thread,)):
            block, head = let("block", of_head % blocks), let("head", of_head // blocks)
            keys, values = (shared(name, KEYS * quads, "float32x4") for name in ("keys", "values"))
            query, first = let("query", block * QUERIES + thread), picture * count
            q, sums, scores = local("q", head_dim), local("sums", head_dim), local("scores", 2)  # the highest, and the sum of shares
            store(scores, T.float32(NOTHING), 0)
            store(scores, T.float32(0), 1)
            for j in range(quads):
                scaled = qkv[first + T.min(query, count - 1), vec(head * quads + j)] * splat(T.float32(head_dim**-0.5))
                store(q, scaled, vec(j))
                store(sums, splat(T.float32(0)), vec(j))
            with T.serial(ceildiv(count, KEYS)) as tile:
                for part in range(KEYS * quads // QUERIES):
                    item = part * QUERIES + thread
                    row = let("row", first + T.min(tile * KEYS + item // quads, count - 1))
                    for kind, memory in enumerate((keys, values), 1):
                        store(memory, qkv[row, vec((kind * heads + head) * quads + item % quads)], item)
                barrier()
                with T.serial(KEYS) as key, when(count % KEYS == 0 or tile * KEYS + key < count):
                    score = let("score", total([dot(q[vec(j)], keys[key * quads + j]) for j in range(quads)]))
                    higher = let("higher", T.max(scores[0], score))
                    # WGSL leaves an overflow of exp undefined.
                    before, share = (let("share", T.exp(T.max(each - higher, T.float32(-80)))) for each in (scores[0], score))
                    store(scores, higher, 0)
                    store(scores, scores[1] * before + share, 1)
                    for j in range(quads):
                        store(sums, sums[vec(j)] * splat(before) + values[key * quads + j] * splat(share), vec(j))
                barrier()
            with when(query < count):
                inverse = splat(let("inverse", T.float32(1) / scores[1]))
                for j in range(quads):
                    store(out, sums[vec(j)] * inverse, first + query, vec(head * quads + j))
    return kernel.func


def squeeze(columns: int, count: int) -> PrimFunc:
    """The mean of each `count` rows. An invocation has four columns. Parameters: x float32[n * count, columns], out float32[n, columns]."""
    vectors = columns // VEC
    with Kernel() as kernel:
        n = size("n")
        x = kernel.buffer("x", (n * count, columns), "float32")
        out = kernel.buffer("out", (n, columns), "float32")
        with launch([ceildiv(n * vectors, QUERIES)], [QUERIES]) as ((workgroup,), (thread,)):
            index = let("index", workgroup * QUERIES + thread)
            with when(index < n * vectors):
                sums = local("sums", VEC)
                store(sums, splat(T.float32(0)), vec(0))
                with T.serial(count) as row:
                    store(sums, sums[vec(0)] + x[index // vectors * count + row, vec(index % vectors)], vec(0))
                store(out, sums[vec(0)] * splat(T.float32(1 / count)), index // vectors, vec(index % vectors))
    return kernel.func


GRIDS = GridKernels(*(functools.cache(make) for make in (convolve, attend, squeeze)))
