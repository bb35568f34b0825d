"""A causal convolution of each channel, with its gates and activation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.linear.epilogue import silu
from webllm_build.compile.kernels.recurrence.slots import SlotState, lane
from webllm_build.compile.kernels.recurrence.stage import Stage
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, Kernel, ceildiv, launch, let, local, store, token_count, total, when
from webllm_build.compile.target import Variant
from webllm_build.model.recurrence import Convolution

THREADS = 64
TOKENS = 16  # of a prefill that an invocation computes, of one channel


class Channels:
    """The work on a channel, or on `lanes` of them. Parameters: x float32[m, kind.width], parameters float32[kind.parameters], those of
    SlotState, out float32[m, kind.size]. silu: of as many lanes."""

    def __init__(
        self, kernel: Kernel, kind: Convolution, tokens: Expr, rows: int | None, silu: Callable[[Expr], Expr], lanes: int = 1
    ) -> None:
        self.kind, self.tokens = kind, tokens
        self._silu, self._lanes = silu, lanes
        self._x = kernel.buffer("x", (tokens, kind.width), "float32")
        self._parameters = kernel.buffer("parameters", (kind.parameters,), "float32")
        self._slots = SlotState(kernel, kind.state_shape, rows, lanes)
        self._out = kernel.buffer("out", (tokens, kind.size), "float32")

    def walk(self, channel: Expr) -> None:
        """All tokens, in order."""
        window, places = self._window(channel)
        with self._slots.walk(self.tokens, window, places) as token:
            self._step(window, token, channel)

    def part(self, first: Expr, channel: Expr) -> None:
        """The tokens of a prefill from `first` on, TOKENS of them; who has the last token leaves the state."""
        window, places = self._window(channel)
        count = len(places)
        for i in range(count):
            token = let("earlier", first + (i - count))
            with when(token >= 0):
                store(window, self._input(token, channel), i)
            with when(token < 0):
                store(window, self._slots.before(0, token + count, channel), i)
        with T.serial(T.min(self.tokens - first, TOKENS)) as i:
            self._step(window, first + i, channel)
        with when(first + TOKENS >= self.tokens):
            self._slots.leave(0, window, places)

    def _window(self, channel: Expr) -> tuple[Buffer, list[tuple[Expr, ...]]]:
        """The inputs before a token, and their places in the state."""
        count = self.kind.kernel - 1
        return local("window", count * self._lanes), [(i, channel) for i in range(count)]

    def _step(self, window: Buffer, token: Expr, channel: Expr) -> None:
        """Give the output of a token, behind which the window goes on."""
        kind = self.kind
        inputs = [window[self._at(i * self._lanes)] for i in range(kind.kernel - 1)]
        newest = let("newest", self._input(token, channel))
        rows = [self._parameters[self._at(i * kind.size + channel)] for i in range(kind.kernel + kind.bias)]
        terms = [tap * value for tap, value in zip(rows, [*inputs, newest], strict=False)] + rows[kind.kernel :]
        y = let("y", total(terms))
        if kind.silu:
            y = self._silu(y)
        if kind.gated:
            y = self._x[token, self._at(kind.size + channel)] * y
        store(self._out, y, token, self._at(channel))
        for i in range(kind.kernel - 1):
            store(window, newest if i == kind.kernel - 2 else inputs[i + 1], self._at(i * self._lanes))

    def _input(self, token: Expr, channel: Expr) -> Expr:
        if self.kind.gated:
            return self._x[token, self._at(channel)] * self._x[token, self._at(2 * self.kind.size + channel)]
        return self._x[token, self._at(self.kind.first + channel)]

    def _at(self, index: Expr) -> Expr:
        return lane(index, self._lanes)


def convolution(variant: Variant, kind: Convolution, rows: int | None) -> PrimFunc:
    """An invocation has a channel, in a prefill of TOKENS tokens. Parameters: those of Channels; m is `rows`, or symbolic."""
    with Kernel() as kernel:
        channels = Channels(kernel, kind, token_count(rows), rows, silu)
        parts = [] if rows else [ceildiv(channels.tokens, TOKENS)]
        with launch([ceildiv(kind.size, THREADS), *parts], [THREADS]) as ((block, *part), (thread,)):
            channel = let("channel", block * THREADS + thread)
            with when(kind.size % THREADS == 0 or channel < kind.size):
                if rows:
                    channels.walk(channel)
                else:
                    channels.part(let("first_token", part[0] * TOKENS), channel)
    return kernel.func


def stages(variant: Variant, kind: Convolution) -> Sequence[Stage]:
    """Of a prefill."""
    return [Stage("", convolution(variant, kind, None), ("x", "parameters", "state", "slots"), {"out": (kind.size,)})]
