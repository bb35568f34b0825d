"""Products of a sum that their kernels make, against those of the same sum made before: to the bit, as rows must agree."""

from dataclasses import replace

import numpy as np
import pytest
from dawn import Array, Dawn, poison
from linear_case import PLAIN, SILU, VARIANTS, random_weight

from webllm_build.compile.kernels.add_norm import add_norm
from webllm_build.compile.kernels.linear.epilogue import Epilogue
from webllm_build.compile.kernels.linear.gemv_codes import gemv_codes
from webllm_build.compile.kernels.linear.joined import Join
from webllm_build.compile.kernels.linear.vectors import Tile
from webllm_build.quantize import SCHEMES

EPS = 1e-3
SG, _ = VARIANTS


@pytest.mark.parametrize(
    ("n", "k", "norm", "epilogue", "scalar", "tile"),
    [
        (130, 96, True, PLAIN, None, Tile(4, 2, 8)),  # a workgroup of fewer invocations than add_norm's
        (64, 640, True, SILU, None, Tile(4, 8, 16)),
        (128, 1152, False, replace(SILU, bias=True), None, Tile(8, 4, 16)),
        (200, 1152, True, PLAIN, 0.25, Tile(32, 2, 8)),  # of more
        (7, 32, True, PLAIN, None, Tile(32, 4, 4)),
        (300, 64, True, PLAIN, None, Tile(8, 2, 32)),
        (128, 64, True, SILU, None, Tile(8, 2, 32)),
        (9, 64, False, PLAIN, None, Tile(4, 1, 1)),  # of a single subgroup
    ],
)
def test_a_sum_is_what_its_own_kernel_makes(
    dawn: Dawn, n: int, k: int, norm: bool, epilogue: Epilogue, scalar: float | None, tile: Tile
) -> None:
    rng = np.random.default_rng(n + k)
    weight, scheme = random_weight(rng, "q4", n, k), SCHEMES["q4"]
    x, residual = (rng.standard_normal((2, 1, k)) * 3).astype(np.float32)
    join_weight, norm_weight = rng.uniform(0.5, 2, (2, k)).astype(np.float32)
    factor, bias = np.array([1 if scalar is None else scalar], np.float32), rng.standard_normal(n).astype(np.float32)
    eps, shared = EPS if norm else None, {**weight.buffers, "norm_weight": norm_weight, "bias": bias}

    def outputs() -> dict[str, Array]:
        return {"out": poison((1, n)), "out_q": poison((1, n // 32, 4), np.uint32), "out_s": poison((1, n // 64))}

    of_sum = {"x": x, "norm_weight": join_weight, "residual": residual, "scalar": factor, "out": poison((1, k))}
    joined = dawn.run(add_norm(SG, 1, k, EPS, scaled=scalar is not None), SG, of_sum)["out"]
    apart = dawn.run(gemv_codes(SG, scheme, n, k, norm_eps=eps, epilogue=epilogue, tile=tile), SG, {**shared, "x": joined, **outputs()})

    terms = {"x": x, "join_weight": join_weight, "join_residual": residual, "join_scalar": factor, "joined": poison((1, k))}
    kernel = gemv_codes(SG, scheme, n, k, norm_eps=eps, source=Join(EPS, scalar is not None), epilogue=epilogue, tile=tile)
    got = dawn.run(kernel, SG, {**shared, **terms, **outputs()})
    np.testing.assert_array_equal(got.pop("joined"), joined)
    for name, values in apart.items():
        np.testing.assert_array_equal(got[name], values)
