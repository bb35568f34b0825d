"""What towers of convolutions do with the grids of pictures, by kernels alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from kernels import NativeKernels

from grids_case import CONVOLUTIONS, COUNTS, HEAD, PICTURES, of_attention, of_convolution, of_means
from webllm_build.compile.cpu.grids import attend, convolve, squeeze
from webllm_build.model.vision.ops import Convolution


@pytest.mark.parametrize("convolution", CONVOLUTIONS, ids=str)
def test_convolutions(tmp_path: Path, convolution: Convolution) -> None:
    arrays, expected = of_convolution(convolution)
    found = NativeKernels(tmp_path, {"convolve": convolve(convolution, None)}).run("convolve", arrays, len(expected))["out"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("count", COUNTS)
def test_every_place_of_a_picture_sees_all_of_them(tmp_path: Path, count: int) -> None:
    arrays, expected = of_attention(3, count)
    found = NativeKernels(tmp_path, {"attend": attend(3, HEAD, count)}).run("attend", arrays, len(expected))["out"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_means(tmp_path: Path) -> None:
    arrays, expected = of_means(32, 9)
    found = NativeKernels(tmp_path, {"squeeze": squeeze(32, 9)}).run("squeeze", arrays, PICTURES)["out"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
