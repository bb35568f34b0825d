"""Attention of one token over the paged cache, in splits, against NumPy."""

import numpy as np
import pytest
from dawn import Dawn, grid_of, poison, to_wgsl
from paged import RUNNABLE, SHAPES, Array, attention, random_cache, state_of

from webllm_build.compile.kernels.attention_decode import MAX_SPLITS, attention_decode, keys_per_split, num_splits, partial_shape
from webllm_build.compile.kernels.attention_merge import attention_merge
from webllm_build.compile.target import VARIANTS, Variant


def run(dawn: Dawn, variant: Variant, q: Array, kv: Array, page_table: Array, length: int, kv_heads: int, splits: int) -> Array:
    heads, head_dim = q.shape
    state = state_of(length - 1, 1)
    decode = attention_decode(variant, heads, kv_heads, head_dim)
    inputs = {"q": q.reshape(1, -1), "kv": kv, "state": state, "page_table": page_table}
    partial = dawn.run(
        decode, variant, {**inputs, "partial": poison(partial_shape(heads, head_dim))}, grid=(grid_of(decode, {})[0], splits, 1)
    )
    merge = attention_merge(variant, heads, head_dim)
    out = dawn.run(merge, variant, {"partial": partial["partial"], "state": state, "out": poison((1, heads * head_dim))})
    return out["out"].reshape(heads, head_dim)


@pytest.mark.parametrize("variant", RUNNABLE, ids=lambda variant: variant.name)
@pytest.mark.parametrize(("heads", "kv_heads", "head_dim"), SHAPES)
@pytest.mark.parametrize("length", [1, 15, 16, 17, 63, 64, 65, 300, 1100])
def test_attention_decode(dawn: Dawn, variant: Variant, heads: int, kv_heads: int, head_dim: int, length: int) -> None:
    rng = np.random.default_rng(length)
    cache = random_cache(rng, length, kv_heads, head_dim)
    q = rng.standard_normal((heads, head_dim)).astype(np.float32) * 3
    got = run(dawn, variant, q, cache.kv, cache.page_table, length, kv_heads, num_splits(length))
    want = attention(q[None], cache.rows(0, length), cache.rows(1, length), length - 1)[0]
    np.testing.assert_allclose(got, want, rtol=0, atol=2e-5)
