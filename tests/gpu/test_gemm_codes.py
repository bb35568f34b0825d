"""Matrix-matrix kernels on integer dot products against float64 NumPy."""

import re

import numpy as np
import pytest
from dawn import Dawn, poison, to_wgsl
from linear_case import MORE_EPILOGUES, PLAIN, RESIDUAL, SILU, VARIANTS, apply_epilogue, is_product, parameters, random_weight

import codes_case
from webllm_build.compile.kernels.linear.epilogue import Epilogue
from webllm_build.compile.kernels.linear.gemm_codes import Tile, gemm_codes, tiles
from webllm_build.compile.target import DEFAULT_LIMITS
from webllm_build.errors import CompileError
from webllm_build.quantize import SCHEMES

F32 = VARIANTS[1]
LARGE = Tile(8, 8, 16, 16)
SMALL = Tile(1, 2, 2, 32)  # SwiftShader takes two seconds to compile a larger one


def check(dawn: Dawn, scheme: str, m: int, n: int, k: int, epilogue: Epilogue = PLAIN, tile: Tile | None = None) -> None:
    """Run one layer on random codes: sums of a block are exact, so the error may be a few float32 roundings of the largest sum."""
    rng = np.random.default_rng(m * 10007 + n * 101 + k)
    weight = random_weight(rng, scheme, n, k)
    codes, scales = codes_case.encode(rng.standard_normal((m, k)).astype(np.float32))
    residual = rng.standard_normal((m, n)).astype(np.float32)
    bias = rng.standard_normal(n).astype(np.float32)
    columns = epilogue.columns(n)
    func = gemm_codes(SCHEMES[scheme], n, k, epilogue=epilogue, tile=tile)
    buffers = {**codes_case.buffers(codes, scales), **weight.buffers, "bias": bias, "residual": residual, "out": poison((m, columns))}
    got = dawn.run(func, F32, buffers, {"n": m})["out"]

    x = codes_case.decode(codes, scales)
    products = x @ weight.values.T
    scale = (np.abs(x) @ np.abs(weight.values).T).max()
    if is_product(epilogue):
        scale *= np.abs(products).max()
    assert np.abs(got - apply_epilogue(products, epilogue, residual, bias)).max() < 1e-6 * scale


@pytest.mark.parametrize("scheme", ["q4", "q4a", "q8"])
@pytest.mark.parametrize("tile", [None, LARGE])
def test_schemes(dawn: Dawn, scheme: str, tile: Tile | None) -> None:
    check(dawn, scheme, m=33, n=130, k=96, tile=tile)


@pytest.mark.parametrize(("m", "n", "k"), [(1, 7, 32), (65, 130, 576), (130, 7, 1536)])
def test_shapes(dawn: Dawn, m: int, n: int, k: int) -> None:
    check(dawn, "q4a", m, n, k)


def test_a_residual_is_added(dawn: Dawn) -> None:
    check(dawn, "q8", 33, 66, 32, RESIDUAL)


@pytest.mark.parametrize("epilogue", parameters(MORE_EPILOGUES))
def test_biases_and_gelu(dawn: Dawn, epilogue: Epilogue) -> None:
    check(dawn, "q8", 33, 66, 32, epilogue, SMALL)


@pytest.mark.parametrize(("m", "n"), [(5, 6), (64, 64), (65, 66)])
def test_gates_and_ups_at_the_edges_of_tiles(dawn: Dawn, m: int, n: int) -> None:
    check(dawn, "q4", m, n, 32, SILU)


@pytest.mark.parametrize("n", [576, 16384])
def test_tiles_fit_every_gpu(n: int) -> None:
    for tile in tiles(n).values():
        wgsl = to_wgsl(gemm_codes(SCHEMES["q4a"], n, 576, epilogue=SILU, tile=tile), F32)
        arrays = re.findall(r"var<workgroup> \w+ : array<(vec4<u32>|f32|i32), (\d+)>", wgsl)
        assert len(arrays) == 6
        used = sum(int(count) * (16 if kind == "vec4<u32>" else 4) for kind, count in arrays)
        assert used <= DEFAULT_LIMITS["maxComputeWorkgroupStorageSize"]
        assert tile.threads <= DEFAULT_LIMITS["maxComputeInvocationsPerWorkgroup"]


def test_unfit_shapes_are_refused() -> None:
    with pytest.raises(CompileError, match="48 inputs"):
        gemm_codes(SCHEMES["q4"], 8, 48)
