"""Mamba-2's scan (model/recurrence.py has its formulas)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.linear.epilogue import silu
from webllm_build.compile.kernels.recurrence.slots import POSITION, SlotState, lane, token_count
from webllm_build.compile.kernels.tir.ops import Expr, Kernel, barrier, ceildiv, launch, let, local, shared, store, total, when
from webllm_build.compile.target import Variant
from webllm_build.model.recurrence import Scan

THREADS = 256
COLUMNS = 16  # of a head's, in a workgroup, whose invocations share the states of each
BLOCK = 8  # tokens of a prefill between two barriers


@dataclass(frozen=True)
class Functions:
    """Elementary functions of a device, of numbers and of as many lanes as a kernel has."""

    exp: Callable[[Expr], Expr]
    log: Callable[[Expr], Expr]
    silu: Callable[[Expr], Expr]


class Tokens:
    """What kernels read of a token. Parameters: projected float32[m, kind.width], convolved float32[m, kind.convolved], parameters
    float32[3 * heads], those of SlotState, out float32[m, kind.size]."""

    def __init__(self, kernel: Kernel, kind: Scan, tokens: Expr, rows: int | None, functions: Functions, lanes: int = 1) -> None:
        self.kind, self.count = kind, tokens
        self._functions, self._lanes = functions, lanes
        self._projected = kernel.buffer("projected", (tokens, kind.width), "float32")
        self._convolved = kernel.buffer("convolved", (tokens, kind.convolved), "float32")
        self._parameters = kernel.buffer("parameters", (3 * kind.heads,), "float32")
        self.slots = SlotState(kernel, kind.state_shape, rows, lanes)
        self._out = kernel.buffer("out", (tokens, kind.size), "float32")

    def step_size(self, token: Expr, head: Expr) -> Expr:
        """dt: ln(1 + e**x) within the limits, by a series where e**x is small."""
        kind = self.kind
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
        store(self._out, y * self._functions.silu(let("z", self._projected[token, at])), token, at)

    def _group(self, head: Expr) -> Expr:
        return head // (self.kind.heads // self.kind.groups)

    def _wide(self, value: Expr) -> Expr:
        return value if self._lanes == 1 else T.Broadcast(value, self._lanes)


def scan(variant: Variant, kind: Scan, rows: int | None) -> PrimFunc:
    """A workgroup has some columns of a head, an invocation some states of one, which it keeps in registers from token to token. What C
    reads of them is summed for a block of tokens at a time. Parameters: those of Tokens; m is `rows`, or symbolic."""
    columns = math.gcd(kind.head_dim, COLUMNS)
    shares = math.gcd(kind.states, THREADS // columns)
    threads, kept, block = columns * shares, kind.states // shares, 1 if rows else BLOCK
    with Kernel() as kernel:
        tokens = Tokens(kernel, kind, token_count(rows), rows, Functions(T.exp, T.log, silu))
        with launch([kind.size // columns], [threads]) as ((workgroup,), (thread,)):
            head = let("head", workgroup // (kind.head_dim // columns))
            first = let("first_column", workgroup % (kind.head_dim // columns) * columns)
            share, column = let("share", thread // columns), let("column", first + thread % columns)
            own, sums = local("own", kept), shared("sums", block * threads)
            places = [(head, share + i * shares, column) for i in range(kept)]

            def advance(token: Expr, place: Expr) -> None:
                dt = tokens.step_size(token, head)
                decay, added = tokens.decay(dt, head), let("added", dt * tokens.x(token, head, column))
                for i, (_, state, _) in enumerate(places):
                    store(own, decay * own[i] + added * tokens.b(token, head, state), i)
                read = [own[i] * tokens.c(token, head, state) for i, (_, state, _) in enumerate(places)]
                store(sums, total(read), place * threads + thread)

            def give(first_token: Expr) -> None:
                """The outputs of a block of tokens, whose sums are there."""
                barrier()
                for done in range(0, block * columns, threads):
                    index = let("index", thread + done)
                    token = let("token_of_block", first_token + index // columns)
                    with when(index < block * columns), when(token < tokens.count):
                        parts = [sums[index // columns * threads + i * columns + index % columns] for i in range(shares)]
                        tokens.give(token, head, first + index % columns, total(parts))
                barrier()

            if rows:
                with T.serial(rows) as row, when(tokens.slots.state[row, POSITION] >= 0):
                    tokens.slots.load(row, own, places)
                    advance(row, 0)
                    tokens.slots.leave(row, own, places)
                    give(row)
            else:
                tokens.slots.load(0, own, places)
                with T.serial(ceildiv(tokens.count, block)) as number:
                    with T.serial(block) as i:
                        token = let("token", number * block + i)
                        with when(token < tokens.count):
                            advance(token, i)
                    give(number * block)
                tokens.slots.leave(0, own, places)
    return kernel.func
