"""The gated delta rule on a CPU, token by token. A unit is a value head; its matrix stays in the slot, which a core's cache holds."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.abi_generated import MAX_ROWS
from webllm_build.compile.cpu.epilogue import silu
from webllm_build.compile.cpu.ops import at, constant, exp, log, sum_of, units, zeros
from webllm_build.compile.kernels.recurrence.gated_delta import Places
from webllm_build.compile.kernels.recurrence.slots import POSITION, SLOT_READ, SLOT_WRITTEN, SlotState
from webllm_build.compile.kernels.tir.ops import VEC, Buffer, Expr, Kernel, let, local, size, splat, store, vec, when
from webllm_build.model.recurrence import L2_EPS, GatedDelta

TOGETHER = 4  # float32x4 of a row of the matrix, whose sums are in registers


def gated_delta(delta: GatedDelta, decoding: bool) -> PrimFunc:
    """Parameters: as those of kernels/recurrence/gated_delta.py."""
    return _GatedDelta(delta, decoding).build()


class _GatedDelta:
    def __init__(self, delta: GatedDelta, decoding: bool) -> None:
        self.delta, self.decoding = delta, decoding
        self.keys, self.values = delta.key_dim // VEC, delta.value_dim // VEC

    def build(self) -> PrimFunc:
        delta = self.delta
        with Kernel() as kernel:
            tokens = size("n")
            self.x = kernel.buffer("x", (tokens, delta.width), "float32")
            self.taps = kernel.buffer("taps", (delta.kernel * delta.convolved,), "float32")
            self.gates = kernel.buffer("gates", (2 * delta.value_heads,), "float32")
            self.norm = kernel.buffer("norm", (delta.value_dim,), "float32")
            state = SlotState(kernel, delta.state_shape, MAX_ROWS if self.decoding else None)
            self.slots = state.slots
            out = kernel.buffer("out", (tokens, delta.size), "float32")
            self.mixed = local("mixed", 2 * delta.key_dim + delta.value_dim)
            self.result = local("result", delta.value_dim)
            with units(delta.value_heads) as self.head:
                self.places = Places(delta, self.head)
                with T.serial(tokens) as self.token:
                    row = self.token if self.decoding else 0
                    with when(state.state[row, POSITION] >= 0 if self.decoding else True):
                        self.written = let("written", state.state[row, SLOT_WRITTEN])
                        read = state.state[row, SLOT_READ]
                        read = let("read", read if self.decoding else T.Select(self.token == 0, read, self.written))
                        self.is_new, self.read = let("is_new", read < 0), T.max(read, 0)
                        self._convolve()
                        self._move()
                        self._write(out)
        return kernel.func

    def _before(self, place: Expr) -> Expr:
        """Four floats of the state that the token finds."""
        return T.Select(self.is_new, splat(T.float32(0)), self.slots[self.read, self.head, vec(place)])

    def _after(self, place: Expr, value: Expr) -> None:
        store(self.slots, value, self.written, self.head, vec(place))

    def _convolve(self) -> None:
        past, places = self.delta.past, self.places
        with T.serial(places.channels) as channel:
            column = let("column", places.channel(channel))
            seen = [let("seen", self._before(places.past(token, channel))) for token in range(past)]
            seen.append(let("x", self.x[self.token, vec(column)]))
            y = self.taps[vec(column)] * seen[0]
            for token in range(1, past + 1):
                y = y + self.taps[vec(token * places.convolved + column)] * seen[token]
            store(self.mixed, silu(let("y", y)), vec(channel))
            for token in range(past):
                self._after(places.past(token, channel), seen[token + 1])

    def _inverse_length(self, first: int) -> Expr:
        """1 / the length of the query (0) or key of the head."""
        squares = zeros("squares", 1)
        with T.serial(self.keys) as i:
            value = let("value", self.mixed[vec(first * self.keys + i)])
            store(squares, squares[at(0)] + value * value, at(0))
        return T.float32(1) / T.sqrt(sum_of(squares[at(0)]) + T.float32(L2_EPS))

    def _scalar(self, which: int) -> Expr:
        """As Places.scalar: this buffer is not read in vectors only."""
        return self.x[self.token, self.delta.convolved + self.delta.size + which * self.delta.value_heads + self.head]

    def _move(self) -> None:
        """Moves the matrix towards the value, and multiplies it with the query."""
        head, heads = self.head, self.delta.value_heads
        of_query, of_key = (let("inverse_length", self._inverse_length(first)) for first in range(2))
        of_query = let("scaled", of_query * T.float32(self.delta.key_dim**-0.5))
        kept = splat(let("kept", exp(self.gates[head] * softplus(let("step", self._scalar(1) + self.gates[heads + head])))))
        beta = splat(let("beta", T.float32(1) / (T.float32(1) + exp(T.float32(0) - self._scalar(0)))))
        for first in range(0, self.values, TOGETHER):
            columns = range(min(TOGETHER, self.values - first))
            with T.serial(1):  # names and registers of these columns only
                sums = zeros("sums", len(columns))
                with T.serial(self.delta.key_dim) as i:
                    key = splat(let("key", self.mixed[self.delta.key_dim + i] * of_key))
                    for j in columns:
                        store(sums, sums[at(j)] + key * self._before(i * self.values + first + j), at(j))
                error = [let("error", (self.mixed[vec(2 * self.keys + first + j)] - kept * sums[at(j)]) * beta) for j in columns]
                products = zeros("products", len(columns))
                with T.serial(self.delta.key_dim) as i:
                    key = splat(let("key", self.mixed[self.delta.key_dim + i] * of_key))
                    query = splat(let("query", self.mixed[i] * of_query))
                    for j in columns:
                        place = i * self.values + first + j
                        moved = let("moved", kept * self._before(place) + key * error[j])
                        self._after(place, moved)
                        store(products, products[at(j)] + query * moved, at(j))
                for j in columns:
                    store(self.result, products[at(j)], vec(first + j))

    def _write(self, out: Buffer) -> None:
        squares = zeros("result_squares", 1)
        with T.serial(self.values) as i:
            value = let("value", self.result[vec(i)])
            store(squares, squares[at(0)] + value * value, at(0))
        mean = sum_of(squares[at(0)]) * T.float32(1 / self.delta.value_dim)
        scale = splat(let("scale", T.float32(1) / T.sqrt(mean + T.float32(self.delta.eps))))
        with T.serial(self.values) as i:
            gate = silu(let("gate", self.x[self.token, vec(self.places.gate(i))]))
            store(out, self.result[vec(i)] * scale * self.norm[vec(i)] * gate, self.token, vec(self.head * self.values + i))


def softplus(x: Expr) -> Expr:
    """log(1 + exp(x))."""
    return T.max(x, constant(0, x)) + log(constant(1, x) + exp(constant(0, x) - T.max(x, constant(0, x) - x)))
