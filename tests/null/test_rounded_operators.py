"""The imitated roundings, against the arithmetic that they stand for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rounded_operators import Multiply, RoundedOperators, Rounding, Values, block_codes, half, half_product, integer_product, vector_codes
from webllm_build.model import load_model
from webllm_build.model.numpy_operators import NumpyOperators
from webllm_build.quantize import GROUP
from webllm_build.source.local import open_folder

RANDOM = np.random.default_rng(0)


def normal(*shape: int) -> Values:
    return RANDOM.standard_normal(shape).astype(np.float32)


def test_half_is_the_nearest_float16() -> None:
    values = normal(100_000) * np.exp2(RANDOM.integers(-30, 14, 100_000)).astype(np.float32)
    ties = (np.arange(-5000, 5000) + 0.5).astype(np.float32) * np.float32(2**-24)
    for each in (values, ties, np.array([0, 65504, -65504, 2**-24, 2**-14], np.float32)):
        np.testing.assert_array_equal(half(each), each.astype(np.float16).astype(np.float32))


def test_half_products_are_float16_arithmetic() -> None:
    x, weight = normal(3, 24), normal(200, 24)
    sums = np.zeros((3, 200), np.float32)
    for first in range(0, 24, 4):
        four = np.zeros((3, 200), np.float16)
        for column in range(first, first + 4):
            exact = np.outer(x[:, column].astype(np.float16).astype(np.float64), weight[:, column].astype(np.float16))
            four = (four + exact).astype(np.float16)  # a fused multiply-add rounds once
        sums += four
    np.testing.assert_array_equal(half_product(x, weight), sums)


def test_integer_products_are_sums_of_integers() -> None:
    x, codes = normal(5, 3 * GROUP), RANDOM.integers(-8, 8, (7, 3 * GROUP))
    scales = np.abs(normal(7, 3)) + np.float32(0.1)
    expected = np.zeros((5, 7))
    for block in range(3):
        columns = slice(block * GROUP, (block + 1) * GROUP)
        largest = np.abs(x[:, columns]).max(1)
        activations = np.rint(x[:, columns] / (largest / np.float32(127))[:, None]).astype(np.int32)
        assert np.abs(activations).max() == 127
        expected += (activations @ codes[:, columns].T) * (largest / 127)[:, None] * scales[:, block]
    weight = codes * np.repeat(scales, GROUP, axis=1)
    np.testing.assert_allclose(integer_product(x, weight.astype(np.float32)), expected, rtol=1e-4, atol=1e-4)


def test_codes_have_a_scale_for_each_block_or_vector() -> None:
    x = normal(2, 3, 2 * GROUP)
    x[0, 0, :GROUP], x[1, 2] = 1000 * x[0, 0, :GROUP], 0
    blocks, vectors = block_codes(x), vector_codes(x)
    step = np.abs(x).reshape(2, 3, 2, GROUP).max(-1) / 127
    assert (np.abs(blocks - x).reshape(2, 3, 2, GROUP).max(-1) <= step * 0.501).all()
    assert np.abs(vectors - x)[0, 0, GROUP:].max() > 10 * step[0, 0, 1]  # its large half sets the scale
    assert not vectors[1, 2].any()
    assert not blocks[1, 2].any()


@pytest.mark.parametrize("product", [integer_product, half_product])
def test_a_model_differs_by_its_roundings_only(product: Multiply) -> None:
    checkpoint = open_folder(Path(__file__).parents[1] / "fixtures" / "tiny-llama", "tiny-llama")
    model, tokens = load_model(checkpoint), [5, 9, 33, 2, 17]
    weights = {weight.name: weight.values(checkpoint) for weight in model.weights}

    def logits(rounding: Rounding) -> Values:
        operators = RoundedOperators(checkpoint, model.norm_eps, tokens, weights, rounding)
        return model.logits(operators, model.hidden(operators))

    exact = NumpyOperators(checkpoint, model.norm_eps, tokens)
    expected = model.logits(exact, model.hidden(exact))
    size = np.abs(expected).max()
    assert np.abs(logits(Rounding()) - expected).max() < 1e-5 * size
    rounded = np.abs(logits(Rounding(multiply=product)) - expected).max()
    cached = np.abs(logits(Rounding(cached=vector_codes)) - expected).max()
    assert 1e-5 * size < rounded < 0.05 * size
    assert 1e-5 * size < cached < 0.05 * size
