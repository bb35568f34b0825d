"""Which kernels each kind of recurrence has."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tvm.tirx import PrimFunc

from webllm_build.compile.kernels.recurrence import convolution, gated_delta_chunks, scan_chunks
from webllm_build.compile.kernels.recurrence.gated_delta import gated_delta
from webllm_build.compile.kernels.recurrence.scan import scan
from webllm_build.compile.kernels.recurrence.stage import Stage
from webllm_build.compile.target import Variant
from webllm_build.model.recurrence import Convolution, GatedDelta, Recurrence, Scan


@dataclass(frozen=True)
class Kernels:
    """decode: of a decode step, from the variant, the recurrence and the rows (see SlotState). Parameters: inputs float32[m, .], weights,
    those of SlotState, out float32[m, recurrence.size]. prefill: those of a prefill, one after the other. names: of inputs and weights, by
    which stages read them."""

    decode: Callable[[Variant, Any, int], PrimFunc]
    prefill: Callable[[Variant, Any], Sequence[Stage]]
    names: tuple[str, ...]


RECURRENCES: dict[type[Recurrence], Kernels] = {
    Convolution: Kernels(convolution.convolution, convolution.stages, ("x", "parameters")),
    GatedDelta: Kernels(gated_delta, gated_delta_chunks.stages, ("x", "taps", "gates", "norm")),
    Scan: Kernels(scan, scan_chunks.stages, ("projected", "convolved", "parameters")),
}


@functools.cache
def decode_kernel(variant: Variant, recurrence: Recurrence, rows: int) -> PrimFunc:
    """Layers share it."""
    return RECURRENCES[type(recurrence)].decode(variant, recurrence, rows)


@functools.cache
def prefill_stages(variant: Variant, recurrence: Recurrence) -> Sequence[Stage]:
    """Layers share them."""
    return RECURRENCES[type(recurrence)].prefill(variant, recurrence)
