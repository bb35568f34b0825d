"""Rotary embedding and cache append against NumPy."""

import numpy as np
import pytest
from dawn import Dawn, poison, to_wgsl
from paged import COMPILED, LAYERS, RUNNABLE, NewTokens, described, empty_cache, layer_name, layout_of, state_of

from webllm_build.compile.kernels.attention.rope_append import rope_append
from webllm_build.compile.target import Variant
from webllm_build.model.attention import Attention


@pytest.mark.parametrize("variant", RUNNABLE, ids=lambda variant: variant.name)
@pytest.mark.parametrize("attention", [layer for layer in LAYERS if layer.window is None or layer.qk_norm], ids=layer_name)
def test_rope_append(dawn: Dawn, variant: Variant, attention: Attention) -> None:
    kernel = dawn.prepare(rope_append(variant, attention), variant)
    for tokens, position in [(1, 0), (1, 63), (5, 0), (17, 15), (33, 300)]:
        rng = np.random.default_rng(tokens)
        cache, new = empty_cache(rng, position + tokens, layout_of(variant, attention)), NewTokens.random(rng, tokens, attention)
        buffers = {**new.inputs, "state": state_of(position, tokens), "page_table": cache.page_table}
        got = kernel.run({**buffers, "kv": cache.words, "q_out": poison((tokens, attention.query_size))}, {"n": tokens})
        queries = new.rotated[:, : attention.heads].reshape(tokens, -1)
        np.testing.assert_allclose(got["q_out"], queries, rtol=0, atol=2e-5, err_msg=f"{tokens} tokens at {position}")
        new.check_appended(cache, got["kv"], position)


@pytest.mark.parametrize("variant", COMPILED, ids=lambda variant: variant.name)
def test_every_variant_generates_wgsl(variant: Variant) -> None:
    wgsl = to_wgsl(rope_append(variant, described(9, 3, 64)), variant)
    assert "enable f16;" not in wgsl
    assert "array<f32>" not in wgsl, "a buffer is read one float at a time"
