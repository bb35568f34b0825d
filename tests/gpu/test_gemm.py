"""Matrix-matrix kernels against float64 NumPy."""

import re

import numpy as np
import pytest
from dawn import Dawn, poison, to_wgsl
from linear_case import F16_VARIANTS, MORE_EPILOGUES, PLAIN, RESIDUAL, SILU, VARIANTS, apply_epilogue, is_product, parameters, random_weight

from webllm_build.compile.kernels.linear.epilogue import Epilogue
from webllm_build.compile.kernels.linear.gemm import Tile, gemm, tiles
from webllm_build.compile.target import DEFAULT_LIMITS, Variant
from webllm_build.errors import CompileError
from webllm_build.quantize import SCHEMES

F32 = VARIANTS[1]
LARGE, WIDE = Tile(rows=8, columns=8, width=64), Tile(rows=8, columns=8, width=128)  # for many outputs in f32 and in f16 variants


def check(dawn: Dawn, scheme: str, m: int, n: int, k: int, epilogue: Epilogue = PLAIN, tile: Tile | None = None) -> None:
    """Run one layer and compare: the error may be a few float32 roundings of the largest sum."""
    rng = np.random.default_rng(m * 10007 + n * 101 + k)
    weight = random_weight(rng, scheme, n, k)
    x = rng.standard_normal((m, k)).astype(np.float32)
    residual = rng.standard_normal((m, n)).astype(np.float32)
    bias = rng.standard_normal(n).astype(np.float32)
    columns = epilogue.columns(n)
    func = gemm(F32, SCHEMES[scheme], n, k, epilogue=epilogue, tile=tile)
    buffers = {"x": x, **weight.buffers, "bias": bias, "residual": residual, "out": poison((m, columns))}
    got = dawn.run(func, F32, buffers, {"n": m})["out"]

    products = x.astype(np.float64) @ weight.values.T
    scale = (np.abs(x).astype(np.float64) @ np.abs(weight.values).T).max()
    if is_product(epilogue):
        scale *= np.abs(products).max()
    assert np.abs(got - apply_epilogue(products, epilogue, residual, bias)).max() < 1e-6 * scale


@pytest.mark.parametrize("scheme", SCHEMES)
def test_schemes(dawn: Dawn, scheme: str) -> None:
    check(dawn, scheme, m=33, n=130, k=96)


@pytest.mark.parametrize(("m", "n", "k"), [(1, 7, 32), (5, 130, 96), (33, 130, 576), (70, 7, 1536), (70, 130, 2080)])
def test_shapes(dawn: Dawn, m: int, n: int, k: int) -> None:
    check(dawn, "q4a", m, n, k)


@pytest.mark.parametrize(("tile", "epilogue"), [(LARGE, PLAIN), (LARGE, RESIDUAL), (LARGE, SILU), (WIDE, SILU)])
def test_large_tiles(dawn: Dawn, tile: Tile, epilogue: Epilogue) -> None:
    check(dawn, "q8", 70, 130, 64, epilogue, tile)


def test_a_residual_is_added(dawn: Dawn) -> None:
    check(dawn, "q8", 33, 66, 32, RESIDUAL)


@pytest.mark.parametrize("epilogue", parameters(MORE_EPILOGUES))
def test_biases_and_gelu(dawn: Dawn, epilogue: Epilogue) -> None:
    check(dawn, "q8", 33, 66, 32, epilogue)


@pytest.mark.parametrize(("m", "n"), [(5, 6), (32, 64), (33, 66)])
def test_gates_and_ups_at_the_edges_of_tiles(dawn: Dawn, m: int, n: int) -> None:
    check(dawn, "q4", m, n, 32, SILU)


@pytest.mark.parametrize("variant", [*VARIANTS, *F16_VARIANTS], ids=lambda variant: variant.name)
@pytest.mark.parametrize("n", [576, 16384])
def test_tiles_fit_every_gpu(variant: Variant, n: int) -> None:
    """Also: float16 variants hold and multiply float16."""
    for tile in set(tiles(variant, n).values()):
        wgsl = to_wgsl(gemm(variant, SCHEMES["q4"], n, 576, epilogue=SILU, tile=tile), variant)
        arrays = re.findall(r"var<workgroup> \w+ : array<vec4<(f\d+)>, (\d+)>", wgsl)
        assert {kind for kind, _ in arrays} == {"f16" if variant.f16 else "f32"}
        assert ("enable f16;" in wgsl) == variant.f16
        used = sum(int(count) * (8 if variant.f16 else 16) for _, count in arrays)
        assert len(arrays) == 2 and used <= DEFAULT_LIMITS["maxComputeWorkgroupStorageSize"]
        assert tile.width <= DEFAULT_LIMITS["maxComputeInvocationsPerWorkgroup"]


def test_activations_and_weights_are_loaded_as_vectors() -> None:
    wgsl = to_wgsl(gemm(F32, SCHEMES["q4"], 96, 576), F32)
    for name, kind in (("x", "f32"), ("w_q", "u32")):
        assert f"{name}_ptr : array<vec4<{kind}>>" in wgsl


def test_unfit_shapes_are_refused() -> None:
    with pytest.raises(CompileError, match="48 inputs"):
        gemm(F32, SCHEMES["q4"], 8, 48)
    with pytest.raises(CompileError, match="odd"):
        gemm(F32, SCHEMES["q4"], 7, 64, epilogue=SILU)
