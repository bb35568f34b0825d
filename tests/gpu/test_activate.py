"""Each activation alone, against transformers."""

import numpy as np
import pytest
from dawn import Dawn, poison
from linear_case import VARIANTS

from activations import EXPECTED, X, check
from webllm_build.compile.kernels.activate import activate
from webllm_build.model.ops import Function


@pytest.mark.parametrize("function", EXPECTED)
def test_it_makes_what_transformers_does(dawn: Dawn, function: Function) -> None:
    kernel = dawn.prepare(activate(None, X.size, function, factor=False), VARIANTS[0])
    found = kernel.run({"x": X, "out": poison(X.shape)}, {"n": 1})["out"]
    assert found.dtype == np.float32
    check(function, found)
