"""The norm behind a block against NumPy."""

import numpy as np
import pytest
from dawn import Dawn, poison
from linear_case import VARIANTS

from webllm_build.compile.kernels.add_norm import add_norm
from webllm_build.compile.target import Variant


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
@pytest.mark.parametrize("columns", [32, 640, 1152])
def test_add_norm(dawn: Dawn, variant: Variant, columns: int) -> None:
    kernel = dawn.prepare(add_norm(variant, columns, 1e-3), variant)
    rng = np.random.default_rng(columns)
    for rows in (1, 3):
        x, residual = rng.standard_normal((2, rows, columns)).astype(np.float32)
        weight = rng.uniform(0.5, 2, columns).astype(np.float32)
        buffers = {"x": x, "norm_weight": weight, "residual": residual, "out": poison((rows, columns))}
        wide = x.astype(np.float64)
        want = residual + wide / np.sqrt((wide**2).mean(1, keepdims=True) + 1e-3) * weight
        np.testing.assert_allclose(kernel.run(buffers, {"n": rows})["out"], want, rtol=0, atol=1e-5)
