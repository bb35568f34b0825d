"""Rotary embedding and cache append against NumPy."""

from dataclasses import replace

import numpy as np
import pytest
from dawn import Array, Dawn, poison, to_wgsl
from paged import COMPILED, RUNNABLE, SHAPES, empty_cache, state_of

from webllm_build.compile.kernels.rope_append import rope_append
from webllm_build.compile.kv_layout import KvLayout
from webllm_build.compile.target import Variant


@pytest.mark.parametrize("variant", RUNNABLE, ids=lambda variant: variant.name)
@pytest.mark.parametrize(("heads", "kv_heads", "head_dim"), SHAPES)
@pytest.mark.parametrize(("tokens", "position"), [(1, 0), (1, 63), (5, 0), (17, 15), (33, 300)])
def test_rope_append(dawn: Dawn, variant: Variant, heads: int, kv_heads: int, head_dim: int, tokens: int, position: int) -> None:
    rng = np.random.default_rng(tokens)
    cache = empty_cache(rng, position + tokens, KvLayout(variant.kv_dtype, kv_heads, head_dim))
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
            "kv": cache.words,
            "q_out": poison((tokens, heads * head_dim)),
        },
        {"n": tokens},
    )

    pairs = (qkv[..., 0::2] + 1j * qkv[..., 1::2]) * np.exp(1j * angle)[:, None, :]
    rotated = np.stack([pairs.real, pairs.imag], axis=-1).reshape(qkv.shape)
    np.testing.assert_allclose(got["q_out"], rotated[:, :heads].reshape(tokens, -1), rtol=0, atol=1e-5)
    written = replace(cache, words=got["kv"])
    for kind, want in enumerate((rotated[:, heads : heads + kv_heads], qkv[:, heads + kv_heads :])):
        error = np.abs(written.rows(kind, position + tokens)[position:] - want)
        assert (error <= rounding(cache.layout, want)).all()
    assert (written.words == cache.words)[~cache.of_tokens(position, position + tokens)].all(), "a slot of another token was written"


def rounding(layout: KvLayout, values: Array) -> Array:
    """The largest error that the cache's dtype may bring to each of values[..., head_dim], and 1e-5 for the rotation."""
    largest = np.abs(values).max(-1, keepdims=True)
    bound = {"float32": 0 * largest, "float16": np.abs(values) * 2**-11, "q8": largest / 254}[layout.dtype]
    return np.asarray(bound + 1e-5)


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
