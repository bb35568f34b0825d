"""Which kernel each kind of recurrence has."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tvm.tirx import PrimFunc

from webllm_build.compile.kernels.recurrence.convolution import convolution
from webllm_build.compile.kernels.recurrence.gated_delta import gated_delta
from webllm_build.compile.kernels.recurrence.scan import scan
from webllm_build.compile.target import Variant
from webllm_build.model.recurrence import Convolution, GatedDelta, Recurrence, Scan

# By the type of a recurrence: its kernel, from the variant, it, and the rows of a decode step, None for a prefill (see SlotState).
# Parameters: inputs float32[m, .], weights, those of SlotState, out float32[m, recurrence.size]; m is `rows`, or symbolic.
RECURRENCES: dict[type[Recurrence], Callable[[Variant, Any, int | None], PrimFunc]] = {
    Convolution: convolution,
    GatedDelta: gated_delta,
    Scan: scan,
}


@functools.cache
def recurrence_kernel(variant: Variant, recurrence: Recurrence, rows: int | None) -> PrimFunc:
    """Layers share it."""
    return RECURRENCES[type(recurrence)](variant, recurrence, rows)
