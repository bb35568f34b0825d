"""An input that a matrix-vector kernel makes itself: what attention gives, joined of its splits as merge.py does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.attention.kv_cache import state_buffer
from webllm_build.compile.kernels.attention.merge import add_split, can_make_codes, load_stats, slices_of, split_scales
from webllm_build.compile.kernels.attention.splits import MOST_PARTIAL, partial_shape, partial_splits
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import VEC, Buffer, Expr, Kernel, barrier, let, local, shared, splat, store, vec, when
from webllm_build.compile.target import Variant
from webllm_build.model.attention import Attention

MOST_MERGED = 1024  # numbers of a token: each workgroup reads as many for each split, up to 64 of them
AT_ONCE = 8  # splits that an invocation loads at once


@dataclass(frozen=True)
class Merge:
    """The splits of attention_decode, of one row."""

    attention: Attention

    @staticmethod
    def pays(attention: Attention) -> bool:
        """Whether all workgroups of a product can do what is else a dispatch, and in less time: that takes 3 to 5 microseconds, in one of
        which a workgroup reads 0.1 MB on an H100."""
        return can_make_codes(attention) and not attention.gate and not attention.sinks and attention.query_size <= MOST_MERGED

    def inputs(self, kernel: Kernel, k: int) -> MergeInputs:
        """Declare partial float32[1, *partial_shape] and state (see kv_cache.py)."""
        return MergeInputs(self.attention, kernel.buffer("partial", (1, *partial_shape(self.attention)), "float32"), state_buffer(kernel))

    def output(self, kernel: Kernel, k: int) -> None:
        """Nobody else reads it."""


@dataclass(frozen=True, eq=False)
class MergeInputs:
    """The buffers of splits."""

    attention: Attention
    partial: Buffer
    state: Buffer

    def made(self, variant: Variant, out: None, workgroup: Expr, threads: int, thread: Expr) -> MergedInput:
        """What each workgroup makes of them first: what splits are multiplied by, a subgroup those of a head."""
        heads, lanes = self.attention.heads, variant.lanes
        splits = fixed("splits", partial_splits(self.attention, self.state[0, 0]))
        scales, lane = shared("split_scales", heads * MOST_PARTIAL), fixed("split_lane", thread % lanes)
        for first in range(0, heads, threads // lanes):
            head = fixed("head", T.min(first + thread // lanes, heads - 1))
            made = split_scales(variant, load_stats(self.partial, 0, head, lane, lanes), splits, lane, lanes)
            with when(first + threads // lanes <= heads or first + thread // lanes < heads):
                for split, scale in made:
                    store(scales, scale, head * MOST_PARTIAL + split)
        barrier()
        return MergedInput(self, slices_of(variant, self.attention), splits, scales)


class MergedInput:
    """An input of MadeInputs. Bit for bit what attention_merge gives."""

    in_workgroup = True

    def __init__(self, inputs: MergeInputs, slices: int, splits: Expr, scales: Buffer) -> None:
        self._inputs, self._slices, self._splits, self._scales = inputs, slices, splits, scales
        self.shape = (1, inputs.attention.query_size)

    def quads(self, vector: Expr, columns: Sequence[Expr]) -> list[Expr]:
        of_head, slices, splits, count = self._inputs.attention.head_dim // VEC, self._slices, self._splits, len(columns)
        some = min(AT_ONCE, slices)  # of the slices
        head, of_step = fixed("head", columns[0] // of_head), AT_ONCE // some * slices
        sums, of_slices = local("merged", count, "float32x4"), local("of_slices", some * count, "float32x4")
        loaded = local("of_splits", AT_ONCE * count, "float32x4")
        for j in range(count):
            store(sums, splat(T.float32(0)), j)
        with T.serial(T.truncdiv(T.min(splits, slices) + (some - 1), some)) as part:
            for i in range(some * count):
                store(of_slices, splat(T.float32(0)), i)
            begin = fixed("begin", part * some)
            with T.serial(T.truncdiv(splits - begin + (of_step - 1), of_step)) as step:
                first = fixed("first", begin + step * of_step)
                places = [first + i // some * slices + i % some for i in range(AT_ONCE)]
                for i, split in enumerate(places):
                    for j, column in enumerate(columns):
                        quad = self._inputs.partial[0, head, T.min(split, splits - 1), vec(column % of_head)]
                        store(loaded, quad, i * count + j)
                for i, split in enumerate(places):
                    scale = let("split_scale", self._scales[head * MOST_PARTIAL + split])
                    for j in range(count):
                        at = i % some * count + j
                        store(of_slices, add_split(of_slices[at], loaded[i * count + j], scale), at)
            for i in range(some):
                for j in range(count):
                    store(sums, sums[j] + of_slices[i * count + j], j)
        return [sums[j] for j in range(count)]

    def keep(self, quad: Expr, is_real: Expr, vector: Expr, column: Expr) -> None:
        """Nobody else reads it."""
