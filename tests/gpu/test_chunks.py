"""The kernels of the gated delta rule and of Mamba-2's scan on Dawn, against NumPy."""

from collections.abc import Mapping

import pytest
from dawn import Dawn
from linear_case import VARIANTS
from stages import Stages

from recurrence_case import DELTAS, LARGEST_DELTA, SCANS, Array, Steps
from webllm_build.compile.kernels.recurrence.kinds import RECURRENCES
from webllm_build.compile.target import Variant
from webllm_build.model.recurrence import GatedDelta, Scan


def steps(dawn: Dawn, variant: Variant, kind: GatedDelta | Scan) -> Steps:
    kernels = RECURRENCES[type(kind)]
    prefill = Stages(dawn, variant, kernels.prefill(variant, kind))

    def run(n: int, buffers: Mapping[str, Array], decoding: bool) -> Mapping[str, Array]:
        if not decoding:
            return prefill.run(n, buffers)
        return dawn.prepare(kernels.decode(variant, kind, n), variant).run(buffers, {"slots": len(buffers["slots"])})

    return Steps(kind, run)


@pytest.mark.parametrize("kind", [pytest.param(kind, id=name) for name, kind in (DELTAS | SCANS).items()])
def test_prompts_and_steps(dawn: Dawn, kind: GatedDelta | Scan) -> None:
    steps(dawn, VARIANTS[0], kind).check()


@pytest.mark.parametrize("kind", [LARGEST_DELTA, DELTAS["tiled"], SCANS["small"]])
def test_a_prompt_without_subgroups(dawn: Dawn, kind: GatedDelta | Scan) -> None:
    of = steps(dawn, VARIANTS[1], kind)
    of.step([(0, 0, -1, 2)], 13)
    of.step([(0, 13, 2, 1)], 9)
