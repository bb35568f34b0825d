"""Attention of one token, in splits over the paged cache, and its append to the cache, against NumPy."""

import numpy as np
import pytest
from dawn import Dawn, grid_of, poison
from paged import COMPILED, LARGE_SHAPES, RUNNABLE, SHAPES, NewTokens, attention, random_cache, state_of

from webllm_build.compile.kernels.attention.decode import (
    MAX_SPLITS,
    attention_decode,
    keys_per_split,
    num_splits,
    partial_shape,
    splits_before,
)
from webllm_build.compile.kernels.attention.merge import attention_merge
from webllm_build.compile.kv_layout import KvLayout
from webllm_build.compile.target import Variant
from webllm_build.compile.wgsl import compile_kernels


class Attention:
    """Both kernels of one shape, compiled once."""

    def __init__(self, dawn: Dawn, variant: Variant, heads: int, kv_heads: int, head_dim: int) -> None:
        self.heads, self.layout = heads, KvLayout(variant.kv_dtype, kv_heads, head_dim)
        func = attention_decode(variant, heads, kv_heads, head_dim)
        self.blocks = grid_of(func, {})[0]
        self.decode = dawn.prepare(func, variant)
        self.merge = dawn.prepare(attention_merge(variant, heads, kv_heads, head_dim), variant)

    def check(self, cached: int, scale: float, tolerance: float) -> None:
        """One token after `cached` others, with queries of this scale."""
        rng = np.random.default_rng(cached)
        heads, head_dim = self.heads, self.layout.head_dim
        cache = random_cache(rng, cached, self.layout, room=1)
        new = NewTokens.random(rng, 1, heads, self.layout, scale)
        inputs = {"qkv": new.qkv.reshape(1, -1), "rope": new.rope, "kv": cache.words, "page_table": cache.page_table}
        inputs["state"] = state_of(cached, 1)
        partial = poison(partial_shape(heads, head_dim))
        if splits := splits_before(cached + 1):
            partial = self.decode.run({**inputs, "partial": partial}, grid=(self.blocks, splits, 1))["partial"]
        got = self.merge.run({**inputs, "partial": partial, "out": poison((1, heads * head_dim))})
        after = new.check_appended(cache, got["kv"], cached)
        want = attention(new.rotated[:, :heads], after.rows(0, cached + 1), after.rows(1, cached + 1), cached)
        np.testing.assert_allclose(got["out"].reshape(want.shape), want, rtol=0, atol=tolerance, err_msg=f"{cached} tokens before")


@pytest.mark.parametrize("variant", RUNNABLE, ids=lambda variant: variant.name)
@pytest.mark.parametrize("shape", SHAPES)
def test_attention_decode(dawn: Dawn, variant: Variant, shape: tuple[int, int, int]) -> None:
    kernels = Attention(dawn, variant, *shape)
    for cached in (0, 1, 15, 16, 31, 32, 33, 300, 1100):
        kernels.check(cached, scale=3, tolerance=2e-5)


@pytest.mark.parametrize("variant", RUNNABLE, ids=lambda variant: variant.name)
def test_long_splits_and_large_scores(dawn: Dawn, variant: Variant) -> None:
    kernels = Attention(dawn, variant, 3, 1, 32)
    for cached in (2047, 2048, 2049, 4200):
        kernels.check(cached, scale=3, tolerance=2e-5)
    kernels.check(300, scale=1000, tolerance=1e-2)


def test_splits_without_work_leave_no_trace(dawn: Dawn) -> None:
    heads, cached = 2, 130
    layout = KvLayout(RUNNABLE[0].kv_dtype, 1, 32)
    rng = np.random.default_rng(0)
    cache, new = random_cache(rng, cached, layout), NewTokens.random(rng, 1, heads, layout)
    inputs = {"qkv": new.qkv.reshape(1, -1), "rope": new.rope, "kv": cache.words, "page_table": cache.page_table}
    inputs |= {"state": state_of(cached, 1), "partial": poison(partial_shape(heads, 32))}
    got = dawn.run(attention_decode(RUNNABLE[0], heads, 1, 32), RUNNABLE[0], inputs)["partial"]
    assert not np.isnan(got[:, : num_splits(cached)]).any()
    assert np.isnan(got[:, num_splits(cached) :]).all()


@pytest.mark.parametrize("cached", [0, 1, 31, 32, 33, 2047, 2048, 2049, 4096, 4097, 131072])
def test_splits_cover_the_keys(cached: int) -> None:
    splits, keys = num_splits(cached), keys_per_split(cached)
    assert splits == splits_before(cached + 1) <= MAX_SPLITS
    assert (splits - 1) * keys < cached <= splits * keys


@pytest.mark.parametrize("variant", COMPILED, ids=lambda variant: variant.name)
@pytest.mark.parametrize("shape", LARGE_SHAPES)
def test_every_variant_generates_wgsl_within_limits(variant: Variant, shape: tuple[int, int, int]) -> None:
    functions = {"decode": attention_decode(variant, *shape), "merge": attention_merge(variant, *shape)}
    for kernel in compile_kernels(functions, variant).values():
        assert ("subgroupShuffleXor" in kernel.wgsl) == variant.subgroups
        assert kernel.workgroup_bytes <= 16384
        assert kernel.workgroup_threads <= 256
    assert functions["decode"].attrs["webllm.grid_y"] == "splits_before"
