"""Which kernel each kind of recurrence has on a CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tvm.tirx import PrimFunc

from webllm_build.compile.cpu.convolution import convolution
from webllm_build.compile.cpu.gated_delta import gated_delta
from webllm_build.compile.cpu.scan import scan
from webllm_build.model.recurrence import Convolution, GatedDelta, Recurrence, Scan

# By the type of a recurrence: its kernel, from it and whether it is a decode step's, whose tokens each have a row (SlotState of
# kernels/recurrence/slots.py, which is the same on CPUs). Parameters: as there.
RECURRENCES: dict[type[Recurrence], Callable[[Any, bool], PrimFunc]] = {
    Convolution: convolution,
    GatedDelta: gated_delta,
    Scan: scan,
}
