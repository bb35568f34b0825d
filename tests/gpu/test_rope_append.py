"""Rotary embedding and cache append against NumPy."""

import numpy as np
import pytest
from dawn import Dawn, poison, to_wgsl
from paged import RUNNABLE, SHAPES, empty_cache, state_of

from webllm_build.compile.kernels.rope_append import rope_append
from webllm_build.compile.target import VARIANTS, Variant


@pytest.mark.parametrize("variant", RUNNABLE, ids=lambda variant: variant.name)
@pytest.mark.parametrize(("heads", "kv_heads", "head_dim"), SHAPES)
@pytest.mark.parametrize(("tokens", "position"), [(1, 0), (1, 63), (5, 0), (17, 15), (33, 300)])
def test_rope_append(dawn: Dawn, variant: Variant, heads: int, kv_heads: int, head_dim: int, tokens: int, position: int) -> None:
    rng = np.random.default_rng(tokens)
    cache = empty_cache(rng, position + tokens, kv_heads, head_dim)
    qkv = rng.standard_normal((tokens, heads + 2 * kv_heads, head_dim)).astype(np.float32)
    angle = rng.uniform(0, 100, (tokens, head_dim // 2))
    rope = poison((40, head_dim // 2, 2))
    rope[:tokens] = np.stack([np.cos(angle), np.sin(angle)], axis=-1)

    got = dawn.run(
        rope_append(variant, heads, kv_heads, head_dim),
        variant,
        {
            "qkv": qkv.reshape(tokens, -1),
            "rope": rope,
            "state": state_of(position, tokens),
            "page_table": cache.page_table,
            "kv": cache.kv,
            "q_out": poison((tokens, heads * head_dim)),
        },
        {"n": tokens},
    )

    pairs = (qkv[..., 0::2] + 1j * qkv[..., 1::2]) * np.exp(1j * angle)[:, None, :]
    rotated = np.stack([pairs.real, pairs.imag], axis=-1).reshape(qkv.shape)
    np.testing.assert_allclose(got["q_out"], rotated[:, :heads].reshape(tokens, -1), rtol=0, atol=1e-5)
    slots = np.arange(position, position + tokens)
    place = (cache.page_table[slots // 16], slice(None), slice(None), slots % 16)
    new = got["kv"][place]
    np.testing.assert_allclose(new[:, 0], rotated[:, heads : heads + kv_heads], rtol=0, atol=1e-5)
    np.testing.assert_array_equal(new[:, 1], qkv[:, heads + kv_heads :])
    rest = got["kv"].copy()
    rest[place] = np.nan
    assert np.isnan(rest).all(), "a slot of another token was written"


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_every_variant_generates_wgsl(variant: Variant) -> None:
    wgsl = to_wgsl(rope_append(variant, 9, 3, 64), variant)
    assert ("enable f16;" in wgsl) == variant.f16
    assert "array<f32>" not in wgsl, "a buffer is read one float at a time"


def test_unsupported_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="10 query heads"):
        rope_append(VARIANTS[3], 10, 3, 64)
    with pytest.raises(ValueError, match="head_dim is 36"):
        rope_append(VARIANTS[3], 9, 3, 36)
