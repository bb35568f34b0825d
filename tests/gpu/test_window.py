"""Layers with a window beside layers without one, on Dawn: pages in front of a window are given back, and hold NaN from then on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from built_model import VARIANTS
from device import Device
from family_cases import STEPS, build
from plan_runner import Array, PlanRunner

from families import TOKENS, open_tiny

pytestmark = pytest.mark.usefixtures("soon_compiled")

LENGTH = 112


def equal(found: Array, expected: Array) -> bool:
    return float(np.abs(found - expected).max() / np.abs(expected).max()) < 1e-3


def test_answers_need_no_page_in_front_of_the_window(gpu: Device, tmp_path: Path) -> None:
    built = build("gemma3_text", open_tiny("gemma3_text", "hugging_face", tmp_path), "f16", VARIANTS[2:3], (*STEPS, "decode_2", "decode_4"))
    tokens = [(token + i // len(TOKENS)) % 300 for i, token in enumerate((TOKENS * 3)[:LENGTH])]
    expected = built.logits(tokens, integer=False)
    runner = PlanRunner(gpu, built.library, "f32-sg", built.buffers)
    runner.tile = None
    for first, end in ((0, 36), (36, 80), (80, 100)):
        assert equal(runner.prefill(tokens[first:end]), expected[end - 1])
        if end == 36:
            runner.mark()
    assert min(runner.table(runner.sequence, 1)) >= 0
    drafted = runner.decode_rows(tokens[100:103], [runner.sequence] * 3)
    assert equal(drafted, expected[100:103])
    gaps = [page < 0 for page in runner.table(runner.sequence, 0)]
    assert gaps == [False, False, False, True, False, False, False]  # the mark keeps the first three
    assert runner.roll_back(101) == 101
    for position in range(101, 104):
        assert equal(runner.decode(tokens[position]), expected[position])
    assert runner.roll_back(70) == 36
    for first, end in ((36, 90), (90, 104)):
        assert equal(runner.prefill(tokens[first:end]), expected[end - 1])
    fork = runner.fork(48)  # the mark's last page is whole
    assert runner.length(fork) == 48
    for step in range(3):
        rows = runner.decode_rows([tokens[48 + step], tokens[104 + step]], [fork, runner.sequence])
        assert equal(rows, expected[[48 + step, 104 + step]])
