"""Attention of a layer that has queries alone, over the keys and values that another one has appended."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from dawn import Array, Dawn, poison
from paged import RUNNABLE, NewTokens, attend, case_name, described, halves, layout_of, random_cache, state_of

import codes_case
from webllm_build.compile.abi_generated import MAX_ROWS, STATE_WORDS
from webllm_build.compile.kernels.attention.decode import attention_decode
from webllm_build.compile.kernels.attention.kv_cache import BEFORE, ONE_ROW, Rows
from webllm_build.compile.kernels.attention.merge import attention_merge
from webllm_build.compile.kernels.attention.rope_append import rope_append
from webllm_build.compile.kernels.attention.splits import partial_shape
from webllm_build.compile.target import Variant
from webllm_build.model.attention import Attention

LAYERS = [described(4, 2, 64, shared=True), described(3, 1, 32, window=17, qk_norm=1e-2, value_norm=True, shared=True)]
ROWS, PAGES = 3, 24


@pytest.mark.parametrize(("attention", "variant"), halves(LAYERS), ids=case_name)
def test_a_token_sees_its_own_key_in_the_cache(dawn: Dawn, variant: Variant, attention: Attention) -> None:
    heads, head_dim = attention.heads, attention.head_dim
    turn = dawn.prepare(rope_append(variant, attention), variant)
    kernels = {
        rows: [dawn.prepare(make(variant, attention, rows), variant) for make in (attention_decode, attention_merge)]
        for rows in (ONE_ROW, Rows(PAGES))
    }

    def run(rows: Rows, given: dict[str, Array], kv_len: int) -> Array:
        sizes, (split, merge) = {"n": len(given["qkv"]), "kv_len": kv_len}, kernels[rows]
        partial = split.run({**given, "partial": poison((sizes["n"], *partial_shape(attention)))}, sizes)["partial"]
        return merge.run({**given, "partial": partial, "out": poison((sizes["n"], attention.query_size))}, sizes)["out"]

    for cached in (0, 1, 130):
        rng = np.random.default_rng(cached)
        cache = random_cache(rng, cached + ROWS, layout_of(variant, attention))
        table = np.resize(cache.page_table, PAGES)
        new = NewTokens.random(rng, ROWS, replace(attention, shared=False), 3)
        queries = new.qkv[:, :heads].reshape(ROWS, -1)
        keys, values = (cache.rows(kind, cached + ROWS) for kind in (0, 1))
        expected = attend(attention, new.rotated[:, :heads], keys, values, cached)
        inputs = {"rope": new.rope, "qk_norm": new.qk_norm[:head_dim], "kv": cache.words}
        turned = turn.run({**inputs, "qkv": queries, "q_out": poison((ROWS, attention.query_size))}, {"n": ROWS})["q_out"]
        np.testing.assert_allclose(turned.reshape(ROWS, heads, head_dim), new.rotated[:, :heads], rtol=0, atol=5e-5)

        for row in range(ROWS):
            one = {**inputs, "qkv": queries[row : row + 1], "rope": new.rope[row:], "page_table": table}
            out = run(ONE_ROW, {**one, "state": state_of(cached + row, 1)}, cached + row + 1)
            np.testing.assert_allclose(out.reshape(heads, head_dim), expected[row], rtol=0, atol=2e-5, err_msg=f"{row} behind {cached}")
        state = np.zeros((MAX_ROWS, STATE_WORDS), np.int32)
        state[: ROWS + 1, 0] = *range(cached, cached + ROWS), -1
        state[:ROWS, BEFORE] = range(ROWS)
        padded = np.concatenate([queries, np.zeros((1, attention.qkv_size), np.float32)])  # with a row that does nothing
        out = run(Rows(PAGES), {**inputs, "qkv": padded, "state": state, "page_table": np.tile(table, (MAX_ROWS, 1))}, cached + ROWS)
        np.testing.assert_allclose(out[:ROWS].reshape(expected.shape), expected, rtol=0, atol=2e-5, err_msg=f"rows behind {cached}")
        assert np.isfinite(out[ROWS]).all()


@pytest.mark.parametrize("variant", RUNNABLE[:2], ids=lambda variant: variant.name)
def test_what_it_gives_may_be_codes(dawn: Dawn, variant: Variant) -> None:
    attention = described(2, 1, 64, qk_norm=1e-2, shared=True)
    partial = np.random.default_rng(0).standard_normal((1, *partial_shape(attention))).astype(np.float32)
    partial[..., attention.head_dim + 1] = 2  # sums of weights
    inputs, sizes = {"partial": partial, "state": state_of(40, 1)}, {"kv_len": 41}
    outputs = {"out_q": poison((1, 8, 4), np.uint32), "out_s": poison((1, 4))}
    got = dawn.run(attention_merge(variant, attention, codes=True), variant, {**inputs, **outputs}, sizes)
    values = codes_case.decode(got["out_q"].view(np.int8).reshape(1, -1), got["out_s"])
    want = dawn.run(attention_merge(variant, attention), variant, {**inputs, "out": poison((1, 128))}, sizes)["out"]
    assert (np.abs(values - want).reshape(4, 32) <= 0.502 * got["out_s"].reshape(4, 1)).all()
