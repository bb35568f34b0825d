"""The gated delta rule's kernels on this machine, against NumPy."""

from pathlib import Path

import pytest
from kernels import NativeKernels

from delta_case import SHAPES, Steps
from webllm_build.compile.cpu.gated_delta import gated_delta


@pytest.mark.parametrize("shape", SHAPES)
def test_prompts_and_steps(tmp_path: Path, shape: str) -> None:
    delta = SHAPES[shape]
    kernels = NativeKernels(tmp_path, {"decode": gated_delta(delta, True), "prefill": gated_delta(delta, False)})
    Steps(delta, lambda n, buffers, decoding: kernels.run("decode" if decoding else "prefill", buffers, n)).check()
