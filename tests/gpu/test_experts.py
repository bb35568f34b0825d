"""The kernels of mixtures of experts against NumPy."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from dawn import Array, Dawn, poison
from linear_case import VARIANTS, apply_epilogue

import codes_case
from experts_case import Matrices, choices, chosen
from webllm_build.compile.kernels.experts.choices import choose
from webllm_build.compile.kernels.experts.combine import combine
from webllm_build.compile.kernels.experts.gemv import expert_channels, expert_sum
from webllm_build.compile.kernels.experts.gemv_codes import expert_channels_codes, expert_sum_codes
from webllm_build.compile.kernels.experts.group import group
from webllm_build.compile.kernels.experts.tokens import ExpertTokens
from webllm_build.compile.kernels.linear import gemm, gemm_codes
from webllm_build.compile.kernels.linear.epilogue import Epilogue
from webllm_build.compile.target import Variant
from webllm_build.model import numpy_operators
from webllm_build.model.routing import Routing
from webllm_build.quantize import SCHEMES

SG, F32 = VARIANTS
EPS = 1e-5
ROUTING = Routing(7, 3)
HEIGHT = 32
GATED, PLAIN = Epilogue(activation="silu_mul"), Epilogue()


@pytest.mark.parametrize(
    ("routing", "corrected"),
    [
        (ROUTING, False),
        (Routing(40, 8, normalised=False, scale=2.5), False),
        (Routing(300, 6, "sigmoid", epsilon=1e-6, scale=1.5), True),
        (Routing(32, 4, "sigmoid", normalised=False), False),
    ],
)
def test_the_highest_scores_are_chosen_and_the_first_of_equal_ones(dawn: Dawn, routing: Routing, corrected: bool) -> None:
    rng = np.random.default_rng(routing.count)
    logits = rng.standard_normal((5, routing.count)).astype(np.float32)
    logits[1] = 0.5  # all alike
    logits[2, 1::2] = logits[2, 0::2][: routing.count // 2]
    correction = rng.standard_normal(routing.count).astype(np.float32) if corrected else None
    buffers = {"logits": logits, "correction": correction, "choices": poison((5, 2, routing.chosen), np.int32)}
    given = {name: array for name, array in buffers.items() if array is not None}
    got = dawn.run(choose(routing, corrected=corrected), F32, given, {"n": 5})["choices"]
    ids, shares = numpy_operators.choose(routing, logits.astype(np.float64), correction)
    np.testing.assert_array_equal(got[:, 0], ids)
    np.testing.assert_allclose(got[:, 1].view(np.float32), shares, rtol=2e-6)


def test_scores_that_are_no_numbers_choose_experts_that_are_there(dawn: Dawn) -> None:
    logits = np.full((2, 7), np.nan, np.float32)
    logits[1, 3] = 1
    got = dawn.run(choose(ROUTING, corrected=False), F32, {"logits": logits, "choices": poison((2, 2, 3), np.int32)}, {"n": 2})["choices"]
    assert all(len({*row.tolist()} & {*range(7)}) == 3 for row in got[:, 0])


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
@pytest.mark.parametrize(("scheme", "m", "bias"), [("q4", 1, False), ("q4a", 2, True), ("q8", 4, False), ("f16", 1, True)])
def test_a_step_multiplies_by_chosen_experts(dawn: Dawn, variant: Variant, scheme: str, m: int, bias: bool) -> None:
    """Whose matrices are in two buffers of some experts each: what one holds it adds, and leaves the rest. Of others nothing is read
    that counts."""
    rng, hidden, size = np.random.default_rng(m), 96, 64
    ids, shares = chosen(rng, ROUTING, m)
    x = rng.standard_normal((m, hidden)).astype(np.float32)
    norm, residual = rng.uniform(0.5, 2, hidden).astype(np.float32), rng.standard_normal((m, hidden)).astype(np.float32)
    gate_up_bias, down_bias = (rng.standard_normal((7, n)).astype(np.float32) for n in (2 * size, hidden))
    gated, channels, expected = Epilogue(bias, "silu_mul"), poison((m, 3 * size)), residual
    given = {"x": x, "norm_weight": norm, "choices": choices(ids, shares)}
    shapes = (2 * size, hidden), (hidden, size)
    parts = [
        [Matrices.random(np.random.default_rng(seed), scheme, 7, *shape, held).without(ids) for seed, shape in enumerate(shapes)]
        for held in (slice(0, 4), slice(4, 7))
    ]
    for gate_up, _ in parts:
        kernel = expert_channels(variant, gate_up.matrix, m, 3, norm_eps=EPS, epilogue=gated)
        channels = dawn.run(kernel, variant, {**given, **gate_up.buffers, "bias": gate_up_bias.reshape(-1), "out": channels})["out"]
    out = residual
    for number, (_, down) in enumerate(parts):
        kernel = expert_sum(variant, down.matrix, m, 3, epilogue=Epilogue(bias=bias and number == 0, residual=True))
        buffers = {**given, "x": channels, **down.buffers, "bias": down_bias.reshape(-1), "residual": out, "out": poison((m, hidden))}
        out = dawn.run(kernel, variant, buffers)["out"]

    normed = x * norm / np.sqrt((x.astype(np.float64) ** 2).mean(1, keepdims=True) + EPS)
    pairs, gate_up, down = ids.reshape(-1), *parts[0]
    y = gate_up.products(np.repeat(normed, 3, axis=0), pairs) + (gate_up_bias[pairs] if bias else 0)
    y = apply_epilogue(y, GATED, residual, down_bias[0])
    np.testing.assert_allclose(channels.reshape(-1, size), y * shares.reshape(-1, 1), atol=1e-5 * np.abs(y).max())
    y = down.products(y, pairs) + (down_bias[pairs] if bias else 0)
    expected = residual + (y * shares.reshape(-1, 1)).reshape(m, 3, -1).sum(1)
    np.testing.assert_allclose(out, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
@pytest.mark.parametrize(("scheme", "m"), [("q4", 1), ("q4a", 2), ("mxfp4", 1)])
def test_a_step_multiplies_codes_by_chosen_experts(dawn: Dawn, variant: Variant, scheme: str, m: int) -> None:
    """Whose matrices are in two buffers, as above."""
    rng, hidden, size = np.random.default_rng(m), 96, 96
    ids, shares = chosen(rng, ROUTING, m)
    codes = codes_case.encode(rng.standard_normal((m, hidden)).astype(np.float32))
    shapes, halves = ((2 * size, hidden), (hidden, size)), (slice(0, 4), slice(4, 7))
    parts = [
        [Matrices.random(np.random.default_rng(seed), scheme, 7, *shape, held).without(ids) for held in halves]
        for seed, shape in enumerate(shapes)
    ]
    gate_up, down = (of_all[0] for of_all in parts)
    residual, of_all = rng.standard_normal((m, hidden)).astype(np.float32), choices(ids, shares)
    got = {"out_q": poison((m, 3 * size // 16, 4), np.uint32), "out_s": poison((m, 3 * size // 32))}
    for part in parts[0]:
        kernel = expert_channels_codes(variant, part.matrix, m, 3, epilogue=GATED)
        got = dawn.run(kernel, variant, {**codes_case.buffers(*codes), **part.buffers, "choices": of_all, **got})
    y = gate_up.products(np.repeat(codes_case.decode(*codes), 3, axis=0), ids.reshape(-1))
    y = apply_epilogue(y, GATED, residual, residual[0]) * shares.reshape(-1, 1)
    channels = codes_case.decode(got["out_q"].view(np.int8).reshape(m, 3 * size), got["out_s"])
    assert (np.abs(channels - y.reshape(m, -1)) <= 1e-5 * np.abs(y).max() + 0.502 * np.repeat(got["out_s"], 32, axis=1)).all()
    out = residual
    for part in parts[1]:
        kernel = expert_sum_codes(variant, part.matrix, m, 3, epilogue=Epilogue(residual=True))
        inputs = {"x_q": got["out_q"], "x_s": got["out_s"], "choices": of_all, "residual": out, "out": poison((m, hidden))}
        out = dawn.run(kernel, variant, {**inputs, **part.buffers})["out"]
    expected = residual + down.products(channels.reshape(3 * m, size), ids.reshape(-1)).reshape(m, 3, -1).sum(1)
    np.testing.assert_allclose(out, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("n", [1, 50])
def test_pairs_are_put_in_the_order_of_experts(dawn: Dawn, n: int) -> None:
    ids, shares = chosen(np.random.default_rng(n), ROUTING, n)
    order, tiles = lists(dawn, ids, shares)
    assert order.tolist() == np.argsort(ids.reshape(-1), kind="stable").tolist()
    places = [(expert, place) for expert, begin, end in tiles for place in range(begin, min(begin + HEIGHT, end))]
    assert sorted(place for _, place in places) == list(range(3 * n))
    assert all(ids.reshape(-1)[order[place]] == expert for expert, place in places)


def lists(dawn: Dawn, ids: Array, shares: Array) -> tuple[Array, Array]:
    pairs = ids.size
    made = {"order": poison(pairs, np.int32), "tiles": poison((pairs // HEIGHT + 7, 3), np.int32)}
    got = dawn.run(group(ROUTING, HEIGHT), F32, {"choices": choices(ids, shares), **made}, {"n": len(ids)})
    return got["order"], got["tiles"]


@pytest.mark.parametrize(
    ("scheme", "integer"), [("q4", False), ("mxfp4", False), ("f16", False), ("q8", True), ("q4a", True), ("mxfp4", True)]
)
def test_a_prefill_multiplies_tiles_of_an_experts_tokens(dawn: Dawn, scheme: str, integer: bool) -> None:
    """By matrices in two buffers, with biases; one expert has all tokens, one none."""
    rng, n, hidden, size = np.random.default_rng(3), 40, 64, 96
    ids, shares = chosen(rng, ROUTING, n)
    order, tiles = lists(dawn, ids, shares)
    bias = rng.standard_normal((7, 2 * size)).astype(np.float32)
    x, out = rng.standard_normal((n, hidden)).astype(np.float32), poison((3 * n, size))
    inputs, values = {"x": x}, x.astype(np.float64)
    if integer:
        codes = codes_case.encode(x)
        inputs, values = codes_case.buffers(*codes), codes_case.decode(*codes)
    for held in (slice(0, 4), slice(4, 7)):
        weight = Matrices.random(np.random.default_rng(4), scheme, 7, 2 * size, hidden, held)
        rows = functools.partial(ExpertTokens, matrix=weight.matrix, chosen=3, height=HEIGHT, of_tokens=True)
        shape, epilogue = (SCHEMES[scheme], 2 * size, hidden), Epilogue(True, "silu_mul")
        if integer:
            kernel = gemm_codes.gemm_codes(*shape, epilogue=epilogue, tile=gemm_codes.Tile(4, 8, 8, 8), rows=rows)
        else:
            kernel = gemm.gemm(F32, *shape, epilogue=epilogue, tile=gemm.Tile(4, 8, 64), rows=rows)
        buffers = {**inputs, **weight.buffers, "bias": bias.reshape(-1), "order": order, "tiles": tiles, "out": out}
        out = dawn.run(kernel, F32, buffers, {"n": n})["out"]
    pairs = ids.reshape(-1)
    y = apply_epilogue(weight.products(np.repeat(values, 3, axis=0), pairs) + bias[pairs], GATED, x, bias[0])
    np.testing.assert_allclose(out, y, atol=1e-5 * np.abs(y).max())


def test_what_experts_made_is_added_up(dawn: Dawn) -> None:
    rng, n, hidden = np.random.default_rng(5), 3, 96
    ids, shares = chosen(rng, ROUTING, n)
    x, residual = (rng.standard_normal((rows, hidden)).astype(np.float32) for rows in (3 * n, n))
    buffers = {"x": x, "choices": choices(ids, shares), "residual": residual, "out": poison((n, hidden))}
    out = dawn.run(combine(hidden, 3, residual=True), F32, buffers, {"n": n})["out"]
    np.testing.assert_allclose(out, residual + (x * shares.reshape(-1, 1)).reshape(n, 3, -1).sum(1), atol=1e-5)
