"""Causal attention of many tokens over the paged cache against NumPy."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from dawn import Dawn, poison, to_wgsl
from naga import Naga
from paged import (
    COMPILED,
    LARGE_LAYERS,
    LAYERS,
    RUNNABLE,
    attend,
    case_name,
    cases,
    described,
    fewer_keys,
    layer_name,
    layout_of,
    random_cache,
    state_of,
)

from webllm_build.compile.kernels.attention.prefill import attention_prefill
from webllm_build.compile.target import Variant
from webllm_build.compile.wgsl import compile_kernels
from webllm_build.model.attention import Attention

# (new tokens, tokens already in the cache)
CALLS = [(1, 0), (5, 0), (17, 0), (33, 0), (70, 0), (1, 64), (5, 15), (17, 16), (33, 47), (3, 300), (70, 331)]




def bare(attention: Attention) -> Attention:
    """What is done when keys and values are appended is no part of this."""
    return replace(attention, qk_norm=None, turn_first=False, value_norm=False)


@pytest.mark.parametrize(("attention", "variant"), cases([*dict.fromkeys(map(bare, LAYERS))]), ids=case_name)
def test_attention_prefill(dawn: Dawn, variant: Variant, attention: Attention) -> None:
    with fewer_keys(attention):
        check(dawn, attention, variant, CALLS)


def test_layers_that_differ_in_what_is_appended_have_the_same() -> None:
    for layer in LAYERS:
        if layer != bare(layer):
            own, other = (to_wgsl(attention_prefill(RUNNABLE[0], one), RUNNABLE[0]) for one in (layer, bare(layer)))
            assert own == other


def check(dawn: Dawn, attention: Attention, variant: Variant, calls: Sequence[tuple[int, int]]) -> None:
    layout = layout_of(variant, attention)
    kernel = dawn.prepare(attention_prefill(variant, attention), variant)
    for tokens, position in calls:
        length = position + tokens
        rng = np.random.default_rng(length)
        cache = random_cache(rng, length, layout)
        q = (rng.standard_normal((tokens, attention.heads, attention.head_dim)) * 3).astype(np.float32)
        qkv = rng.standard_normal((tokens, attention.qkv_size)).astype(np.float32)  # of which only the gates are read
        sinks = rng.uniform(-3, 9, attention.heads).astype(np.float32)
        got = kernel.run(
            {
                "q": q.reshape(tokens, -1),
                "kv": cache.words,
                "state": state_of(position, tokens),
                "page_table": cache.page_table,
                "qkv": qkv,
                "sinks": sinks,
                "out": poison((tokens, attention.query_size)),
            },
            {"n": tokens},
        )["out"]
        gates = qkv[:, attention.qkv_size - attention.heads * attention.gate :].reshape(tokens, attention.heads, attention.gate)
        want = attend(attention, q, cache.rows(0, length), cache.rows(1, length), position, gates, sinks)
        np.testing.assert_allclose(got.reshape(q.shape), want, rtol=0, atol=2e-5, err_msg=f"{tokens} tokens at {position}")


BIDIRECTIONAL = [described(3, 3, 32, causal=False), described(4, 2, 64, causal=False, window=9)]


@pytest.mark.parametrize("variant", RUNNABLE[:2], ids=lambda variant: variant.name)
@pytest.mark.parametrize("attention", BIDIRECTIONAL, ids=layer_name)
def test_a_whole_text_that_sees_both_sides(dawn: Dawn, attention: Attention, variant: Variant) -> None:
    check(dawn, attention, variant, [(1, 0), (5, 0), (17, 0), (70, 0), (150, 0)])


@pytest.mark.parametrize("variant", COMPILED, ids=lambda variant: variant.name)
@pytest.mark.parametrize("attention", LARGE_LAYERS, ids=layer_name)
def test_every_variant_generates_wgsl_within_limits(naga: Naga, variant: Variant, attention: Attention) -> None:
    """Which Firefox compiles, where it needs no subgroups."""
    kernel = compile_kernels({"attention_prefill": attention_prefill(variant, attention)}, variant)["attention_prefill"]
    assert ("subgroupShuffleXor" in kernel.wgsl) == variant.subgroups
    assert kernel.workgroup_bytes <= 16384
    assert kernel.workgroup_threads <= 256
    assert naga.accepts(kernel.wgsl, kernel.entry)
