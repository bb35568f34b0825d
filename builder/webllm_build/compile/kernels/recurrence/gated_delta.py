"""The gated delta rule of a decode step. A workgroup has a value head; an invocation has, of some rows of its matrix, four columns."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.recurrence.slots import POSITION, SLOT_READ, SLOT_WRITTEN, SlotState
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import (
    VEC,
    Buffer,
    Expr,
    Kernel,
    barrier,
    dot,
    element,
    extern,
    inverse_rms,
    launch,
    let,
    local,
    shared,
    splat,
    store,
    vec,
    when,
)
from webllm_build.compile.target import Variant
from webllm_build.model.recurrence import L2_EPS, GatedDelta

MOST_THREADS = 256


def gated_delta(variant: Variant, delta: GatedDelta, rows: int) -> PrimFunc:
    """Of a decode step. Parameters: x float32[rows, delta.width], taps float32[kernel * convolved], gates float32[2 * value_heads], norm
    float32[value_dim], those of SlotState, out float32[rows, delta.size]."""
    return _GatedDelta(delta, rows).build()


class Places:
    """Where a value head's numbers are, in float32x4: in x, in the weights and in a slot."""

    def __init__(self, delta: GatedDelta, head: Expr) -> None:
        self.delta, self.head = delta, head
        self.keys, self.values = delta.key_dim // VEC, delta.value_dim // VEC
        self.convolved = delta.convolved // VEC
        self.channels = 2 * self.keys + self.values  # of the head that are convolved: its query, key and value
        self.key_head = head % delta.key_heads if delta.tiled else head // (delta.value_heads // delta.key_heads)

    def channel(self, channel: Expr) -> Expr:
        """Of one of `channels`, in x and in each tap."""
        key_heads = self.delta.key_heads
        query, key = self.key_head * self.keys + channel, (key_heads + self.key_head - 1) * self.keys + channel
        value = 2 * key_heads * self.keys + self.head * self.values + channel - 2 * self.keys
        return T.Select(channel < self.keys, query, T.Select(channel < 2 * self.keys, key, value))

    def past(self, token: Expr, channel: Expr) -> Expr:
        """In a slot, of one of the tokens before."""
        return self.delta.key_dim * self.values + token * self.channels + channel

    def gate(self, column: Expr) -> Expr:
        """Of the output's gate, in x."""
        return self.convolved + self.head * self.values + column

    def scalar(self, x: Buffer, token: Expr, which: int) -> Expr:
        """Beta (0) or the decay (1) of the head, of x, which is read in vectors."""
        index = self.delta.convolved + self.delta.size + which * self.delta.value_heads + self.head
        vector, lane = fixed("vector", x[token, vec(index // VEC)], "float32x4"), fixed("lane_of", index % VEC)
        result = element(vector, VEC - 1)
        for i in reversed(range(VEC - 1)):
            result = T.Select(lane == i, element(vector, i), result)
        return result


class _GatedDelta:
    def __init__(self, delta: GatedDelta, rows: int) -> None:
        self.delta, self.rows = delta, rows
        self.keys, self.values = delta.key_dim // VEC, delta.value_dim // VEC
        # Each slice of a head's invocations has `height` float32x4 of the rows of the matrix.
        self.slices = max(slices for slices in range(1, self.keys + 1) if self.keys % slices == 0 and slices * self.values <= MOST_THREADS)
        self.height = self.keys // self.slices
        self.threads = self.slices * self.values

    def build(self) -> PrimFunc:
        delta = self.delta
        with Kernel() as kernel:
            self.x = kernel.buffer("x", (self.rows, delta.width), "float32")
            self.taps = kernel.buffer("taps", (delta.kernel * delta.convolved,), "float32")
            self.gates = kernel.buffer("gates", (2 * delta.value_heads,), "float32")
            self.norm = kernel.buffer("norm", (delta.value_dim,), "float32")
            self.state = SlotState(kernel, delta.state_shape, self.rows)
            self.out = kernel.buffer("out", (self.rows, delta.size), "float32")
            with launch([delta.value_heads], [self.threads]) as ((self.head,), (thread,)):
                self.places = Places(delta, self.head)
                self.slice, self.column = fixed("slice", thread // self.values), fixed("column", thread % self.values)
                self._allocate(thread)
                with T.serial(self.rows) as row, when(self.state.state[row, POSITION] >= 0):
                    self._load(row)
                    self._step(row)
                    self._save(row)
        return kernel.func

    def _step(self, token: Expr) -> None:
        self._convolve(token)
        barrier()
        self._multiply()
        barrier()
        self._update(token)
        barrier()
        self._write(token)

    def _allocate(self, thread: Expr) -> None:
        """The matrix, and the channels that an invocation convolves, with what came before."""
        channels = 2 * self.keys + self.values
        self.channels = []
        for first in range(0, channels, self.threads):
            inside = first + self.threads <= channels or first + thread < channels
            channel = first + thread if inside is True else T.min(first + thread, channels - 1)
            self.channels.append((inside, fixed("channel", channel), fixed("in_x", self.places.channel(channel))))
        self.matrix = local("matrix", self.height * VEC, "float32x4")
        self.before = local("before", max(1, len(self.channels) * self.delta.past), "float32x4")
        self.mixed = shared("mixed", channels, "float32x4")  # the head's query, key and value
        self.products = shared("products", 2 * self.threads, "float32x4")  # of each slice's rows with the key and the query
        self.norms = shared("norms", self.slices, "float32x4")  # of each slice's part of the key and the query
        self.result = shared("result", self.values, "float32x4")
        self.out_vector = local("out_vector", 1, "float32x4")

    def _owned(self) -> list[tuple[Expr, Buffer, int, Expr]]:
        """What an invocation has of a slot: where, in which array at which place, and whether it is its own."""
        rows = [
            ((self.slice * (self.height * VEC) + i) * self.values + self.column, self.matrix, i, True) for i in range(self.height * VEC)
        ]
        past = [
            (self.places.past(token, channel), self.before, i * self.delta.past + token, inside)
            for i, (inside, channel, _) in enumerate(self.channels)
            for token in range(self.delta.past)
        ]
        return [*rows, *past]

    def _load(self, row: Expr) -> None:
        slot = let("slot_read", self.state.state[row, SLOT_READ])  # negative at the beginning of a sequence
        for place, array, i, _ in self._owned():
            value = self.state.slots[T.max(slot, 0), self.head, vec(place)]
            store(array, extern("float32x4", "select", splat(T.float32(0)), value, slot >= 0), i)

    def _save(self, row: Expr) -> None:
        slot = let("slot_written", self.state.state[row, SLOT_WRITTEN])
        for place, array, i, inside in self._owned():
            with when(inside):
                store(self.state.slots, array[i], slot, self.head, vec(place))

    def _convolve(self, token: Expr) -> None:
        past = self.delta.past
        for i, (inside, channel, column) in enumerate(self.channels):
            with when(inside):
                x = fixed("x", self.x[token, vec(column)], "float32x4")
                y = self.taps[vec(past * self.places.convolved + column)] * x
                for before in range(past):
                    y = y + self.taps[vec(before * self.places.convolved + column)] * self.before[i * past + before]
                store(self.mixed, silu(fixed("y", y, "float32x4")), channel)
                for before in range(past):
                    store(self.before, self.before[i * past + before + 1] if before + 1 < past else x, i * past + before)

    def _of_slice(self, i: int) -> tuple[Expr, Expr]:
        """Four elements of the query and of the key, those that vector i of the slice's rows belongs to."""
        at = self.slice * self.height + i
        return fixed("query", self.mixed[at], "float32x4"), fixed("key", self.mixed[self.keys + at], "float32x4")

    def _multiply(self) -> None:
        """Each slice's part of S k and S q, of k k, q q and q k."""
        sums = local("sums", 2, "float32x4")
        squares = local("squares", 3)
        for i in range(2):
            store(sums, splat(T.float32(0)), i)
        for i in range(3):
            store(squares, T.float32(0), i)
        for i in range(self.height):
            query, key = self._of_slice(i)
            for lane in range(VEC):
                row = self.matrix[i * VEC + lane]
                for j, vector in enumerate((key, query)):
                    store(sums, extern("float32x4", "fma", splat(element(vector, lane)), row, sums[j]), j)
            for j, pair in enumerate(((key, key), (query, query), (query, key))):
                store(squares, squares[j] + dot(*pair), j)
        for j in range(2):
            store(self.products, sums[j], (self.slice * self.values + self.column) * 2 + j)
        with when(self.column == 0):
            store(self.norms, extern("float32x4", "vec4f", squares[0], squares[1], squares[2], T.float32(0)), self.slice)

    def _update(self, token: Expr) -> None:
        """Moves the matrix towards the value; its product with the query follows from that with the matrix before."""
        products, norms = local("both", 2, "float32x4"), self.norms[0]
        for j in range(2):
            store(products, self.products[self.column * 2 + j], j)
            for other in range(1, self.slices):
                store(products, products[j] + self.products[(other * self.values + self.column) * 2 + j], j)
        for other in range(1, self.slices):
            norms = norms + self.norms[other]
        norms = fixed("norms", norms, "float32x4")
        of_key, of_query = (
            fixed(name, extern("float32", "inverseSqrt", element(norms, i) + T.float32(L2_EPS)), "float32")
            for i, name in enumerate(("of_key", "of_query"))
        )
        of_query = fixed("scaled", of_query * T.float32(self.delta.key_dim**-0.5), "float32")
        head, heads = self.head, self.delta.value_heads
        kept = T.exp(self.gates[head] * softplus(fixed("step", self.places.scalar(self.x, token, 1) + self.gates[heads + head], "float32")))
        kept = fixed("kept", kept, "float32")
        beta = fixed("beta", sigmoid(self.places.scalar(self.x, token, 0)), "float32")
        value = self.mixed[2 * self.keys + self.column]
        error = fixed("error", (value - products[0] * splat(kept * of_key)) * splat(beta), "float32x4")
        for i in range(self.height):
            _, key = self._of_slice(i)
            for lane in range(VEC):
                row = self.matrix[i * VEC + lane] * splat(kept)
                store(self.matrix, extern("float32x4", "fma", splat(element(key, lane) * of_key), error, row), i * VEC + lane)
        both = fixed("both_norms", element(norms, 2) * of_query * of_key, "float32")
        store(self.out_vector, products[1] * splat(kept * of_query) + error * splat(both), 0)
        with when(self.slice == 0):
            store(self.result, self.out_vector[0], self.column)

    def _write(self, token: Expr) -> None:
        with when(self.slice == 0):
            squares = local("result_squares", 1)
            store(squares, T.float32(0), 0)
            with T.serial(self.values) as i:
                store(squares, squares[0] + dot(self.result[i], self.result[i]), 0)
            scale = splat(fixed("rms", inverse_rms(squares[0], self.delta.value_dim, self.delta.eps), "float32"))
            gate = silu(fixed("gate", self.x[token, vec(self.places.gate(self.column))], "float32x4"))
            y = self.out_vector[0] * scale * self.norm[vec(self.column)] * gate
            store(self.out, y, token, vec(self.head * self.values + self.column))


def sigmoid(x: Expr) -> Expr:
    """Of a float32. The exponent is bounded because WGSL leaves an overflow of exp undefined."""
    return T.float32(1) / (T.float32(1) + T.exp(T.min(T.float32(0) - x, T.float32(80))))


def silu(x: Expr) -> Expr:
    """x * sigmoid(x) of a float32x4."""
    exponent = extern("float32x4", "min", splat(T.float32(0)) - x, splat(T.float32(80)))
    return x / (splat(T.float32(1)) + extern("float32x4", "exp", exponent))


def softplus(x: Expr) -> Expr:
    """log(1 + exp(x)) of a float32."""
    return T.max(x, T.float32(0)) + T.log(T.float32(1) + T.exp(T.float32(0) - T.max(x, T.float32(0) - x)))
