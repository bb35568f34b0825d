"""The search for scales: never worse than the plain rules, for any block, and defined for every finite one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays

from plain_rules import plain_q4, plain_q4a, plain_q8
from webllm_build.quantize import GROUP, SCHEMES

Values = npt.NDArray[np.float32]
ROWS, COLUMNS = 3, 2 * GROUP
LARGEST = 60000.0  # which float16 holds, as minimum and as scale

finite = st.floats(-LARGEST, LARGEST, width=32)
magnitudes = st.sampled_from([2.0**-30, 2.0**-24, 1e-6, 1e-3, 0.02, 1.0, 1e3, 2.0**13])


@st.composite
def weights(draw: st.DrawFn) -> Values:
    """Normal, or anything at all: zeros, subnormal numbers and outliers among others."""
    if draw(st.booleans()):
        return draw(arrays(np.float32, (ROWS, COLUMNS), elements=finite))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = (random.standard_normal((ROWS, COLUMNS)) * draw(magnitudes)).astype(np.float32)
    values += np.float32(draw(st.sampled_from([0, 0, 1e-3, 1, 100])))
    return values


importances = st.none() | arrays(np.float32, COLUMNS, elements=st.floats(0, 1e6, width=32))


PLAIN = {"q4": plain_q4, "q4a": plain_q4a, "q8": plain_q8}


def searched(name: str, values: Values, importance: Values | None) -> Values:
    scheme, k = SCHEMES[name], values.shape[1]
    return scheme.decode(scheme.pack(scheme.encode(values, importance), k), len(values), k)


def block_errors(values: Values, decoded: Values, importance: Values | None) -> npt.NDArray[np.float64]:
    """Squared error of each block, counted as the search counts it."""
    squares = (values.astype(np.float64) - decoded) ** 2
    sums: npt.NDArray[np.float64] = (squares * relative(importance)).reshape(-1, GROUP).sum(1)
    return sums


def relative(importance: Values | None) -> npt.NDArray[np.float64]:
    if importance is None:
        return np.ones(COLUMNS)
    blocks = importance.reshape(-1, GROUP).astype(np.float64)
    largest = blocks.max(1, keepdims=True)
    return np.maximum(np.where(largest > 0, blocks / np.where(largest > 0, largest, 1), 1), 1e-4).reshape(-1)


@pytest.mark.parametrize("name", PLAIN)
@settings(max_examples=200)
@given(values=weights(), importance=importances)
def test_no_block_is_worse_than_by_the_plain_rule(name: str, values: Values, importance: Values | None) -> None:
    found = block_errors(values, searched(name, values, importance), importance)
    plain = block_errors(values, PLAIN[name](values), importance)
    size = block_errors(values, np.zeros_like(values), importance)
    assert (found <= plain * (1 + 1e-5) + size * 1e-6).all()  # sums of squares in float32


@pytest.mark.parametrize("name", PLAIN)
@settings(max_examples=100)
@given(values=weights(), importance=importances)
def test_every_finite_block_becomes_finite_numbers_near_it(name: str, values: Values, importance: Values | None) -> None:
    decoded = searched(name, values, importance)
    assert np.isfinite(decoded).all()
    assert (np.abs(decoded).max() <= 2 * np.abs(values).max() + 2.0**-20).all()
    assert not searched(name, np.zeros_like(values), importance).any()


@pytest.mark.parametrize(("name", "least", "most"), [("q4", 0, 15), ("q4a", 0, 15), ("q8", -128, 127)])
def test_all_codes_are_used(name: str, least: int, most: int) -> None:
    values = np.random.default_rng(0).standard_normal((64, 1024)).astype(np.float32)
    scheme = SCHEMES[name]
    words = scheme.pack(scheme.encode(values), 1024)[0]
    raw = np.ascontiguousarray(words).view(np.int8 if name == "q8" else np.uint8)
    codes = raw if name == "q8" else np.stack([raw & 15, raw >> 4])
    assert (codes.min(), codes.max()) == (least, most)


def test_a_grid_is_found_again() -> None:
    """Weights that a scheme can hold exactly are held exactly, wherever the grid lies."""
    random = np.random.default_rng(1)
    codes = random.integers(-8, 8, (64, COLUMNS)).astype(np.float32)
    codes[:, 0], codes[:, GROUP] = -8, -8
    scales = (random.uniform(0.5, 2, (64, 1)) * 0.01 * random.choice([-1, 1], (64, 1))).astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(searched("q4", codes * scales, None), codes * scales)


@pytest.mark.parametrize("name", PLAIN)
def test_important_columns_are_closer(name: str) -> None:
    values = np.random.default_rng(2).standard_normal((64, COLUMNS)).astype(np.float32)
    importance = np.ones(COLUMNS, np.float32)
    importance[5::16] = 1000
    flat, weighted = (((searched(name, values, each) - values) ** 2).mean(0) for each in (None, importance))
    assert weighted[5::16].mean() < 0.5 * flat[5::16].mean()
    assert weighted.mean() < 3 * flat.mean()


@pytest.mark.parametrize("name", PLAIN)
def test_only_ratios_of_importance_count(name: str) -> None:
    random = np.random.default_rng(3)
    values = random.standard_normal((8, COLUMNS)).astype(np.float32)
    importance = np.exp2(random.integers(-3, 3, COLUMNS)).astype(np.float32)
    encode = SCHEMES[name].encode
    assert encode(values, importance).tobytes() == encode(values, importance * 2**20).tobytes()
    assert encode(values, np.ones(COLUMNS, np.float32)).tobytes() == encode(values).tobytes()
    assert encode(values, importance).tobytes() != encode(values).tobytes()


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("size", [1e6, 1e30, 3e38])
def test_what_float16_scales_cannot_reach_is_refused(name: str, size: float) -> None:
    values = np.full((1, GROUP), size * (10 if name == "q8" and size == 1e6 else 1), np.float32)
    with pytest.raises(OverflowError, match="65504"):
        SCHEMES[name].encode(values)
