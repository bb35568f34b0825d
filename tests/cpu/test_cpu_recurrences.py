"""The kernels of the gated delta rule and of Mamba-2's scan on this machine, against NumPy."""

from pathlib import Path

import pytest
from kernels import NativeKernels

from recurrence_case import DELTAS, SCANS, Steps
from webllm_build.compile.cpu.recurrence import RECURRENCES
from webllm_build.model.recurrence import GatedDelta, Scan


@pytest.mark.parametrize("kind", [pytest.param(kind, id=name) for name, kind in (DELTAS | SCANS).items() if name != "qwen3.5"])
def test_prompts_and_steps(tmp_path: Path, kind: GatedDelta | Scan) -> None:
    kernel = RECURRENCES[type(kind)]
    kernels = NativeKernels(tmp_path, {"decode": kernel(kind, True), "prefill": kernel(kind, False)})
    Steps(kind, lambda n, buffers, decoding: kernels.run("decode" if decoding else "prefill", buffers, n)).check()
