"""Matrix-vector kernels on integer dot products against float64 NumPy."""

from dataclasses import replace

import numpy as np
import pytest
from dawn import Array, Dawn, poison
from linear_case import MORE_EPILOGUES, PLAIN, RESIDUAL, SILU, VARIANTS, apply_epilogue, is_product, parameters, random_weight

import codes_case
from webllm_build.compile.kernels.linear.code_inputs import fit_workgroups
from webllm_build.compile.kernels.linear.epilogue import Epilogue
from webllm_build.compile.kernels.linear.gemv_codes import gemv_codes, tiles
from webllm_build.compile.kernels.linear.quantize import quantize
from webllm_build.compile.kernels.linear.vectors import Tile
from webllm_build.compile.target import DEFAULT_LIMITS, Variant
from webllm_build.compile.wgsl import compile_kernels
from webllm_build.errors import CompileError
from webllm_build.quantize import SCHEMES

EPS = 1e-5
SG, F32 = VARIANTS
SMALL = Tile(4, 2, 8)  # SwiftShader's subgroups have four invocations


def check(
    dawn: Dawn,
    scheme: str,
    n: int,
    k: int,
    *,
    variant: Variant = F32,
    norm: bool = False,
    packed: bool = False,
    epilogue: Epilogue = PLAIN,
    tile: Tile = SMALL,
) -> None:
    rng = np.random.default_rng(n * 101 + k)
    weight = random_weight(rng, scheme, n, k)
    x = rng.standard_normal((1, k)).astype(np.float32)
    norm_weight = rng.uniform(0.5, 2, k).astype(np.float32)
    residual = rng.standard_normal((1, n)).astype(np.float32)
    bias = rng.standard_normal(n).astype(np.float32)
    codes, scales = codes_case.encode(x * norm_weight if norm else x)
    inputs = codes_case.buffers(codes, scales) if packed else {"x": x, "norm_weight": norm_weight}
    outputs = {"out": poison((1, n)), "out_q": poison((1, n // 32, 4), np.uint32), "out_s": poison((1, n // 64))}
    eps = EPS if norm else None
    func = gemv_codes(variant, SCHEMES[scheme], n, k, norm_eps=eps, packed_input=packed, epilogue=epilogue, tile=tile)
    got = dawn.run(func, variant, {**inputs, **weight.buffers, "bias": bias, "residual": residual, **outputs})

    values = codes_case.decode(codes, scales)
    if norm:
        values /= np.sqrt((x.astype(np.float64) ** 2).mean() + EPS)
    y = values @ weight.values.T
    largest = (np.abs(values) @ np.abs(weight.values).T).max()
    if epilogue.gated:
        expected = apply_epilogue(y, epilogue, residual, bias)
        channels = codes_case.decode(got["out_q"].view(np.int8).reshape(1, n // 2), got["out_s"])
        error = 1e-6 * largest * np.abs(y).max() + 0.502 * np.repeat(got["out_s"], 32, axis=1)
        assert (np.abs(channels - expected) <= error).all()
        np.testing.assert_allclose(got["out_s"], np.abs(expected).reshape(1, -1, 32).max(2) / 127, rtol=1e-2)
    else:
        # One code in thousands may be the next one, where a quotient rounds otherwise.
        step = scales.max() * np.abs(weight.values).max() * (1 if not packed else 0)
        factor = np.abs(y).max() if is_product(epilogue) else 1
        assert np.abs(got["out"] - apply_epilogue(y, epilogue, residual, bias)).max() < (1e-6 * largest + step) * factor


@pytest.mark.parametrize("scheme", ["q4", "q4a", "q8", "mxfp4"])
@pytest.mark.parametrize("packed", [False, True])
def test_schemes(dawn: Dawn, scheme: str, packed: bool) -> None:
    check(dawn, scheme, 130, 96, packed=packed)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
@pytest.mark.parametrize(("n", "k"), [(7, 32), (130, 576), (40, 2080)])
def test_a_norm_comes_first(dawn: Dawn, variant: Variant, n: int, k: int) -> None:
    check(dawn, "q4a", n, k, variant=variant, norm=True)


@pytest.mark.parametrize("tile", [Tile(8, 4, 2), Tile(32, 4, 4), Tile(64, 2, 1)])
def test_tiles(dawn: Dawn, tile: Tile) -> None:
    check(dawn, "q4", 67, 1056, packed=True, epilogue=RESIDUAL, tile=tile)


@pytest.mark.parametrize("n", [64, 192])
@pytest.mark.parametrize("tile", [Tile(4, 8, 8), Tile(4, 16, 8), Tile(8, 4, 16)])
def test_gates_and_ups_become_codes(dawn: Dawn, n: int, tile: Tile) -> None:
    check(dawn, "q8", n, 96, norm=True, epilogue=SILU, tile=tile)


@pytest.mark.parametrize("epilogue", parameters(MORE_EPILOGUES))
def test_biases_and_gelu(dawn: Dawn, epilogue: Epilogue) -> None:
    check(dawn, "q4", 128, 96, norm=True, epilogue=epilogue, tile=Tile(4, 8, 8))


SEVERAL = [
    ("q4a", 130, 576, True, PLAIN, Tile(4, 8, 8), 2),
    ("q8", 128, 96, True, replace(SILU, bias=True), Tile(4, 8, 16), 8),
    ("q4", 7, 2080, False, replace(RESIDUAL, bias=True), Tile(32, 8, 1), 4),
]


@pytest.mark.parametrize(
    ("variant", "packed", "scheme", "n", "k", "norm", "epilogue", "tile", "m"),
    [(VARIANTS[(number + packed) % 2], packed, *case) for number, case in enumerate(SEVERAL) for packed in (False, True)],
)
def test_several_vectors_give_what_each_gives_alone(
    dawn: Dawn, variant: Variant, packed: bool, scheme: str, n: int, k: int, norm: bool, epilogue: Epilogue, tile: Tile, m: int
) -> None:
    """Whether workgroups make the codes, or a kernel before: of each layer one with subgroups and one without."""
    rng = np.random.default_rng(m * n + k)
    weight, x = random_weight(rng, scheme, n, k), (rng.standard_normal((m, k)) * 3).astype(np.float32)
    residual = rng.standard_normal((m, n)).astype(np.float32)
    shared = {**weight.buffers, "norm_weight": rng.uniform(0.5, 2, k).astype(np.float32), "bias": residual[0]}
    eps = EPS if norm else None

    def outputs(count: int) -> dict[str, Array]:
        return {"out": poison((count, n)), "out_q": poison((count, n // 32, 4), np.uint32), "out_s": poison((count, n // 64))}

    kernel = gemv_codes(variant, SCHEMES[scheme], n, k, m=m, norm_eps=eps, packed_input=packed, epilogue=epilogue, tile=tile.for_vectors(m))
    inputs = {**shared, "x": x, "residual": residual}
    if packed:
        made = {"out_q": poison((m, k // 16, 4), np.uint32), "out_s": poison((m, k // 32)), "out_squares": poison((m, k // 32))}
        codes = dawn.run(quantize(variant, k, squares_apart=norm), variant, {**inputs, **made}, {"n": m})
        inputs |= {name.replace("out", "x"): values for name, values in codes.items()}
    together = dawn.run(kernel, variant, {**inputs, **outputs(m)})
    alone = dawn.prepare(gemv_codes(variant, SCHEMES[scheme], n, k, norm_eps=eps, epilogue=epilogue, tile=tile), variant)
    for t in range(m):
        one = alone.run({**shared, "x": x[t : t + 1], "residual": residual[t : t + 1], **outputs(1)})
        for name, values in one.items():
            np.testing.assert_array_equal(together[name][t], values[0])


def test_codes_of_long_vectors_are_made_before() -> None:
    """Workgroup memory of 16 KiB is what every GPU has."""
    assert fit_workgroups(8192, 1) and fit_workgroups(4096, 2)
    assert not fit_workgroups(18432, 1) and not fit_workgroups(8192, 2)
    for m, k in ((1, 11136), (2, 5568)):
        assert fit_workgroups(k, m)
        kernel = gemv_codes(Variant("f32-sg", f16=False, subgroups=True), SCHEMES["q4"], 16384, k, m=m, norm_eps=EPS, epilogue=SILU)
        used = compile_kernels({"kernel": kernel}, F32)["kernel"].workgroup_bytes
        assert used <= DEFAULT_LIMITS["maxComputeWorkgroupStorageSize"]


@pytest.mark.parametrize("k", [576, 2048])
def test_sums_of_several_vectors_fit_every_gpu(k: int) -> None:
    variant = Variant("f32-int8", f16=False, subgroups=False, integer=True)
    kernel = gemv_codes(variant, SCHEMES["q4"], 3072, k, m=8, norm_eps=EPS, packed_input=True, epilogue=SILU)
    used = compile_kernels({"kernel": kernel}, variant)["kernel"].workgroup_bytes
    assert used <= DEFAULT_LIMITS["maxComputeWorkgroupStorageSize"]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
@pytest.mark.parametrize(
    ("n", "k", "epilogue"),
    [(16384, 3072, SILU), (3072, 576, SILU), (128256, 4096, PLAIN), (576, 1536, PLAIN), (3072, 8192, PLAIN)],
)
def test_default_tiles_fit_every_gpu(variant: Variant, n: int, k: int, epilogue: Epilogue) -> None:
    for tile in tiles(variant, n, k, epilogue).values():
        assert tile.lanes * tile.groups <= DEFAULT_LIMITS["maxComputeInvocationsPerWorkgroup"]
        assert tile.lanes * tile.groups % 32 == 0
        assert not epilogue.gated or tile.rows * tile.groups % 64 == 0


def test_unfit_shapes_are_refused() -> None:
    with pytest.raises(CompileError, match="48 inputs"):
        gemv_codes(F32, SCHEMES["q4"], 8, 48)
