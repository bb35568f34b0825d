"""The kernel of toy_recurrent.py's layer on a CPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tvm.tirx import PrimFunc

import toy_recurrent
from toy_kernel import Channels
from webllm_build.compile.abi_generated import MAX_ROWS
from webllm_build.compile.cpu import recurrence
from webllm_build.compile.cpu.ops import units
from webllm_build.compile.kernels.tir.ops import Kernel, size


def decay_kernel(decay: toy_recurrent.Decay, decoding: bool) -> PrimFunc:
    """A unit is a channel. Parameters: those of Channels."""
    with Kernel() as kernel:
        channels = Channels(kernel, decay, size("n"), MAX_ROWS if decoding else None)
        with units(decay.size) as channel:
            channels.walk(channel)
    return kernel.func


@contextmanager
def registered() -> Iterator[None]:
    """The architecture, with its kernel."""
    with toy_recurrent.registered(), pytest.MonkeyPatch.context() as patch:
        patch.setitem(recurrence.RECURRENCES, toy_recurrent.Decay, decay_kernel)
        yield
