"""Layer normalisation against NumPy."""

import numpy as np
import pytest
from dawn import Dawn, poison
from linear_case import VARIANTS

from webllm_build.compile.kernels.layer_norm import layer_norm
from webllm_build.compile.target import Variant


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
@pytest.mark.parametrize(("columns", "bias"), [(32, True), (640, False), (1152, True)])
def test_rows(dawn: Dawn, variant: Variant, columns: int, bias: bool) -> None:
    """Also of values that lie far from zero, whose squares would lose what differs."""
    kernel = dawn.prepare(layer_norm(variant, None, columns, 1e-3, bias=bias), variant)
    rng = np.random.default_rng(columns)
    x = (rng.standard_normal((3, columns)) + np.array([[0], [3000], [-1]])).astype(np.float32)
    weight, added = rng.uniform(0.5, 2, (2, columns)).astype(np.float32)
    wide = x.astype(np.float64)
    want = (wide - wide.mean(1, keepdims=True)) / np.sqrt(wide.var(1, keepdims=True) + 1e-3) * weight + added * bias
    for rows in (1, 3):
        buffers = {"x": x[:rows], "norm_weight": weight, "norm_bias": added, "out": poison((rows, columns))}
        got = kernel.run(buffers, {"n": rows})["out"]
        np.testing.assert_allclose(got, want[:rows], rtol=0, atol=3e-3)  # float32's steps at 3000
        np.testing.assert_allclose(got[:1], want[:1], rtol=0, atol=1e-5)
