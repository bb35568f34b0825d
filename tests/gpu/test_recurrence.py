"""A model with both kinds of states, pages and slots, on Dawn by its plan, against a reference that computes texts from their beginning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from built_model import VARIANTS, Built
from dawn import Dawn
from plan_runner import PlanRunner

import toy_kernel
from packed_model import CHUNK, EXACT
from toy_recurrent import VOCABULARY, Reference, write
from webllm_build.source.local import open_folder

TEXT, OTHER = ([int(token) for token in np.random.default_rng(seed).integers(0, VOCABULARY, 70)] for seed in (1, 2))


@dataclass(frozen=True)
class Toy:
    runner: PlanRunner
    reference: Reference

    def check(self, logits: npt.NDArray[np.floating], text: Sequence[int]) -> None:
        """logits: after the text."""
        expected = self.reference.logits(text)[-1]
        assert np.abs(logits - expected).max() < 1e-5 * np.abs(expected).max(), f"after {len(text)} tokens"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    with toy_kernel.registered():
        checkpoint = open_folder(write(tmp_path_factory.mktemp("toy")), "toy")
        return Built.compiled(checkpoint, EXACT | dict.fromkeys(["mix_in", "mix_out"], "f16"), VARIANTS[-1:])


@pytest.fixture(scope="module")
def runner(built: Built, dawn: Dawn) -> PlanRunner:
    return PlanRunner(dawn, built.library, VARIANTS[-1].name, built.buffers)


@pytest.fixture
def toy(runner: PlanRunner) -> Toy:
    runner.start()
    return Toy(runner, Reference())


def test_a_prompt_in_chunks_and_steps_after_it(toy: Toy) -> None:
    chunks = [0, 1, 1 + 32, 60]
    assert max(np.diff(chunks)) < CHUNK
    for first, end in pairwise(chunks):
        toy.check(toy.runner.prefill(TEXT[first:end]), TEXT[:end])
    for position in range(60, 64):
        toy.check(toy.runner.decode(TEXT[position]), TEXT[: position + 1])
    toy.runner.start()  # slots that other sequences left behind mean nothing to a new one
    toy.check(toy.runner.decode(OTHER[0]), OTHER[:1])


def test_rolling_back_goes_to_a_kept_state_and_computes_the_rest_again(toy: Toy) -> None:
    runner = toy.runner
    runner.prefill(TEXT[:20])
    for token in TEXT[20:26]:
        runner.decode(token)
    assert runner.roll_back(22) == 22  # steps behind an end
    toy.check(runner.decode(OTHER[0]), [*TEXT[:22], OTHER[0]])
    runner.prefill(TEXT[30:40])
    assert runner.roll_back(28) == 23  # there is none within a chunk
    toy.check(runner.prefill(OTHER[1:9]), [*TEXT[:22], *OTHER[:9]])
    assert runner.roll_back(19) == 0
    toy.check(runner.prefill(OTHER[:5]), OTHER[:5])


def test_a_fork_and_what_it_came_from_go_on_apart(toy: Toy) -> None:
    runner = toy.runner
    runner.prefill(TEXT[:16])
    runner.prefill(TEXT[16:20])
    fork = runner.fork(18)
    assert runner.length(fork) == 16
    for position in range(3):
        (after,) = runner.decode_rows([OTHER[position]], [fork])
        toy.check(after, [*TEXT[:16], *OTHER[: position + 1]])
        toy.check(runner.decode(TEXT[20 + position]), TEXT[: 21 + position])


def test_rows_of_other_sequences_and_of_one(toy: Toy) -> None:
    """A draft verified at three positions beside another conversation; then three rows, the fourth being padding."""
    runner = toy.runner
    runner.prefill(TEXT[:20])
    other = runner.prefill_another(OTHER[:7])
    rows = runner.decode_rows([OTHER[7], *TEXT[20:23]], [other, *[runner.sequence] * 3])
    for logits, text in zip(rows, (OTHER[:8], TEXT[:21], TEXT[:22], TEXT[:23]), strict=True):
        toy.check(logits, text)
    assert runner.roll_back(21) == 21  # the draft's second and third tokens are refused
    rows = runner.decode_rows([*OTHER[20:22], OTHER[8]], [runner.sequence, runner.sequence, other])
    for logits, text in zip(rows, ([*TEXT[:21], OTHER[20]], [*TEXT[:21], *OTHER[20:22]], OTHER[:9]), strict=True):
        toy.check(logits, text)
    toy.check(runner.decode(OTHER[22]), [*TEXT[:21], *OTHER[20:23]])
    toy.check(runner.decode_rows([OTHER[9]], [other])[0], OTHER[:10])
