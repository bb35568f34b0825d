"""A causal convolution of each channel on a CPU, with its gates and activation."""

from __future__ import annotations

from tvm.tirx import PrimFunc

from webllm_build.compile.abi_generated import MAX_ROWS
from webllm_build.compile.cpu.epilogue import silu
from webllm_build.compile.cpu.ops import units
from webllm_build.compile.kernels.recurrence.convolution import Channels
from webllm_build.compile.kernels.tir.ops import VEC, Kernel, size
from webllm_build.model.recurrence import Convolution


def convolution(kind: Convolution, decoding: bool) -> PrimFunc:
    """A unit has four channels. Parameters: those of Channels."""
    with Kernel() as kernel:
        channels = Channels(kernel, kind, size("n"), MAX_ROWS if decoding else None, silu, lanes=VEC)
        with units(kind.size // VEC) as unit:
            channels.walk(unit * VEC)
    return kernel.func
