"""Embedding lookups against NumPy."""

import numpy as np
import pytest
from dawn import Dawn, poison, to_wgsl
from linear_case import F16_VARIANTS, VARIANTS, random_weight

from webllm_build.compile.kernels.embed import embed
from webllm_build.compile.target import Variant
from webllm_build.quantize import SCHEMES, Part

ROWS = 37


def table(scheme: str, columns: int) -> Part:
    return Part("embedding", SCHEMES[scheme], 0, ROWS, columns)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("tokens", "columns"), [(1, 576), (5, 32), (33, 96), (70, 2080)])
def test_rows(dawn: Dawn, scheme: str, tokens: int, columns: int) -> None:
    rng = np.random.default_rng(tokens)
    weight = random_weight(rng, scheme, ROWS, columns)
    ids = rng.integers(0, ROWS, tokens, dtype=np.int32)
    ids[0], ids[-1] = 0, ROWS - 1
    func = embed(VARIANTS[0], table(scheme, columns), ROWS)
    buffers = {"tokens": ids, **weight.buffers, "out": poison((tokens, columns))}
    got = dawn.run(func, VARIANTS[0], buffers, {"n": tokens})["out"]
    # A product and a sum, or one fused operation: at most one rounding apart.
    np.testing.assert_allclose(got, weight.values[ids], rtol=1e-6, atol=1e-7)


def test_a_factor(dawn: Dawn) -> None:
    weight, ids = random_weight(np.random.default_rng(1), "q8", ROWS, 96), np.array([5, 0, 36], np.int32)
    func = embed(VARIANTS[0], table("q8", 96), ROWS, 640**0.5)
    got = dawn.run(func, VARIANTS[0], {"tokens": ids, **weight.buffers, "out": poison((3, 96))}, {"n": 3})["out"]
    np.testing.assert_allclose(got, weight.values[ids] * 640**0.5, rtol=1e-6, atol=1e-5)


def test_ids_outside_the_table_read_its_edges(dawn: Dawn) -> None:
    weight = random_weight(np.random.default_rng(0), "q4a", ROWS, 64)
    ids = np.array([-1, ROWS, 2**31 - 1, -(2**31), 3], np.int32)
    func = embed(VARIANTS[0], table("q4a", 64), ROWS)
    got = dawn.run(func, VARIANTS[0], {"tokens": ids, **weight.buffers, "out": poison((5, 64))}, {"n": 5})["out"]
    np.testing.assert_allclose(got, weight.values[[0, ROWS - 1, ROWS - 1, 0, 3]], rtol=1e-6, atol=1e-7)


def test_a_picture_s_tokens_have_vectors(dawn: Dawn) -> None:
    rng = np.random.default_rng(2)
    weight, vectors = random_weight(rng, "q8", ROWS, 64), rng.standard_normal((5, 96)).astype(np.float32)
    ids = np.array([3, -1, -(2**31), 7, -5], np.int32)
    func = embed(VARIANTS[0], table("q8", 64), ROWS, 8.0, of_pictures=96)
    buffers = {"tokens": ids, "vectors": vectors, **weight.buffers, "out": poison((5, 64))}
    got = dawn.run(func, VARIANTS[0], buffers, {"n": 5})["out"]
    expected = np.where(ids[:, None] < 0, vectors[:, :64], 8 * weight.values[np.maximum(ids, 0)])
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("variant", [*VARIANTS, *F16_VARIANTS], ids=lambda variant: variant.name)
def test_every_variant_stores_vectors(variant: Variant) -> None:
    assert "out_ptr : array<vec4<f32>>" in to_wgsl(embed(variant, table("q8", 96), ROWS), variant)
