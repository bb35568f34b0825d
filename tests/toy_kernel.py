"""The kernel of toy_recurrent.py's layer, in TIR."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tvm.tirx import PrimFunc

import toy_recurrent
from webllm_build.compile.kernels import recurrence
from webllm_build.compile.kernels.recurrence import SlotState, token_count
from webllm_build.compile.kernels.tir.ops import Kernel, ceildiv, launch, let, local, store, when
from webllm_build.compile.target import Variant

THREADS = 64


def decay_kernel(variant: Variant, decay: toy_recurrent.Decay, rows: int | None) -> PrimFunc:
    """An invocation has a channel. Parameters: x float32[m, size], parameters float32[3 * size], see SlotState, out float32[m, size]."""
    channels = decay.size
    with Kernel() as kernel:
        tokens = token_count(rows)
        x = kernel.buffer("x", (tokens, channels), "float32")
        parameters = kernel.buffer("parameters", (3 * channels,), "float32")
        slots = SlotState(kernel, decay.state_shape, rows)
        out = kernel.buffer("out", (tokens, channels), "float32")
        with launch([ceildiv(channels, THREADS)], [THREADS]) as ((block,), (thread,)):
            channel = let("channel", block * THREADS + thread)
            with when(channels % THREADS == 0 or channel < channels):
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
