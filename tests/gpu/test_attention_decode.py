"""Attention of one token, in splits over the paged cache, and its append to the cache, against NumPy."""

import numpy as np
import pytest
from dawn import Dawn, grid_of, poison
from naga import Naga
from paged import (
    CASES,
    COMPILED,
    LARGE_LAYERS,
    RUNNABLE,
    NewTokens,
    attend,
    case_name,
    described,
    fewer_keys,
    layer_name,
    layout_of,
    random_cache,
    state_of,
)

import codes_case
from webllm_build.compile.kernels.attention.decode import attention_decode
from webllm_build.compile.kernels.attention.merge import attention_merge
from webllm_build.compile.kernels.attention.splits import (
    MAX_SPLITS,
    MOST_PARTIAL,
    keys_per_split,
    num_splits,
    partial_shape,
    partial_splits,
)
from webllm_build.compile.target import Variant
from webllm_build.compile.wgsl import compile_kernels
from webllm_build.model.attention import Attention


class Kernels:
    """Both kernels of one layer, compiled once."""

    def __init__(self, dawn: Dawn, variant: Variant, attention: Attention) -> None:
        self.attention, self.layout = attention, layout_of(variant, attention)
        self.decode = dawn.prepare(attention_decode(variant, attention), variant)
        self.merge = dawn.prepare(attention_merge(variant, attention), variant)

    def check(self, cached: int, scale: float, tolerance: float) -> None:
        """One token after `cached` others, with queries of this scale."""
        rng = np.random.default_rng(cached)
        attention, heads = self.attention, self.attention.heads
        cache = random_cache(rng, cached, self.layout, room=1)
        new = NewTokens.random(rng, 1, attention, scale)
        inputs = {**new.inputs, "kv": cache.words, "page_table": cache.page_table, "state": state_of(cached, 1)}
        made = self.decode.run({**inputs, "partial": poison(partial_shape(attention))}, {"kv_len": cached + 1})
        got = self.merge.run({**inputs, "partial": made["partial"], "out": poison((1, attention.query_size))})
        after = new.check_appended(cache, made["kv"], cached)
        want = attend(attention, new.rotated[:, :heads], after.rows(0, cached + 1), after.rows(1, cached + 1), cached, new.gates, new.sinks)
        np.testing.assert_allclose(got["out"].reshape(want.shape), want, rtol=0, atol=tolerance, err_msg=f"{cached} tokens before")


@pytest.mark.parametrize(("attention", "variant"), CASES, ids=case_name)
def test_attention_decode(dawn: Dawn, variant: Variant, attention: Attention) -> None:
    with fewer_keys(attention):
        kernels = Kernels(dawn, variant, attention)
    for cached in (0, 1, 15, 16, 31, 32, 33, 300, 1100):
        kernels.check(cached, scale=3, tolerance=2e-5)


@pytest.mark.parametrize("variant", RUNNABLE, ids=lambda variant: variant.name)
def test_long_splits_and_large_scores(dawn: Dawn, variant: Variant) -> None:
    kernels = Kernels(dawn, variant, described(3, 1, 32))
    for cached in (2047, 2048, 2049, 4200):
        kernels.check(cached, scale=3, tolerance=2e-5)
    kernels.check(300, scale=1000, tolerance=1e-2)


@pytest.mark.parametrize("variant", RUNNABLE[:2], ids=lambda variant: variant.name)
def test_what_attention_gives_may_be_codes(dawn: Dawn, variant: Variant) -> None:
    attention, rng = described(2, 1, 96), np.random.default_rng(0)
    partial = rng.standard_normal((1, *partial_shape(attention))).astype(np.float32)
    partial[..., attention.head_dim + 1] = 2  # sums of weights
    inputs = {"partial": partial, "state": state_of(40, 1)}
    outputs = {"out_q": poison((1, 12, 4), np.uint32), "out_s": poison((1, 6))}
    got = dawn.run(attention_merge(variant, attention, codes=True), variant, {**inputs, **outputs})
    values = codes_case.decode(got["out_q"].view(np.int8).reshape(1, -1), got["out_s"])
    want = dawn.run(attention_merge(variant, attention), variant, {**inputs, "out": poison((1, 192))})["out"]
    assert (np.abs(values - want).reshape(6, 32) <= 0.502 * got["out_s"].reshape(6, 1)).all()


def test_splits_without_work_leave_no_trace(dawn: Dawn) -> None:
    attention, cached = described(2, 1, 32), 130
    rng = np.random.default_rng(0)
    cache, new = random_cache(rng, cached, layout_of(RUNNABLE[0], attention)), NewTokens.random(rng, 1, attention)
    inputs = {**new.inputs, "kv": cache.words, "page_table": cache.page_table}
    inputs |= {"state": state_of(cached, 1), "partial": poison(partial_shape(attention))}
    got = dawn.run(attention_decode(RUNNABLE[0], attention), RUNNABLE[0], inputs, grid=(1, MOST_PARTIAL, 1))["partial"]
    splits = partial_splits(attention, cached)
    assert not np.isnan(got[:, :splits]).any()
    assert np.isnan(got[:, splits:]).all()


@pytest.mark.parametrize("cached", [0, 1, 31, 32, 33, 2047, 2048, 2049, 4096, 4097, 131072])
def test_splits_cover_the_keys(cached: int) -> None:
    splits, keys = num_splits(cached), keys_per_split(cached)
    assert splits <= MAX_SPLITS
    assert (splits - 1) * keys < cached <= splits * keys


@pytest.mark.parametrize("window", [None, 1, 2, 33, 512])
@pytest.mark.parametrize("kv_len", [1, 2, 33, 34, 600, 5000])
def test_as_many_splits_are_launched_as_have_keys(window: int | None, kv_len: int) -> None:
    attention = described(8, 1, 64, window=window)
    seen = min(kv_len, window or kv_len) - 1
    assert grid_of(attention_decode(RUNNABLE[0], attention), {"kv_len": kv_len}) == (1, num_splits(seen) + 1, 1)


@pytest.mark.parametrize("variant", COMPILED, ids=lambda variant: variant.name)
@pytest.mark.parametrize("attention", LARGE_LAYERS, ids=layer_name)
def test_every_variant_generates_wgsl_within_limits(naga: Naga, variant: Variant, attention: Attention) -> None:
    """Which Firefox compiles, where it needs no subgroups."""
    functions = {"decode": attention_decode(variant, attention), "merge": attention_merge(variant, attention)}
    for kernel in compile_kernels(functions, variant).values():
        assert ("subgroupShuffleXor" in kernel.wgsl) == variant.subgroups
        assert kernel.workgroup_bytes <= 16384
        assert kernel.workgroup_threads <= 256
        assert len(kernel.access) <= 8
        assert naga.accepts(kernel.wgsl, kernel.entry)
