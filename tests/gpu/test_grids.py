"""What towers of convolutions do with the grids of pictures, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from dawn import Dawn
from linear_case import VARIANTS

from grids_case import CONVOLUTIONS, COUNTS, HEAD, PICTURES, of_attention, of_convolution, of_means
from webllm_build.compile.kernels.grids import attend, convolve, squeeze
from webllm_build.model.vision.ops import Convolution

VARIANT = VARIANTS[0]  # they are the same in all


@pytest.mark.parametrize("convolution", CONVOLUTIONS, ids=str)
def test_convolutions(dawn: Dawn, convolution: Convolution) -> None:
    arrays, expected = of_convolution(convolution)
    found = dawn.prepare(convolve(convolution, None), VARIANT).run(arrays, {"n": len(expected)})["out"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("count", COUNTS)
def test_every_place_of_a_picture_sees_all_of_them(dawn: Dawn, count: int) -> None:
    arrays, expected = of_attention(3, count)
    found = dawn.prepare(attend(3, HEAD, count), VARIANT).run(arrays, {"n": len(expected)})["out"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_means(dawn: Dawn) -> None:
    arrays, expected = of_means(32, 9)
    found = dawn.prepare(squeeze(32, 9), VARIANT).run(arrays, {"n": PICTURES})["out"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
