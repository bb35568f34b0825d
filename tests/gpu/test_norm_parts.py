"""Norms of parts of rows, against NumPy."""

import numpy as np
import pytest
from dawn import Dawn
from linear_case import VARIANTS

from webllm_build.compile.kernels.norm_parts import norm_parts
from webllm_build.compile.target import Variant


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
@pytest.mark.parametrize(("sizes", "gates"), [((64, 32), None), ((1024, 640), None), ((96, 96, 96), 300)])
def test_each_part_by_itself(dawn: Dawn, variant: Variant, sizes: tuple[int, ...], gates: int | None) -> None:
    rng, columns = np.random.default_rng(0), sum(sizes) + 40
    kernel = dawn.prepare(norm_parts(variant, None, columns, sizes, 1e-2, gates), variant)
    x = (rng.standard_normal((3, columns)) * rng.uniform(0.1, 3, columns)).astype(np.float32)
    weight = rng.uniform(0.5, 2, sum(sizes)).astype(np.float32)
    want = x.astype(np.float64)
    for end, size in zip(np.cumsum(sizes), sizes, strict=True):
        part = slice(end - size, end)
        want[:, part] *= weight[part] / np.sqrt((want[:, part] ** 2).mean(1, keepdims=True) + 1e-2)
    gate = rng.standard_normal((3, gates or 0)).astype(np.float32)
    if gates:
        of = gate[:, : sum(sizes)].astype(np.float64)
        want[:, : sum(sizes)] *= of / (1 + np.exp(-of))
    for rows in (1, 3):
        given = {"x": x[:rows].copy(), "norm_weight": weight} | ({"gate": gate[:rows]} if gates else {})
        got = kernel.run(given, {"n": rows})["x"]
        np.testing.assert_allclose(got, want[:rows], rtol=0, atol=1e-5)
