"""A model with both kinds of states, pages and slots, on Dawn by its plan, against its operators in NumPy, which have no cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from built_model import VARIANTS, Built
from device import Device
from plan_runner import PlanRunner

from families import open_tiny
from packed_model import CHUNK, EXACT

TEXT, OTHER = ([int(token) for token in np.random.default_rng(seed).integers(0, 300, 70)] for seed in (1, 2))


@dataclass(frozen=True)
class Model:
    runner: PlanRunner
    built: Built

    def check(self, logits: npt.NDArray[np.floating], text: Sequence[int]) -> None:
        """logits: after the text."""
        expected = self.built.logits(text, integer=False)[-1]
        assert np.abs(logits - expected).max() < 1e-5 * np.abs(expected).max(), f"after {len(text)} tokens"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return Built.compiled(open_tiny("lfm2", "hugging_face", tmp_path_factory.mktemp("model")), EXACT, VARIANTS[-1:])


@pytest.fixture(scope="module")
def runner(built: Built, gpu: Device) -> PlanRunner:
    return PlanRunner(gpu, built.library, VARIANTS[-1].name, built.buffers)


@pytest.fixture
def model(built: Built, runner: PlanRunner) -> Model:
    runner.start()
    return Model(runner, built)


def test_a_prompt_in_chunks_and_steps_after_it(model: Model) -> None:
    chunks = [0, 1, 1 + 32, 60]
    assert max(np.diff(chunks)) < CHUNK
    for first, end in pairwise(chunks):
        model.check(model.runner.prefill(TEXT[first:end]), TEXT[:end])
    for position in range(60, 64):
        model.check(model.runner.decode(TEXT[position]), TEXT[: position + 1])
    model.runner.start()  # slots that other sequences left behind mean nothing to a new one
    model.check(model.runner.decode(OTHER[0]), OTHER[:1])


def test_rolling_back_goes_to_a_kept_state_and_computes_the_rest_again(model: Model) -> None:
    runner = model.runner
    runner.prefill(TEXT[:20])
    for token in TEXT[20:26]:
        runner.decode(token)
    assert runner.roll_back(22) == 22  # steps behind an end
    model.check(runner.decode(OTHER[0]), [*TEXT[:22], OTHER[0]])
    runner.prefill(TEXT[30:40])
    assert runner.roll_back(28) == 23  # there is none within a chunk
    model.check(runner.prefill(OTHER[1:9]), [*TEXT[:22], *OTHER[:9]])
    assert runner.roll_back(19) == 0
    model.check(runner.prefill(OTHER[:5]), OTHER[:5])


def test_a_fork_and_what_it_came_from_go_on_apart(model: Model) -> None:
    runner = model.runner
    runner.prefill(TEXT[:16])
    runner.prefill(TEXT[16:20])
    fork = runner.fork(18)
    assert runner.length(fork) == 16
    for position in range(3):
        (after,) = runner.decode_rows([OTHER[position]], [fork])
        model.check(after, [*TEXT[:16], *OTHER[: position + 1]])
        model.check(runner.decode(TEXT[20 + position]), TEXT[: 21 + position])


def test_rows_of_other_sequences_and_of_one(model: Model) -> None:
    """A draft verified at three positions beside another conversation; then three rows, the fourth being padding."""
    runner = model.runner
    runner.prefill(TEXT[:20])
    other = runner.prefill_another(OTHER[:7])
    rows = runner.decode_rows([OTHER[7], *TEXT[20:23]], [other, *[runner.sequence] * 3])
    for logits, text in zip(rows, (OTHER[:8], TEXT[:21], TEXT[:22], TEXT[:23]), strict=True):
        model.check(logits, text)
    assert runner.roll_back(21) == 21  # the draft's second and third tokens are refused
    rows = runner.decode_rows([*OTHER[20:22], OTHER[8]], [runner.sequence, runner.sequence, other])
    for logits, text in zip(rows, ([*TEXT[:21], OTHER[20]], [*TEXT[:21], *OTHER[20:22]], OTHER[:9]), strict=True):
        model.check(logits, text)
    model.check(runner.decode(OTHER[22]), [*TEXT[:21], *OTHER[20:23]])
    model.check(runner.decode_rows([OTHER[9]], [other])[0], OTHER[:10])
