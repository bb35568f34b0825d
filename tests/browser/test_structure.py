"""What one decode step asks of the GPU, counted by wrapping every method of its objects."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from open_page import page_console

LAYERS = 2
CREATES = ("GPUDevice.create", "GPUDevice.import", "GPUBuffer.destroy")


@pytest.fixture(scope="module")
def step(tiny_site: Path, chromium_shell: Path) -> Mapping[str, float]:
    """Calls for one decode step: the difference between a generation of 7 tokens and one of 3, divided by the steps between."""
    lines = list(page_console("browser/structure.html", {"site": tiny_site}, "variant=f32", program=chromium_shell))
    assert [line.split()[0] for line in lines] == ["SHORT", "LONG", "DONE"], lines
    short, long = (json.loads(line.partition(" ")[2]) for line in lines[:2])
    assert (short["tokens"], long["tokens"]) == (3, 7)
    more = Counter(long["counts"])
    more.subtract(short["counts"])
    return {name: count / (long["tokens"] - short["tokens"]) for name, count in more.items()}


def test_one_submit_and_one_pass(step: Mapping[str, float]) -> None:
    assert step["GPUQueue.submit"] == 1
    assert step["GPUDevice.createCommandEncoder"] == 1  # a command encoder cannot be used twice
    assert step["GPUCommandEncoder.beginComputePass"] == 1


def test_no_object_is_created(step: Mapping[str, float]) -> None:
    made = {name for name, calls in step.items() if calls and name.startswith(CREATES)}
    assert made == {"GPUDevice.createCommandEncoder"}


def test_few_dispatches(step: Mapping[str, float]) -> None:
    assert 0 < step["GPUComputePassEncoder.dispatchWorkgroups"] <= 9 * LAYERS + 8
    assert "GPUComputePassEncoder.dispatchWorkgroupsIndirect" not in step
