"""Attention of one token over the paged cache, in splits, against NumPy."""

import numpy as np
import pytest
from dawn import Dawn, grid_of, poison
from paged import COMPILED, RUNNABLE, SHAPES, attention, random_cache, state_of

from webllm_build.compile.kernels.attention_decode import MAX_SPLITS, attention_decode, keys_per_split, num_splits, partial_shape
from webllm_build.compile.kernels.attention_merge import attention_merge
from webllm_build.compile.kv_layout import KvLayout
from webllm_build.compile.target import Variant
from webllm_build.compile.wgsl import compile_kernels


class Attention:
    """Both kernels of one shape, compiled once."""

    def __init__(self, dawn: Dawn, variant: Variant, heads: int, kv_heads: int, head_dim: int) -> None:
        self.heads, self.head_dim = heads, head_dim
        self.layout = KvLayout(variant.kv_dtype, kv_heads, head_dim)
        func = attention_decode(variant, heads, kv_heads, head_dim)
        self.blocks = grid_of(func, {})[0]
        self.decode = dawn.prepare(func, variant)
        self.merge = dawn.prepare(attention_merge(variant, heads, head_dim), variant)

    def check(self, length: int, scale: float, tolerance: float) -> None:
        rng = np.random.default_rng(length)
        cache = random_cache(rng, length, self.layout)
        q = (rng.standard_normal((self.heads, self.head_dim)) * scale).astype(np.float32)
        state = state_of(length - 1, 1)
        inputs = {"q": q.reshape(1, -1), "kv": cache.words, "state": state, "page_table": cache.page_table}
        partial = poison(partial_shape(self.heads, self.head_dim))
        partial = self.decode.run({**inputs, "partial": partial}, grid=(self.blocks, num_splits(length), 1))["partial"]
        got = self.merge.run({"partial": partial, "state": state, "out": poison((1, q.size))})["out"]
        want = attention(q[None], cache.rows(0, length), cache.rows(1, length), length - 1)
        np.testing.assert_allclose(got.reshape(q.shape), want[0], rtol=0, atol=tolerance, err_msg=f"{length} keys")


@pytest.mark.parametrize("variant", RUNNABLE, ids=lambda variant: variant.name)
@pytest.mark.parametrize("shape", SHAPES)
def test_attention_decode(dawn: Dawn, variant: Variant, shape: tuple[int, int, int]) -> None:
    kernels = Attention(dawn, variant, *shape)
    for length in (1, 15, 16, 17, 63, 64, 65, 300, 1100):
        kernels.check(length, scale=3, tolerance=2e-5)


@pytest.mark.parametrize("variant", RUNNABLE, ids=lambda variant: variant.name)
def test_splits_of_several_tiles_and_large_scores(dawn: Dawn, variant: Variant) -> None:
    kernels = Attention(dawn, variant, 3, 1, 32)
    kernels.check(4200, scale=3, tolerance=2e-5)
    kernels.check(300, scale=1000, tolerance=1e-2)


def test_splits_without_work_leave_no_trace(dawn: Dawn) -> None:
    heads, kv_heads, head_dim, length = 2, 1, 32, 130
    cache = random_cache(np.random.default_rng(0), length, KvLayout(RUNNABLE[0].kv_dtype, kv_heads, head_dim))
    q = np.ones((1, heads * head_dim), np.float32)
    inputs = {"q": q, "kv": cache.words, "state": state_of(length - 1, 1), "page_table": cache.page_table}
    partial = poison(partial_shape(heads, head_dim))
    got = dawn.run(attention_decode(RUNNABLE[0], heads, kv_heads, head_dim), RUNNABLE[0], {**inputs, "partial": partial})["partial"]
    assert not np.isnan(got[:, : num_splits(length)]).any()
    assert np.isnan(got[:, num_splits(length) :]).all()


@pytest.mark.parametrize("length", [1, 63, 64, 65, 4095, 4096, 4097, 8192, 8193, 131072])
def test_splits_cover_the_keys(length: int) -> None:
    assert 1 <= num_splits(length) <= MAX_SPLITS
    assert (num_splits(length) - 1) * keys_per_split(length) < length <= num_splits(length) * keys_per_split(length)


@pytest.mark.parametrize("variant", COMPILED, ids=lambda variant: variant.name)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_variant_generates_wgsl_within_limits(variant: Variant, shape: tuple[int, int, int]) -> None:
    func = attention_decode(variant, *shape)
    kernel = compile_kernels({"attention_decode": func}, variant)["attention_decode"]
    assert ("subgroupShuffleXor" in kernel.wgsl) == variant.subgroups
    assert kernel.workgroup_bytes <= 16384
    assert kernel.workgroup_threads <= 256
    assert func.attrs["webllm.grid_y"] == "num_splits"
