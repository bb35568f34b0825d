"""Rotary embedding and cache append against NumPy."""

import numpy as np
import pytest
from dawn import Dawn, poison, to_wgsl
from paged import COMPILED, RUNNABLE, SHAPES, NewTokens, empty_cache, state_of

from webllm_build.compile.kernels.attention.rope_append import rope_append
from webllm_build.compile.kv_layout import KvLayout
from webllm_build.compile.target import Variant


@pytest.mark.parametrize("variant", RUNNABLE, ids=lambda variant: variant.name)
@pytest.mark.parametrize(("heads", "kv_heads", "head_dim"), SHAPES)
@pytest.mark.parametrize(("tokens", "position"), [(1, 0), (1, 63), (5, 0), (17, 15), (33, 300)])
def test_rope_append(dawn: Dawn, variant: Variant, heads: int, kv_heads: int, head_dim: int, tokens: int, position: int) -> None:
    rng = np.random.default_rng(tokens)
    layout = KvLayout(variant.kv_dtype, kv_heads, head_dim)
    cache, new = empty_cache(rng, position + tokens, layout), NewTokens.random(rng, tokens, heads, layout)
    got = dawn.run(
        rope_append(variant, heads, kv_heads, head_dim),
        variant,
        {
            "qkv": new.qkv.reshape(tokens, -1),
            "rope": new.rope,
            "state": state_of(position, tokens),
            "page_table": cache.page_table,
            "kv": cache.words,
            "q_out": poison((tokens, heads * head_dim)),
        },
        {"n": tokens},
    )
    np.testing.assert_allclose(got["q_out"], new.rotated[:, :heads].reshape(tokens, -1), rtol=0, atol=1e-5)
    new.check_appended(cache, got["kv"], position)


@pytest.mark.parametrize("variant", COMPILED, ids=lambda variant: variant.name)
def test_every_variant_generates_wgsl(variant: Variant) -> None:
    wgsl = to_wgsl(rope_append(variant, 9, 3, 64), variant)
    assert "enable f16;" not in wgsl
    assert "array<f32>" not in wgsl, "a buffer is read one float at a time"


def test_unsupported_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="10 query heads"):
        rope_append(RUNNABLE[0], 10, 3, 64)
    with pytest.raises(ValueError, match="head_dim is 36"):
        rope_append(RUNNABLE[0], 9, 3, 36)
