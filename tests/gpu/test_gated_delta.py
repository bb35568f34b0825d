"""The gated delta rule's kernels on Dawn, against NumPy."""

from collections.abc import Mapping

import pytest
from dawn import Dawn
from linear_case import VARIANTS

from delta_case import SHAPES, Array, Steps
from webllm_build.compile.kernels.recurrence.gated_delta import gated_delta


@pytest.mark.parametrize("shape", SHAPES)
def test_prompts_and_steps(dawn: Dawn, shape: str) -> None:
    delta, variant = SHAPES[shape], VARIANTS[0]
    kernels = {rows: dawn.prepare(gated_delta(variant, delta, rows), variant) for rows in (None, 1, 2, 4)}

    def run(n: int, buffers: Mapping[str, Array], decoding: bool) -> Mapping[str, Array]:
        slots = buffers["slots"]
        return kernels[n if decoding else None].run(buffers, {"slots": len(slots), **({} if decoding else {"n": n})})

    Steps(delta, run).check()
