"""The gated delta rule of a prefill, in chunks (https://arxiv.org/abs/2412.06464, section 3.3; T is the UT transform's matrix).

With the matrix S before a chunk, k, q of length 1 (q / sqrt(key_dim)), and kept[i, j] the product of the decays of tokens j + 1 to i of it:

    L[i, j] = beta[i] kept[i, j] k[i] k[j] for j < i;  P[i, j] = kept[i, j] q[i] k[j] for j <= i;  T = (1 + L)^-1 diag(beta)
    W = -T diag(kept[., -1]) K;  U = T V;  Q' = diag(kept[., -1]) Q + P W;  E = U + W S
    read = P U + Q' S;  S = kept[last, -1] S + (diag(kept[last, .]) K)ᵀ E
"""

from __future__ import annotations

from collections.abc import Sequence

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.recurrence.chunks import Carried, Rows, Tile, chunks_of, product, tiles
from webllm_build.compile.kernels.recurrence.gated_delta import Places, sigmoid, silu, softplus
from webllm_build.compile.kernels.recurrence.slots import SLOT_READ, SLOT_WRITTEN, SlotState
from webllm_build.compile.kernels.recurrence.stage import Stage
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import (
    VEC,
    Buffer,
    Expr,
    Kernel,
    barrier,
    ceildiv,
    dot,
    extern,
    inverse_rms,
    launch,
    let,
    local,
    shared,
    splat,
    store,
    token_count,
    total,
    vec,
    when,
)
from webllm_build.compile.target import Variant
from webllm_build.compile.tiles import in_tiles
from webllm_build.model.recurrence import L2_EPS, GatedDelta

CHUNK = 8
MOST_MIXED = 3072  # floats of queries, keys and values of a chunk in workgroup memory, of 4096 that every GPU has
FINISHERS = 64


def stages(variant: Variant, delta: GatedDelta) -> Sequence[Stage]:
    """Of a prefill. They read x float32[n, delta.width], taps, gates and norm as the kernel of a decode step, and make out
    float32[n, delta.size]."""
    heads, keys, values = delta.value_heads, delta.key_dim, delta.value_dim
    made = {"rows": (heads, 3 * keys), "values": (heads, 2 * values), "kept": (heads,)}
    carry = in_tiles(lambda tile: _carry(variant, delta, tile), tiles(variant))
    return [
        Stage("prepare", _Prepare(delta).build(), ("x", "taps", "gates", "state", "slots"), made),
        Stage("carry", carry, (*made, "state", "slots"), {"read": (delta.size,)}),
        Stage("finish", _finish(delta), ("x", "norm", "read"), {"out": (delta.size,)}),
    ]


def chunk_of(delta: GatedDelta) -> int:
    """Tokens of a chunk."""
    return CHUNK if CHUNK * (2 * delta.key_dim + delta.value_dim) <= MOST_MIXED else CHUNK // 2


class _Prepare:
    """A workgroup has a chunk of a value head, an invocation a pair of its tokens, or some columns. Makes of each token rows[heads, W, Q'
    and K diag(kept[last, .])], values[heads, U and P U] and kept[heads], kept[i, -1] of the formulas."""

    def __init__(self, delta: GatedDelta) -> None:
        self.delta, self.chunk = delta, chunk_of(delta)
        self.threads = self.chunk**2
        self.keys, self.values = delta.key_dim // VEC, delta.value_dim // VEC

    def build(self) -> PrimFunc:
        delta, chunk = self.delta, self.chunk
        with Kernel() as kernel:
            self.tokens = token_count(None)
            self.x = kernel.buffer("x", (self.tokens, delta.width), "float32")
            self.taps = kernel.buffer("taps", (delta.kernel * delta.convolved,), "float32")
            self.gates = kernel.buffer("gates", (2 * delta.value_heads,), "float32")
            self.slots = SlotState(kernel, delta.state_shape, None)
            self.rows = kernel.buffer("rows", (self.tokens, delta.value_heads, 3 * delta.key_dim), "float32")
            self.made = kernel.buffer("values", (self.tokens, delta.value_heads, 2 * delta.value_dim), "float32")
            self.kept = kernel.buffer("kept", (self.tokens, delta.value_heads), "float32")
            with launch([ceildiv(self.tokens, chunk), delta.value_heads], [self.threads]) as ((block, self.head), (self.thread,)):
                self.places, self.first = Places(delta, self.head), fixed("first_token", block * chunk)
                # Of the chunk: each token's query, key and value; what multiplies V and K to U and W; P; L; and vectors of its tokens.
                self.mixed = shared("mixed", chunk * self.places.channels, "float32x4")
                names = ("of_values", "of_keys", "reads", "lower")
                self.of_values, self.of_keys, self.reads, self.lower = (shared(name, chunk**2) for name in names)
                vectors = ("decays", "betas", "query_scales", "key_scales", "from_start", "to_end")
                self.decays, self.betas, self.query_scales, self.key_scales, self.from_start, self.to_end = (
                    shared(name, chunk) for name in vectors
                )
                self._convolve()
                self._gate()
                barrier()
                self._multiply()
                barrier()
                self._solve()
                barrier()
                self._give()
        return kernel.func

    def _before(self, token: Expr, channel: Expr, column: Expr) -> Expr:
        """The input of a token, of the chunk's or before it."""
        slot = let("slot_read", self.slots.state[0, SLOT_READ])  # negative at the beginning of a sequence
        place = self.places.past(T.min(self.delta.past + token, self.delta.past - 1), channel)
        kept = self.slots.slots[T.max(slot, 0), self.head, vec(place)]
        is_new = T.And(token < 0, slot < 0)
        value = extern("float32x4", "select", kept, self.x[T.max(T.min(token, self.tokens - 1), 0), vec(column)], token >= 0)
        return fixed("input", extern("float32x4", "select", value, splat(T.float32(0)), is_new), "float32x4")

    def _convolve(self) -> None:
        past, places = self.delta.past, self.places
        with T.serial((places.channels + self.threads - 1) // self.threads) as turn:
            channel = fixed("channel", turn * self.threads + self.thread)
            with when(channel < places.channels):
                column = fixed("in_x", places.channel(channel))
                seen = [self._before(self.first + (i - past), channel, column) for i in range(past)]
                seen += [let("x", self.x[T.min(self.first + i, self.tokens - 1), vec(column)]) for i in range(self.chunk)]
                taps = [let("tap", self.taps[vec(i * places.convolved + column)]) for i in range(past + 1)]
                for i in range(self.chunk):
                    y = fixed("y", total([tap * x for tap, x in zip(taps, seen[i:], strict=False)]), "float32x4")
                    y = extern("float32x4", "select", splat(T.float32(0)), silu(y), self.first + i < self.tokens)
                    store(self.mixed, y, i * places.channels + channel)
                with when(self.first + self.chunk >= self.tokens):
                    slot = let("slot_written", self.slots.state[0, SLOT_WRITTEN])
                    with T.serial(past) as i:
                        value = self._before(self.tokens + (i - past), channel, column)
                        store(self.slots.slots, value, slot, self.head, vec(places.past(i, channel)))

    def _gate(self) -> None:
        """Decays and betas; a token beyond the end changes nothing."""
        head, heads = self.head, self.delta.value_heads
        with when(self.thread < self.chunk):
            inside, token = self.first + self.thread < self.tokens, T.min(self.first + self.thread, self.tokens - 1)
            step = fixed("step", self.places.scalar(self.x, token, 1) + self.gates[heads + head], "float32")
            decay = fixed("decay", T.exp(self.gates[head] * softplus(step)), "float32")
            beta = fixed("beta", sigmoid(self.places.scalar(self.x, token, 0)), "float32")
            store(self.decays, T.Select(inside, decay, T.float32(1)), self.thread)
            store(self.betas, T.Select(inside, beta, T.float32(0)), self.thread)

    def _multiply(self) -> None:
        """Products of queries and keys, of which an invocation keeps those of a pair of tokens; lengths."""
        self.i, self.j = fixed("i", self.thread // self.chunk), fixed("j", self.thread % self.chunk)
        self.products = local("products", 3)  # k k, q k and q q
        for which in range(3):
            store(self.products, T.float32(0), which)
        with T.serial(self.keys) as step:
            column = let("turned", (step + self.thread) % self.keys)  # neighbours read different banks
            own, other = let("own", self.i * self.places.channels + column), let("other", self.j * self.places.channels + column)
            query, key = let("query", self.mixed[own]), let("key", self.mixed[own + self.keys])
            other_key = let("other_key", self.mixed[other + self.keys])
            for which, pair in enumerate(((key, other_key), (query, other_key), (query, query))):
                store(self.products, self.products[which] + dot(*pair), which)
        with when(self.i == self.j):
            scale = [extern("float32", "inverseSqrt", self.products[which] + T.float32(L2_EPS)) for which in (0, 2)]
            store(self.key_scales, scale[0], self.i)
            store(self.query_scales, scale[1] * T.float32(self.delta.key_dim**-0.5), self.i)

    def _solve(self) -> None:
        chunk, i, j = self.chunk, self.i, self.j
        kept = product(self.decays, j + 1, i + 1)
        of_key = let("of_key", kept * self.key_scales[j])
        of_pair = self.betas[i] * self.key_scales[i] * of_key
        store(self.reads, T.Select(j <= i, self.products[1] * self.query_scales[i] * of_key, T.float32(0)), self.thread)
        store(self.lower, T.Select(j < i, self.products[0] * of_pair, T.float32(0)), self.thread)
        barrier()
        with when(self.thread < chunk):  # a column of T each, from above
            token, column = self.thread, local("column_of_t", chunk)
            start = product(self.decays, 0, token + 1)
            end = product(self.decays, token + 1, chunk)
            key_scale, beta = let("key_scale", self.key_scales[token]), let("beta", self.betas[token])
            of_key = let("minus", T.float32(0) - start * key_scale)
            for row in range(chunk):
                value = T.Select(token == row, beta, T.float32(0))
                for k in range(row):
                    value = value - self.lower[row * chunk + k] * column[k]
                store(column, value, row)
                store(self.of_values, column[row], row * chunk + token)
                store(self.of_keys, column[row] * of_key, row * chunk + token)
            store(self.from_start, start * self.query_scales[token], token)
            store(self.to_end, end * key_scale, token)
            with when(self.first + token < self.tokens):
                store(self.kept, start, self.first + token, self.head)

    def _give(self) -> None:
        for begin in range(0, self.keys + self.values, self.threads):
            index = fixed("index", begin + self.thread)
            with when(index < self.keys):
                queries, keys = (self._column(first + index, name) for first, name in ((0, "query"), (self.keys, "key")))
                minus = self._mixed_by("w", self.of_keys, keys)
                for i in range(self.chunk):
                    query = self._added(queries[i] * splat(self.from_start[i]), i, minus)
                    self._put(self.rows, i, [minus[i], query, keys[i] * splat(self.to_end[i])], index, self.keys)
            with when(T.And(index >= self.keys, index < self.keys + self.values)):
                values = self._mixed_by("u", self.of_values, self._column(self.keys + index, "value"))
                for i in range(self.chunk):
                    self._put(self.made, i, [values[i], self._added(splat(T.float32(0)), i, values)], index - self.keys, self.values)

    def _column(self, channel: Expr, name: str) -> list[Expr]:
        return [let(name, self.mixed[i * self.places.channels + channel]) for i in range(self.chunk)]

    def _mixed_by(self, name: str, matrix: Buffer, vectors: list[Expr]) -> Buffer:
        """matrix[chunk, chunk], which is lower, times vectors of each token."""
        result = local(name, self.chunk, "float32x4")
        for i in range(self.chunk):
            value = splat(matrix[i * self.chunk]) * vectors[0]
            for j in range(1, i + 1):
                value = extern("float32x4", "fma", splat(matrix[i * self.chunk + j]), vectors[j], value)
            store(result, value, i)
        return result

    def _added(self, value: Expr, i: int, vectors: Buffer) -> Expr:
        """value + row i of P times vectors of each token."""
        for j in range(i + 1):
            value = extern("float32x4", "fma", splat(self.reads[i * self.chunk + j]), vectors[j], value)
        return value

    def _put(self, buffer: Buffer, i: int, vectors: list[Expr], column: Expr, columns: int) -> None:
        with when(self.first + i < self.tokens):
            for which, vector in enumerate(vectors):
                store(buffer, vector, self.first + i, self.head, vec(which * columns + column))


def _carry(variant: Variant, delta: GatedDelta, tile: Tile) -> PrimFunc:
    """A workgroup has some columns of a value head's matrix, and goes from chunk to chunk. Makes read[n, delta.size]."""
    chunk, keys, heads = chunk_of(delta), delta.key_dim // VEC, delta.value_heads
    matrix = Carried(variant, tile, delta.key_dim, delta.value_dim, chunk)
    with Kernel() as kernel:
        tokens = token_count(None)
        rows = kernel.buffer("rows", (tokens, heads, 3 * delta.key_dim), "float32")
        values = kernel.buffer("values", (tokens, heads, 2 * delta.value_dim), "float32")
        kept = kernel.buffer("kept", (tokens, heads), "float32")
        slots = SlotState(kernel, delta.state_shape, None)
        read = kernel.buffer("read", (tokens, delta.size), "float32")
        with launch([matrix.blocks, heads], [matrix.threads]) as ((block, head), (thread,)):
            matrix.place(head, block, thread)
            first_column = let("first_column", block * matrix.width)
            errors = shared("errors", 2 * chunk * matrix.width)  # of a chunk, beside those of the chunk before

            def place(row: Expr, column: Expr) -> tuple[Expr, ...]:
                return head, row * delta.value_dim + column

            matrix.load(slots, place)
            # Of each token W, Q' and K; U and P U.
            vectors = Rows(matrix, 3 * keys, "float32x4", lambda token, vector: rows[token, head, vec(vector)])
            width, of_head = matrix.width, delta.value_dim
            inner = Rows(
                matrix,
                2 * width,
                "float32",
                lambda token, i: values[token, head, i // width * of_head + first_column + i % width],
            )
            with chunks_of(tokens, chunk, thread, [vectors, inner]) as (number, first, last):
                errors_at = let("errors_at", number % 2 * (chunk * width))
                remains = fixed("remains", kept[last, head], "float32")
                for token, column, product in matrix.products(lambda token, i: vectors.at(token, matrix.vector(i))):
                    error = T.Select(first + token <= last, inner.at(token, column) + product, T.float32(0))
                    store(errors, error, errors_at + token * width + column)
                for token, column, product in matrix.products(lambda token, i: vectors.at(token, keys + matrix.vector(i))):
                    with when(first + token <= last):
                        read_of_head = inner.at(token, width + column) + product
                        store(read, read_of_head, first + token, head * delta.value_dim + first_column + column)
                barrier()
                matrix.move(
                    remains,
                    lambda token, i: vectors.at(token, 2 * keys + matrix.vector(i)),
                    lambda token, column: errors[errors_at + token * width + column],
                )
            matrix.leave(slots, place)
    return kernel.func


def _finish(delta: GatedDelta) -> PrimFunc:
    """The gated norm: an invocation has four columns of a head. Makes out[n, delta.size]."""
    values = delta.value_dim // VEC
    with Kernel() as kernel:
        tokens = token_count(None)
        x = kernel.buffer("x", (tokens, delta.width), "float32")
        norm = kernel.buffer("norm", (delta.value_dim,), "float32")
        read = kernel.buffer("read", (tokens, delta.size), "float32")
        out = kernel.buffer("out", (tokens, delta.size), "float32")
        with launch([ceildiv(delta.size // VEC, FINISHERS), tokens], [FINISHERS]) as ((block, token), (thread,)):
            index = fixed("index", block * FINISHERS + thread)
            with when(index < delta.size // VEC):
                head, squares = let("head", index // values), local("squares", 1)
                store(squares, T.float32(0), 0)
                with T.serial(values) as i:
                    vector = let("vector", read[token, vec(head * values + i)])
                    store(squares, squares[0] + dot(vector, vector), 0)
                scale = splat(fixed("rms", inverse_rms(squares[0], delta.value_dim, delta.eps), "float32"))
                gate = silu(fixed("gate", x[token, vec(Places(delta, head).gate(index % values))], "float32x4"))
                store(out, read[token, vec(index)] * scale * norm[vec(index % values)] * gate, token, vec(index))
    return kernel.func
