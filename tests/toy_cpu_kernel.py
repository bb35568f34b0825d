"""The kernel of toy_recurrent.py's layer on a CPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tvm.tirx import PrimFunc

import toy_recurrent
from webllm_build.compile.abi_generated import MAX_ROWS
from webllm_build.compile.cpu import recurrence
from webllm_build.compile.cpu.ops import units
from webllm_build.compile.kernels.recurrence import SlotState
from webllm_build.compile.kernels.tir.ops import Kernel, let, local, size, store


def decay_kernel(decay: toy_recurrent.Decay, decoding: bool) -> PrimFunc:
    """A unit is a channel. Parameters: x float32[n, size], parameters float32[3 * size], see SlotState, out float32[n, size]."""
    channels = decay.size
    with Kernel() as kernel:
        tokens = size("n")
        x = kernel.buffer("x", (tokens, channels), "float32")
        parameters = kernel.buffer("parameters", (3 * channels,), "float32")
        slots = SlotState(kernel, decay.state_shape, MAX_ROWS if decoding else None)
        out = kernel.buffer("out", (tokens, channels), "float32")
        with units(channels) as channel:
            keep, gain, scale = (let(name, parameters[i * channels + channel]) for i, name in enumerate(toy_recurrent.PARAMETERS))
            state = local("state_of_channel", 1)
            with slots.walk(tokens, state, [(channel,)]) as token:
                store(state, keep * state[0] + gain * x[token, channel], 0)
                store(out, scale * state[0], token, channel)
    return kernel.func


@contextmanager
def registered() -> Iterator[None]:
    """The architecture, with its kernel."""
    with toy_recurrent.registered(), pytest.MonkeyPatch.context() as patch:
        patch.setitem(recurrence.RECURRENCES, toy_recurrent.Decay, decay_kernel)
        yield
