"""Join the splits of attention_decode."""

from __future__ import annotations

import math

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from ..target import Variant
from .attention_decode import HIDDEN, join, num_splits, partial_shape
from .fixed import fixed
from .tir_ops import VEC, Kernel, barrier, element, extern, launch, local, shared, splat, store, total, vec, when

THREADS = 256
UNROLL = 4  # splits that an invocation loads at once


def attention_merge(variant: Variant, num_heads: int, head_dim: int) -> PrimFunc:
    """Attention output from the partial results of the first num_splits(state[0] + 1) splits.

    partial float32[partial_shape]: see attention_decode.py; state int32[16]; out float32[1, num_heads * head_dim].
    A workgroup serves one head; its invocations hold one vector of the head dimension and every `slices`-th split. Without subgroups
    one slice takes all splits, which needs no barrier.
    """
    columns = head_dim // VEC
    threads = THREADS if variant.subgroups else columns
    slices = 2 ** int(math.log2(threads / columns))
    at_once = slices * UNROLL
    with Kernel() as kernel:
        partial = kernel.buffer("partial", partial_shape(num_heads, head_dim), "float32")
        state = kernel.buffer("state", (16,), "int32")
        out = kernel.buffer("out", (1, num_heads * head_dim), "float32")
        with launch([num_heads], [threads]) as ((head,), (thread,)):
            slice_, column = fixed("slice", T.min(thread // columns, slices - 1)), fixed("column", thread % columns)
            sums, largest, weight = local("sums", 1, "float32x4"), local("largest", 1), local("weight", 1)
            stats, loaded = local("stats", UNROLL, "float32x4"), local("loaded", UNROLL, "float32x4")
            store(sums, splat(T.float32(0)), 0)
            store(largest, T.float32(HIDDEN), 0)
            store(weight, T.float32(0), 0)
            splits = fixed("splits", num_splits(state[0] + 1))
            with T.serial(T.truncdiv(splits + (at_once - 1), at_once)) as step:
                first = fixed("first", step * at_once + slice_)
                # What lies beyond the last split may be NaN.
                for i in range(UNROLL):
                    split = fixed("split", T.min(first + i * slices, splits - 1))
                    store(stats, partial[head, split, vec(columns)], i)
                    store(loaded, partial[head, split, vec(column)], i)
                new_max = largest[0]
                for i in range(UNROLL):
                    inside = first + i * slices < splits
                    store(stats, extern("float32x4", "select", splat(T.float32(HIDDEN)), stats[i], inside), i)
                    new_max = T.max(new_max, element(stats[i], 0))
                new_max = fixed("new_max", new_max, "float32")
                old_scale = fixed("old_scale", T.exp2(largest[0] - new_max), "float32")
                store(sums, sums[0] * splat(old_scale), 0)
                store(weight, weight[0] * old_scale, 0)
                store(largest, new_max, 0)
                for i in range(UNROLL):
                    scale = fixed("scale", T.exp2(element(stats[i], 0) - new_max), "float32")
                    store(sums, sums[0] + loaded[i] * splat(scale), 0)
                    store(weight, weight[0] + element(stats[i], 1) * scale, 0)
            if slices == 1:
                store(out, sums[0] / splat(weight[0]), 0, vec(head * columns + column))
            else:
                all_sums = shared("all_sums", slices * columns, "float32x4")
                all_largest, all_weights = shared("all_largest", slices), shared("all_weights", slices)
                with when(slices * columns == threads or thread < slices * columns):
                    store(all_sums, sums[0], thread)
                    with when(column == 0):
                        store(all_largest, largest[0], slice_)
                        store(all_weights, weight[0], slice_)
                barrier()
                with when(thread < columns):
                    scales, stats = join([all_largest[s] for s in range(slices)], [all_weights[s] for s in range(slices)])
                    value = total([all_sums[s * columns + thread] * splat(scale) for s, scale in enumerate(scales)])
                    store(out, value / splat(element(stats, 1)), 0, vec(head * columns + thread))
    return kernel.func
