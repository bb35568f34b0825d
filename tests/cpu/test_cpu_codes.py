"""A whole tiny model on activations' codes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from kernels import WasmKernels, in_loops
from machine import Array
from test_cpu_families import TEXT, One, build, error

from codes_case import buffers
from families import FAMILIES, TOKENS, formats, open_tiny
from packed_model import EXACT, ByteCacheOperators, PackedModel
from text_run import Text
from webllm_build.compile.cpu.linear_codes import linear_codes
from webllm_build.compile.cpu.variant import INTEGER, CpuVariant, Flavour
from webllm_build.compile.kernels.linear.epilogue import PLAIN
from webllm_build.quantize import SCHEMES as BY_NAME
from webllm_build.quantize.mxfp4 import RISE

FLOATS = CpuVariant("int8 on a float32 cache", integer=True, kv_dtype="float32")
SCHEMES = {"embedding": "q8", "qkv": "q4", "o": "q8", "gate_up": "q4a", "down": "q4"}
FIRST = 6  # tokens until a rounding has decided that a code is the next one


@pytest.mark.parametrize(("flavour", "alike"), [("native", False), ("plain", False), ("relaxed", False), ("relaxed", True)])
def test_products_are_those_of_the_codes(tmp_path: Path, flavour: Flavour, alike: bool) -> None:
    """Until a rounding decides that one code is the next one: from then on all that follows is rounded elsewise. Five tokens are
    multiplied together, and one alone."""
    packed = PackedModel.of(open_tiny("qwen3", "hugging_face", tmp_path / "model"), SCHEMES)
    found, rows = Text(TOKENS[:FIRST], ends=[5]).run(One(build(tmp_path, packed, flavour, FLOATS, alike=alike)))
    assert error(found, packed.logits(TOKENS[:FIRST], integer=True)[rows]) < 1e-5


# Of a scheme: words of its largest codes and of scales of one, and that code.
LARGEST = {"q4a": (0xFFFFFFFF, 0x3C00, 15), "mxfp4": (0xDDDDDDDD, 0x80808080, 13 + RISE)}


@pytest.mark.parametrize("alike", [False, True], ids=["in-pairs", "in-fours"])
@pytest.mark.parametrize("scheme", LARGEST)
def test_the_largest_codes_are_summed(scheme: str, alike: bool) -> None:
    """Of one token and of several, also where pairs of products are summed in 16 bits."""
    n, k, counts = 4, 32, (1, 5)
    words, scale, largest = LARGEST[scheme]
    kernels = {f"of_{count}": linear_codes("relaxed", count, BY_NAME[scheme], n, k, PLAIN) for count in counts}
    machine = WasmKernels(kernels, alike=alike)
    numbers, scales = BY_NAME[scheme].buffers(n, k)
    for count in counts:
        x = np.where(np.arange(count) % 2, -127, 127).astype(np.int8)[:, None].repeat(k, axis=1)
        arrays = {
            **buffers(x, np.stack([np.ones((count, 1), np.float32), np.zeros((count, 1), np.float32)], axis=1)),
            "w_q": np.full(numbers.nbytes // 4, words, np.uint32),
            "w_s": np.full(scales.nbytes // 4, scale, np.uint32),
            "out": np.zeros((count, n), np.float32),
        }
        out = machine.run(f"of_{count}", arrays, count)["out"]
        np.testing.assert_array_equal(out, (x[:, :1].astype(np.float32) * (k * largest)).repeat(n, axis=1))


@pytest.mark.parametrize(
    ("family", "flavour", "alike"), [("qwen3", "relaxed", False), ("qwen3", "relaxed", True), ("qwen3_moe", "plain", False)]
)
def test_a_token_gets_the_same_bits_however_many_come_with_it(tmp_path: Path, family: str, flavour: Flavour, alike: bool) -> None:
    """In chunks of a prompt that end anywhere, in steps of its own, and as rows of a step, of which those behind the first are guesses."""
    schemes = {**SCHEMES, "experts_gate_up": "q4a", "experts_down": "mxfp4"}
    packed = PackedModel.of(open_tiny(family, "hugging_face", tmp_path / "model"), schemes)
    runner = build(tmp_path, packed, flavour, INTEGER, alike=alike)
    whole = runner.prefill(TOKENS[:23], 0)
    for sequence, ends in enumerate(((4, 7, 23), (1, 18, 21, 23)), 1):
        found = [runner.prefill(TOKENS[first:last], sequence) for first, last in pairwise((0, *ends))]
        np.testing.assert_array_equal(found[-1], whole)
    steps = np.concatenate([runner.decode([token], [0]) for token in TOKENS[23:28]])
    np.testing.assert_array_equal(runner.decode(TOKENS[23:28], [1] * 5), steps)
    beside = [runner.decode([TOKENS[0], token, TOKENS[1], TOKENS[2]], [3, 2, 4, 5])[1] for token in TOKENS[23:28]]
    np.testing.assert_array_equal(beside, steps)


@pytest.mark.parametrize("kv_dtype", ["float16", "q8"])
def test_long_heads_get_the_same_bits_from_loops(tmp_path: Path, kv_dtype: str) -> None:
    """What is written out of a short head would be long code of one of 512."""
    packed = PackedModel.of(open_tiny("qwen3", "hugging_face", tmp_path / "model"), SCHEMES)
    variant = dataclasses.replace(INTEGER, kv_dtype=kv_dtype)
    written_out, _ = TEXT.run(One(build(tmp_path, packed, "plain", variant)))
    with in_loops():
        looped, _ = TEXT.run(One(build(tmp_path, packed, "plain", variant)))
    np.testing.assert_array_equal(looped, written_out)


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_follow_within_the_step_of_the_codes(tmp_path: Path, family: str) -> None:
    """As near to what is computed without codes as codes in NumPy are, on a cache in float16."""
    packed = PackedModel.of(open_tiny(family, formats(family)[-1], tmp_path / "model"), dict.fromkeys(EXACT, "q8"))
    found, rows = TEXT.run(One(build(tmp_path, packed, "native", INTEGER)))
    with_codes, expected = (_logits(packed, integer=integer)[rows] for integer in (True, False))
    lost = float(np.linalg.norm(with_codes - expected) / np.linalg.norm(expected))
    most = 3 if any(weight.experts > 1 for weight in packed.model.weights) else 1.5  # see code_cases of tests/gpu/family_cases.py
    assert error(found, expected) < most * error(with_codes, expected)
    assert np.linalg.norm(found - expected) / np.linalg.norm(expected) < max(0.05, most * lost)


def test_a_cache_of_bytes_is_rounded_once(tmp_path: Path) -> None:
    packed = PackedModel.of(open_tiny("qwen3", "hugging_face", tmp_path / "model"), EXACT)
    variant = CpuVariant("float32 on a cache of bytes", integer=False, kv_dtype="q8")
    found, rows = TEXT.run(One(build(tmp_path, packed, "native", variant)))

    def rounded(tokens: Sequence[int]) -> Array:
        operators = ByteCacheOperators(packed, tokens)
        return packed.model.logits(operators, packed.model.hidden(operators))

    expected = TEXT.of(rounded)[rows]
    errors = np.linalg.norm(found - expected, axis=-1) / np.linalg.norm(expected, axis=-1)
    assert np.median(errors) < 1e-4  # rounding decides now and then that a byte is the next one
    assert max(errors) < 1e-2


def _logits(packed: PackedModel, *, integer: bool) -> Array:
    return TEXT.of(lambda tokens: packed.logits(tokens, integer=integer))
