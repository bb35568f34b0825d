"""Attention of a step with several rows: of one sequence, which see each other before the cache holds them, and of none."""

from __future__ import annotations

import numpy as np
import pytest
from dawn import Array, Dawn, poison
from paged import NewTokens, case_name, described, halves, layout_of, random_cache, state_of

from webllm_build.compile.abi_generated import MAX_ROWS, STATE_WORDS
from webllm_build.compile.kernels.attention.decode import attention_decode
from webllm_build.compile.kernels.attention.kv_cache import BEFORE, ONE_ROW, Rows
from webllm_build.compile.kernels.attention.merge import attention_merge
from webllm_build.compile.kernels.attention.splits import partial_shape
from webllm_build.compile.target import Variant
from webllm_build.model.attention import Attention

LAYERS = [described(4, 2, 64), described(3, 1, 32, window=17, qk_norm=1e-2, value_norm=True)]
ROWS = 3


class Step:
    """Both kernels of one layer, compiled once."""

    def __init__(self, dawn: Dawn, variant: Variant, attention: Attention, rows: Rows) -> None:
        self.attention = attention
        self.decode, self.merge = (dawn.prepare(make(variant, attention, rows), variant) for make in (attention_decode, attention_merge))

    def run(self, count: int, kv_len: int, inputs: dict[str, Array]) -> tuple[Array, Array]:
        """Attention of each of `count` rows, and the words of the cache then."""
        sizes = {"n": count, "kv_len": kv_len}
        made = self.decode.run({**inputs, "partial": poison((count, *partial_shape(self.attention)))}, sizes)
        got = self.merge.run({**inputs, "partial": made["partial"], "out": poison((count, self.attention.query_size))}, sizes)
        return got["out"], made["kv"]


@pytest.mark.parametrize(("attention", "variant"), halves(LAYERS), ids=case_name)
def test_rows_of_one_sequence_get_what_they_get_one_after_the_other(dawn: Dawn, variant: Variant, attention: Attention) -> None:
    pages = 24
    together, alone = Step(dawn, variant, attention, Rows(pages)), Step(dawn, variant, attention, ONE_ROW)
    for cached in (0, 1, 130):
        rng = np.random.default_rng(cached)
        cache = random_cache(rng, cached, layout_of(variant, attention), room=ROWS)
        table = np.resize(cache.page_table, pages)
        new = NewTokens.random(rng, ROWS, attention, 3)
        state = np.zeros((MAX_ROWS, STATE_WORDS), np.int32)
        state[: ROWS + 1, 0] = *range(cached, cached + ROWS), -1
        state[:ROWS, BEFORE] = range(ROWS)
        padding = np.zeros((1, attention.qkv_size), np.float32)  # a row that does nothing
        inputs = {**new.inputs, "qkv": np.concatenate([new.inputs["qkv"], padding]), "state": state}
        out, kv = together.run(ROWS + 1, cached + ROWS, {**inputs, "kv": cache.words, "page_table": np.tile(table, (MAX_ROWS, 1))})
        words = cache.words
        for row in range(ROWS):
            one = {**new.inputs, "qkv": new.inputs["qkv"][row : row + 1], "rope": new.rope[row:], "state": state_of(cached + row, 1)}
            expected, words = alone.run(1, cached + row + 1, {**one, "kv": words, "page_table": table})
            np.testing.assert_array_equal(out[row], expected[0], err_msg=f"row {row} behind {cached}")
        np.testing.assert_array_equal(kv, words)
