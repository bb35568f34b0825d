"""Join the splits of attention_decode."""

from __future__ import annotations

import math

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from ..target import Variant
from .attention_decode import HIDDEN, num_splits, partial_shape
from .fixed import fixed
from .tir_ops import VEC, Buffer, Expr, Kernel, barrier, ceildiv, element, launch, let, local, shared, splat, store, total, vec, when

THREADS = 256


def attention_merge(variant: Variant, num_heads: int, head_dim: int) -> PrimFunc:
    """Attention output from the partial results of the first num_splits(state[0] + 1) splits.

    partial float32[partial_shape]: see attention_decode.py; state int32[16]; out float32[1, num_heads * head_dim].
    A workgroup serves one head; its invocations hold one vector of the head dimension and every `slices`-th split. Without subgroups
    one slice takes all splits, which needs no barrier.
    """
    columns = head_dim // VEC
    threads = THREADS if variant.subgroups else columns
    slices = 2 ** int(math.log2(threads / columns))
    with Kernel() as kernel:
        partial = kernel.buffer("partial", partial_shape(num_heads, head_dim), "float32")
        state = kernel.buffer("state", (16,), "int32")
        out = kernel.buffer("out", (1, num_heads * head_dim), "float32")
        with launch([num_heads], [threads]) as ((head,), (thread,)):
            splits = fixed("splits", num_splits(state[0] + 1))
            slice_, column = fixed("slice", thread // columns), fixed("column", thread % columns)
            sums = local("sums", 1, "float32x4")
            largest, weight = local("largest", 1), local("weight", 1)
            store(sums, splat(T.float32(0)), 0)
            store(largest, T.float32(HIDDEN), 0)
            store(weight, T.float32(0), 0)
            with T.serial(ceildiv(splits, slices)) as step:
                split = fixed("split", step * slices + slice_)
                with when(split < splits), when(slices * columns == threads or slice_ < slices):
                    stats = let("stats", partial[head, split, vec(columns)])
                    new_max = let("new_max", T.max(largest[0], element(stats, 0)))
                    old_scale = let("old_scale", T.exp2(largest[0] - new_max))
                    scale = let("scale", T.exp2(element(stats, 0) - new_max))
                    store(sums, sums[0] * splat(old_scale) + partial[head, split, vec(column)] * splat(scale), 0)
                    store(weight, weight[0] * old_scale + element(stats, 1) * scale, 0)
                    store(largest, new_max, 0)
            if slices == 1:
                store(out, sums[0] / splat(weight[0]), 0, vec(head * columns + column))
            else:
                _join_slices(sums, largest, weight, out, slices, columns, head, thread)
    return kernel.func


def _join_slices(
    sums: Buffer, largest: Buffer, weight: Buffer, out: Buffer, slices: int, columns: int, head: Expr, thread: Expr
) -> None:
    slice_, column = fixed("slice", thread // columns), fixed("column", thread % columns)
    all_sums = shared("all_sums", slices * columns, "float32x4")
    all_largest, all_weights = shared("all_largest", slices), shared("all_weights", slices)
    with when(thread < slices * columns):
        store(all_sums, sums[0], thread)
        with when(column == 0):
            store(all_largest, largest[0], slice_)
            store(all_weights, weight[0], slice_)
    barrier()
    with when(thread < columns):
        top = let("top", _maximum([all_largest[s] for s in range(slices)]))
        scales = [let("slice_scale", T.exp2(all_largest[s] - top)) for s in range(slices)]
        weights = let("weights", total([all_weights[s] * scales[s] for s in range(slices)]))
        value = total([all_sums[s * columns + thread] * splat(scales[s]) for s in range(slices)])
        store(out, value / splat(weights), 0, vec(head * columns + thread))


def _maximum(values: list[Expr]) -> Expr:
    result = values[0]
    for value in values[1:]:
        result = T.max(result, value)
    return result
