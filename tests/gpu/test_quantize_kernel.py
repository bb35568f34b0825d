"""The kernel that makes codes of activations, against NumPy."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from dawn import Dawn, poison
from linear_case import VARIANTS

from codes_case import decode, encode
from webllm_build.compile.kernels.linear.quantize import quantize
from webllm_build.compile.target import Variant

Array = npt.NDArray[Any]


def run(dawn: Dawn, variant: Variant, x: Array, norm_weight: Array | None = None) -> tuple[Array, Array]:
    m, k = x.shape
    buffers = {"x": x, "out_q": poison((m, k // 16, 4), np.uint32), "out_s": poison((m, k // 32))}
    if norm_weight is not None:
        buffers["norm_weight"] = norm_weight
    func = quantize(variant, k, norm_eps=None if norm_weight is None else 1e-5)
    got = dawn.run(func, variant, buffers, {"n": m})
    return got["out_q"].view(np.int8).reshape(m, k), got["out_s"]


@pytest.mark.parametrize("k", [32, 576, 8224])
def test_values_become_codes(dawn: Dawn, k: int) -> None:
    x = np.random.default_rng(k).standard_normal((3, k)).astype(np.float32) * np.float32(10)
    codes, scales = run(dawn, VARIANTS[1], x)
    expected, expected_scales = encode(x)
    np.testing.assert_allclose(scales, expected_scales, rtol=1e-6)
    difference = np.abs(codes.astype(int) - expected)
    assert difference.max() <= 1 and (difference > 0).mean() < 1e-3  # a division may round otherwise
    assert np.abs(decode(codes, scales) - x).max() <= 0.501 * scales.max()


def test_zeros_and_tiny_values_are_zero_and_large_ones_keep_their_scale(dawn: Dawn) -> None:
    x = np.zeros((1, 128), np.float32)
    x[0, 32:64] = 1e-38
    x[0, 64:96] = 3e38
    x[0, 96] = -5
    codes, scales = run(dawn, VARIANTS[1], x)
    assert not codes[0, :64].any() and (codes[0, 64:96] == 127).all() and codes[0, 96] == -127 and not codes[0, 97:].any()
    np.testing.assert_allclose(scales[0, 2:], [3e38 / 127, 5 / 127], rtol=1e-6)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
@pytest.mark.parametrize("k", [96, 1536, 8224])
def test_a_norm_comes_first(dawn: Dawn, variant: Variant, k: int) -> None:
    rng = np.random.default_rng(k)
    x = rng.standard_normal((5, k)).astype(np.float32) * np.float32(3)
    weight = rng.uniform(0.5, 2, k).astype(np.float32)
    codes, scales = run(dawn, variant, x, norm_weight=weight)
    wide = x.astype(np.float64)
    expected = wide / np.sqrt((wide**2).mean(1, keepdims=True) + 1e-5) * weight
    assert np.abs(decode(codes, scales) - expected).max() <= 0.502 * scales.max()
