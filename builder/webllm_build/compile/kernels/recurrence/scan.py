"""Mamba-2's scan (model/recurrence.py has its formulas)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.linear.epilogue import silu
from webllm_build.compile.kernels.recurrence.slots import POSITION, SlotState, lane
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, Kernel, barrier, launch, let, local, shared, store, total, when
from webllm_build.compile.target import Variant
from webllm_build.model.recurrence import Scan

THREADS = 256
COLUMNS = 16  # of a head's, in a workgroup, whose invocations share the states of each


@dataclass(frozen=True)
class Functions:
    """Elementary functions of a device, of numbers and of as many lanes as a kernel has."""

    exp: Callable[[Expr], Expr]
    log: Callable[[Expr], Expr]
    silu: Callable[[Expr], Expr]


GPU = Functions(T.exp, T.log, silu)


class Rates:
    """How fast each head's state changes: from projected float32[m, kind.width] and parameters float32[3 * heads]."""

    def __init__(self, kind: Scan, projected: Buffer, parameters: Buffer, functions: Functions) -> None:
        self._kind, self._projected, self._parameters, self._functions = kind, projected, parameters, functions

    def step_size(self, token: Expr, head: Expr) -> Expr:
        """dt: ln(1 + e**x) within the limits, by a series where e**x is small."""
        kind = self._kind
        x = let("dt_input", self._projected[token, kind.width - kind.heads + head] + self._parameters[2 * kind.heads + head])
        power = let("power", self._functions.exp(T.min(x, T.float32(20))))
        series = power * (T.float32(1) - power * (T.float32(0.5) - power * T.float32(1 / 3)))
        dt = T.Select(power < T.float32(0.005), series, self._functions.log(power + T.float32(1)))
        dt = let("dt", T.Select(x > T.float32(20), x, dt))
        if kind.limits is None:
            return dt
        low, high = (T.float32(limit) for limit in kind.limits)
        return let("dt_within", T.max(T.min(dt, high), low))

    def decay(self, dt: Expr, head: Expr) -> Expr:
        return let("decay", self._functions.exp(dt * self._parameters[head]))


class Tokens(Rates):
    """What kernels read of a token. Parameters: projected, convolved float32[m, kind.convolved], parameters, those of SlotState, out
    float32[m, kind.size]."""

    def __init__(self, kernel: Kernel, kind: Scan, tokens: Expr, rows: int | None, functions: Functions, lanes: int = 1) -> None:
        self.kind, self.count, self._lanes = kind, tokens, lanes
        projected = kernel.buffer("projected", (tokens, kind.width), "float32")
        self._convolved = kernel.buffer("convolved", (tokens, kind.convolved), "float32")
        super().__init__(kind, projected, kernel.buffer("parameters", (3 * kind.heads,), "float32"), functions)
        self.slots = SlotState(kernel, kind.state_shape, rows, lanes)
        self._out = kernel.buffer("out", (tokens, kind.size), "float32")

    def x(self, token: Expr, head: Expr, column: Expr) -> Expr:
        return self._convolved[token, lane(head * self.kind.head_dim + column, self._lanes)]

    def b(self, token: Expr, head: Expr, state: Expr) -> Expr:
        return self._convolved[token, self.kind.size + self._group(head) * self.kind.states + state]

    def c(self, token: Expr, head: Expr, state: Expr) -> Expr:
        return self._convolved[token, self.kind.size + (self.kind.groups + self._group(head)) * self.kind.states + state]

    def give(self, token: Expr, head: Expr, column: Expr, read: Expr) -> None:
        """The output at a column of a head, from what C reads of its state."""
        at = lane(head * self.kind.head_dim + column, self._lanes)
        y = let("y", read + self._wide(self._parameters[self.kind.heads + head]) * self.x(token, head, column))
        if self.kind.scale != 1:
            y = y * self._wide(T.float32(self.kind.scale))
        y = y * self._functions.silu(let("z", self._projected[token, at])) if self.kind.gated else y
        store(self._out, y, token, at)

    def _group(self, head: Expr) -> Expr:
        return head // (self.kind.heads // self.kind.groups)

    def _wide(self, value: Expr) -> Expr:
        return value if self._lanes == 1 else T.Broadcast(value, self._lanes)


def scan(variant: Variant, kind: Scan, rows: int) -> PrimFunc:
    """Of a decode step. A workgroup has some columns of a head, an invocation some states of one. Parameters: those of Tokens, of `rows`
    tokens."""
    columns = math.gcd(kind.head_dim, COLUMNS)
    shares = math.gcd(kind.states, THREADS // columns)
    threads, kept = columns * shares, kind.states // shares
    with Kernel() as kernel:
        tokens = Tokens(kernel, kind, rows, rows, GPU)
        with launch([kind.size // columns], [threads]) as ((workgroup,), (thread,)):
            head = let("head", workgroup // (kind.head_dim // columns))
            first = let("first_column", workgroup % (kind.head_dim // columns) * columns)
            share, column = let("share", thread // columns), let("column", first + thread % columns)
            own, sums = local("own", kept), shared("sums", threads)
            places = [(head, share + i * shares, column) for i in range(kept)]

            with T.serial(rows) as row, when(tokens.slots.state[row, POSITION] >= 0):
                tokens.slots.load(row, own, places)
                dt = tokens.step_size(row, head)
                decay, added = tokens.decay(dt, head), let("added", dt * tokens.x(row, head, column))
                for i, (_, state, _) in enumerate(places):
                    store(own, decay * own[i] + added * tokens.b(row, head, state), i)
                store(sums, total([own[i] * tokens.c(row, head, state) for i, (_, state, _) in enumerate(places)]), thread)
                tokens.slots.leave(row, own, places)
                barrier()
                with when(thread < columns):
                    tokens.give(row, head, first + thread, total([sums[i * columns + thread] for i in range(shares)]))
                barrier()
    return kernel.func
