"""What layers get of each token beside their input, against NumPy."""

import numpy as np
import pytest
from dawn import Dawn, poison
from linear_case import VARIANTS

from webllm_build.compile.kernels.layer_inputs import layer_inputs
from webllm_build.compile.target import Variant


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
@pytest.mark.parametrize("columns", [32, 288])
def test_each_layer_has_its_columns(dawn: Dawn, variant: Variant, columns: int) -> None:
    rng, count, first = np.random.default_rng(0), 4, 1
    projected, rows = rng.standard_normal((2, 3, count, columns)).astype(np.float32) * rng.uniform(0.1, 3, (2, 3, count, 1))
    projected, rows = projected.astype(np.float32), rows.astype(np.float32)
    weight = rng.uniform(0.5, 2, columns).astype(np.float32)
    wide = projected.astype(np.float64)
    want = (wide / np.sqrt((wide**2).mean(-1, keepdims=True) + 1e-2) * weight + rows) / np.sqrt(2)
    outputs = {f"out{i}": poison((3, columns)) for i in range(2)}
    inputs = {"projected": projected.reshape(3, -1), "rows": rows.reshape(3, -1), "norm_weight": weight}
    got = dawn.run(layer_inputs(variant, None, columns, count, first, 2, 1e-2), variant, {**inputs, **outputs}, {"n": 3})
    for i in range(2):
        np.testing.assert_allclose(got[f"out{i}"], want[:, first + i], rtol=0, atol=1e-5)
