"""The kernel of toy_recurrent.py's layer, in TIR."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tvm.tirx import PrimFunc

import toy_recurrent
from webllm_build.compile.kernels import recurrence
from webllm_build.compile.kernels.recurrence import SlotState, token_count
from webllm_build.compile.kernels.tir.ops import Expr, Kernel, ceildiv, launch, let, local, store, when
from webllm_build.compile.target import Variant

THREADS = 64


class Channels:
    """A channel's work. Parameters: x float32[m, size], parameters float32[3 * size], those of SlotState, out float32[m, size]."""

    def __init__(self, kernel: Kernel, decay: toy_recurrent.Decay, tokens: Expr, rows: int | None) -> None:
        self._tokens, self._count = tokens, decay.size
        self._x = kernel.buffer("x", (tokens, decay.size), "float32")
        self._parameters = kernel.buffer("parameters", (3 * decay.size,), "float32")
        self._slots = SlotState(kernel, decay.state_shape, rows)
        self._out = kernel.buffer("out", (tokens, decay.size), "float32")

    def walk(self, channel: Expr) -> None:
        keep, gain, scale = (let(name, self._parameters[i * self._count + channel]) for i, name in enumerate(toy_recurrent.PARAMETERS))
        state = local("state_of_channel", 1)
        with self._slots.walk(self._tokens, state, [(channel,)]) as token:
            store(state, keep * state[0] + gain * self._x[token, channel], 0)
            store(self._out, scale * state[0], token, channel)


def decay_kernel(variant: Variant, decay: toy_recurrent.Decay, rows: int | None) -> PrimFunc:
    """An invocation has a channel. Parameters: those of Channels; m is `rows`, or symbolic."""
    with Kernel() as kernel:
        channels = Channels(kernel, decay, token_count(rows), rows)
        with launch([ceildiv(decay.size, THREADS)], [THREADS]) as ((block,), (thread,)):
            channel = let("channel", block * THREADS + thread)
            with when(decay.size % THREADS == 0 or channel < decay.size):
                channels.walk(channel)
    return kernel.func


@contextmanager
def registered() -> Iterator[None]:
    """The architecture, with its kernel."""
    with toy_recurrent.registered(), pytest.MonkeyPatch.context() as patch:
        patch.setitem(recurrence.RECURRENCES, toy_recurrent.Decay, decay_kernel)
        yield
