"""Matrix-vector kernels against float64 NumPy."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from dawn import Array, Dawn, poison, to_wgsl
from linear_case import (
    EPILOGUES,
    F16_VARIANTS,
    GELU,
    MORE_EPILOGUES,
    PLAIN,
    RESIDUAL,
    SILU,
    VARIANTS,
    apply_epilogue,
    is_product,
    parameters,
    random_weight,
)

from webllm_build.compile.kernels.linear.epilogue import Epilogue
from webllm_build.compile.kernels.linear.gemv import gemv, tiles
from webllm_build.compile.kernels.linear.vectors import Tile
from webllm_build.compile.target import DEFAULT_LIMITS, Variant
from webllm_build.compile.wgsl import compile_kernels
from webllm_build.errors import CompileError
from webllm_build.quantize import SCHEMES

EPS = 1e-5


def check(
    dawn: Dawn, variant: Variant, scheme: str, n: int, k: int, *, norm: bool = False, epilogue: Epilogue = PLAIN, tile: Tile | None = None
) -> None:
    """Run one layer and compare: the error may be a few float32 roundings of the largest sum."""
    rng = np.random.default_rng(n * 10007 + k)
    weight = random_weight(rng, scheme, n, k)
    x = (rng.standard_normal((1, k)) * 3).astype(np.float32)
    norm_weight = rng.uniform(0.5, 2, k).astype(np.float32)
    residual = rng.standard_normal((1, n)).astype(np.float32)
    bias = rng.standard_normal(n).astype(np.float32)
    buffers = {"x": x, **weight.buffers, "norm_weight": norm_weight, "bias": bias, "residual": residual}
    columns = epilogue.columns(n)
    func = gemv(variant, SCHEMES[scheme], n, k, norm_eps=EPS if norm else None, epilogue=epilogue, tile=tile)
    got = dawn.run(func, variant, {**buffers, "out": poison((1, columns))})["out"]

    inputs = x.astype(np.float64)
    if norm:
        inputs = inputs * norm_weight / np.sqrt((inputs**2).mean() + EPS)
    want = apply_epilogue(inputs @ weight.values.T, epilogue, residual, bias)
    scale = (np.abs(inputs) @ np.abs(weight.values).T).max()
    if is_product(epilogue):
        scale *= np.abs(inputs @ weight.values.T).max()
    assert np.abs(got - want).max() < 1e-6 * scale


def turns(*choices: Sequence[Any]) -> list[Any]:
    """Every combination of choices for pytest.mark.parametrize, with the variants in turns in front: both meet every choice."""
    rows = product(*(enumerate(each) for each in choices))
    return [(VARIANTS[sum(number for number, _ in row) % 2], *(choice for _, choice in row)) for row in rows]


@pytest.mark.parametrize(("variant", "scheme", "shape"), turns([*SCHEMES], [(7, 32), (130, 96), (7, 576), (130, 1536), (7, 2080)]))
def test_shapes(dawn: Dawn, variant: Variant, scheme: str, shape: tuple[int, int]) -> None:
    check(dawn, variant, scheme, *shape)


@pytest.mark.parametrize(
    ("variant", "norm", "epilogue", "layer"),
    turns([False, True], [*EPILOGUES.values()], [("q4", 6, 2080), ("q4a", 130, 576), ("q8", 34, 96)]),
)
def test_norm_and_epilogues(dawn: Dawn, variant: Variant, norm: bool, epilogue: Epilogue, layer: tuple[str, int, int]) -> None:
    check(dawn, variant, *layer, norm=norm, epilogue=epilogue)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
@pytest.mark.parametrize("epilogue", parameters(MORE_EPILOGUES))
def test_biases_and_gelu(dawn: Dawn, variant: Variant, epilogue: Epilogue) -> None:
    check(dawn, variant, "q4a", 34, 96, norm=True, epilogue=epilogue)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
@pytest.mark.parametrize("tile", [Tile(8, 8, 8), Tile(4, 2, 3), Tile(32, 8, 2), Tile(96, 2, 1), Tile(256, 4, 1)])
def test_any_tile(dawn: Dawn, variant: Variant, tile: Tile) -> None:
    """Tiles are a matter of speed: each gives the same result."""
    for epilogue in (PLAIN, SILU):
        check(dawn, variant, "q4a", 130, 576, norm=True, epilogue=epilogue, tile=tile)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
@pytest.mark.parametrize(
    ("scheme", "n", "k", "norm", "epilogue", "tile", "m"),
    [
        ("q4a", 130, 576, True, PLAIN, Tile(4, 8, 8), 2),
        ("q8", 34, 96, True, replace(SILU, bias=True), Tile(4, 4, 32), 8),
        ("q4", 7, 2080, False, replace(RESIDUAL, bias=True), Tile(32, 8, 1), 4),
        ("f16", 20, 64, False, GELU, Tile(1, 8, 8), 2),
        ("q4", 12, 1024, True, PLAIN, Tile(8, 2, 4), 4),
    ],
)
def test_several_vectors_give_what_each_gives_alone(
    dawn: Dawn, variant: Variant, scheme: str, n: int, k: int, norm: bool, epilogue: Epilogue, tile: Tile, m: int
) -> None:
    rng = np.random.default_rng(m * n + k)
    weight, x = random_weight(rng, scheme, n, k), (rng.standard_normal((m, k)) * 3).astype(np.float32)
    residual = rng.standard_normal((m, n)).astype(np.float32)
    shared = {**weight.buffers, "norm_weight": rng.uniform(0.5, 2, k).astype(np.float32), "bias": residual[0]}

    def run(count: int, rows: slice) -> Array:
        out = poison((count, epilogue.columns(n)))
        return kernels[count].run({**shared, "x": x[rows], "residual": residual[rows], "out": out})["out"]

    eps = EPS if norm else None
    kernels = {
        count: dawn.prepare(
            gemv(variant, SCHEMES[scheme], n, k, m=count, norm_eps=eps, epilogue=epilogue, tile=tile.for_vectors(count)), variant
        )
        for count in (1, m)
    }
    np.testing.assert_array_equal(run(m, slice(m)), np.concatenate([run(1, slice(t, t + 1)) for t in range(m)]))


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_output_head_tile(dawn: Dawn, variant: Variant) -> None:
    check(dawn, variant, "q8", 32770, 96, norm=True)


@pytest.mark.parametrize(("epilogue", "one"), [(SILU, 0.73105858), (GELU, 0.84119199)], ids=["silu", "gelu"])
def test_large_gates_do_not_overflow(dawn: Dawn, epilogue: Epilogue, one: float) -> None:
    """Of -1000 and less both are 0, of 1000 and more the value itself, where a naive exponential or cube would overflow."""
    gates = {-1e30: 0.0, -1000: 0, -50: 0, -10.5: 0, 0: 0, 1: one, 10.5: 10.5, 50: 50, 1000: 1000, 1e30: 1e30}
    n, k = 2 * len(gates), 32
    values = np.zeros((n, k), np.float32)
    values[0::2, 0], values[1::2, 0] = list(gates), 1
    (w,) = SCHEMES["f32"].pack(SCHEMES["f32"].encode(values), k)
    x = np.eye(1, k, dtype=np.float32)
    func = gemv(VARIANTS[1], SCHEMES["f32"], n, k, epilogue=epilogue)
    got = dawn.run(func, VARIANTS[1], {"x": x, "w_w": w, "out": poison((1, n // 2))})["out"][0]
    np.testing.assert_allclose(got, list(gates.values()), rtol=1e-5, atol=4e-4)


@pytest.mark.parametrize(("n", "k"), [(960, 576), (49152, 576), (16384, 3072), (3072, 8192), (128256, 3072), (96, 14336), (64, 32)])
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_tiles_fit_every_gpu(variant: Variant, n: int, k: int) -> None:
    for vendor, tile in tiles(variant, n, k).items():
        threads = tile.lanes * tile.groups
        assert (1 if vendor == "google" else 32) <= threads <= 256  # that one is a CPU
        assert tile.lanes & (tile.lanes - 1) == 0 or tile.lanes % 32 == 0  # what subgroup reductions need
        assert n / (tile.rows * tile.groups) <= 65535


@pytest.mark.parametrize("k", [576, 2048])
def test_sums_of_several_vectors_fit_every_gpu(k: int) -> None:
    variant = Variant("f32", f16=False, subgroups=False)
    tile = tiles(variant, 3072, k)["other"].for_vectors(8)
    kernel = gemv(variant, SCHEMES["q4"], 3072, k, m=8, norm_eps=EPS, epilogue=SILU, tile=tile)
    used = compile_kernels({"kernel": kernel}, variant)["kernel"].workgroup_bytes
    assert used <= DEFAULT_LIMITS["maxComputeWorkgroupStorageSize"]


def test_activations_and_weights_are_loaded_as_vectors() -> None:
    wgsl = to_wgsl(gemv(VARIANTS[1], SCHEMES["q4"], 96, 576, norm_eps=EPS), VARIANTS[1])
    for name, kind in (("x", "f32"), ("norm_weight", "f32"), ("w_q", "u32")):
        assert f"{name}_ptr : array<vec4<{kind}>>" in wgsl


def test_same_inputs_give_the_same_text() -> None:
    first, second = (to_wgsl(gemv(VARIANTS[0], SCHEMES["q8"], 130, 96), VARIANTS[0]) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("variant", F16_VARIANTS, ids=lambda variant: variant.name)
def test_f16_variants_compile(variant: Variant) -> None:
    wgsl = to_wgsl(gemv(variant, SCHEMES["q4"], 96, 576, norm_eps=EPS, epilogue=SILU), variant)
    assert ("subgroupShuffleXor" in wgsl) == variant.subgroups


def test_unfit_shapes_are_refused() -> None:
    with pytest.raises(CompileError, match="48 inputs"):
        gemv(VARIANTS[0], SCHEMES["q4"], 8, 48)
    with pytest.raises(CompileError, match="odd"):
        gemv(VARIANTS[0], SCHEMES["q4"], 7, 64, epilogue=SILU)
    with pytest.raises(CompileError, match="not both"):
        gemv(VARIANTS[0], SCHEMES["q4"], 8, 64, epilogue=Epilogue(activation="silu_mul", residual=True))
