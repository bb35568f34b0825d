"""Norms of queries and keys over all their heads, against NumPy."""

import numpy as np
import pytest
from dawn import Dawn
from linear_case import VARIANTS

from webllm_build.compile.kernels.norm_parts import norm_parts
from webllm_build.compile.target import Variant


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
@pytest.mark.parametrize("sizes", [(64, 32), (1024, 640)])
def test_each_part_by_itself(dawn: Dawn, variant: Variant, sizes: tuple[int, int]) -> None:
    rng, columns = np.random.default_rng(0), sum(sizes) + 40
    kernel = dawn.prepare(norm_parts(variant, columns, sizes, 1e-2), variant)
    x = (rng.standard_normal((3, columns)) * rng.uniform(0.1, 3, columns)).astype(np.float32)
    weight = rng.uniform(0.5, 2, sum(sizes)).astype(np.float32)
    want = x.astype(np.float64)
    for part in (slice(0, sizes[0]), slice(sizes[0], sum(sizes))):
        want[:, part] *= weight[part] / np.sqrt((want[:, part] ** 2).mean(1, keepdims=True) + 1e-2)
    for rows in (1, 3):
        got = kernel.run({"x": x[:rows].copy(), "norm_weight": weight}, {"n": rows})["x"]
        np.testing.assert_allclose(got, want[:rows], rtol=0, atol=1e-5)
