"""Mamba-2's scan of a prefill, in chunks (https://arxiv.org/abs/2405.21060, section 6: state space duality).

With the state S before a chunk, and kept[i, j] the product of the decays of tokens j + 1 to i of it:

    y = M X + diag(kept[., -1]) C S, with M[i, j] = kept[i, j] dt[j] C[i] B[j] for j <= i
    S = kept[last, -1] S + Bᵀ diag(kept[last, .] dt) X
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.linear.epilogue import silu
from webllm_build.compile.kernels.recurrence.chunks import Carried, Rows, Tile, chunks_of, product, tiles
from webllm_build.compile.kernels.recurrence.scan import GPU, Rates
from webllm_build.compile.kernels.recurrence.slots import SlotState
from webllm_build.compile.kernels.recurrence.stage import Stage
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import (
    VEC,
    Expr,
    Kernel,
    barrier,
    ceildiv,
    dot,
    launch,
    let,
    local,
    shared,
    store,
    token_count,
    total,
    vec,
    when,
)
from webllm_build.compile.target import Variant
from webllm_build.compile.tiles import in_tiles
from webllm_build.model.recurrence import Scan

CHUNK = 8
KEPT, ADDED = CHUNK, CHUNK + 1  # behind a row of M: kept[i, -1], and kept[last, i] dt[i]


def stages(variant: Variant, kind: Scan) -> Sequence[Stage]:
    """Of a prefill. They read projected, convolved and parameters as the kernel of a decode step, and make out float32[n, kind.size]."""
    carry = in_tiles(lambda tile: _carry(variant, kind, tile), tiles(variant))
    return [
        Stage("prepare", _prepare(kind), ("projected", "convolved", "parameters"), {"coefficients": (kind.heads, CHUNK + 2)}),
        Stage("carry", carry, ("projected", *["convolved"] * 2, "parameters", "coefficients", "state", "slots"), {"out": (kind.size,)}),
    ]


class _Places:
    """Where C and B of a head are among convolved features, in float32x4."""

    def __init__(self, kind: Scan, head: Expr) -> None:
        self.states, self.group = kind.states // VEC, head // (kind.heads // kind.groups)
        self.first, self.groups = kind.size // VEC, kind.groups

    def b(self, column: Expr) -> Expr:
        return vec(self.first + self.group * self.states + column)

    def b_and_c(self, column: Expr) -> Expr:
        """Of B, and then of C."""
        begin = T.Select(column < self.states, self.group, self.groups - 1 + self.group)
        return vec(self.first + begin * self.states + column)

    def c(self, column: Expr) -> Expr:
        return vec(self.first + (self.groups + self.group) * self.states + column)


def _prepare(kind: Scan) -> PrimFunc:
    """A workgroup has a chunk of some heads of a group, an invocation a pair of its tokens. Makes coefficients[heads] of each token."""
    heads = gcd(kind.heads // kind.groups, CHUNK)
    with Kernel() as kernel:
        tokens = token_count(None)
        projected = kernel.buffer("projected", (tokens, kind.width), "float32")
        convolved = kernel.buffer("convolved", (tokens, kind.convolved), "float32")
        rates = Rates(kind, projected, kernel.buffer("parameters", (3 * kind.heads,), "float32"), GPU)
        coefficients = kernel.buffer("coefficients", (tokens, kind.heads, CHUNK + 2), "float32")
        with launch([ceildiv(tokens, CHUNK), kind.heads // heads], [CHUNK**2]) as ((block, part), (thread,)):
            first, first_head = fixed("first_token", block * CHUNK), fixed("first_head", part * heads)
            i, j = fixed("i", thread // CHUNK), fixed("j", thread % CHUNK)
            steps, decays = shared("steps", heads * CHUNK), shared("decays", heads * CHUNK)
            with when(i < heads):  # its head, and j its token
                token, head = first + j, first_head + i
                dt = rates.step_size(T.min(token, tokens - 1), head)
                store(steps, T.Select(token < tokens, dt, T.float32(0)), thread)
                store(decays, T.Select(token < tokens, rates.decay(dt, head), T.float32(1)), thread)
            places, inner = _Places(kind, first_head), local("inner", 1)
            store(inner, T.float32(0), 0)
            of_pair = [fixed("of_pair", T.min(first + which, tokens - 1)) for which in (i, j)]
            with T.serial(kind.states // VEC) as column:
                pair = convolved[of_pair[0], places.c(column)], convolved[of_pair[1], places.b(column)]
                store(inner, inner[0] + dot(*pair), 0)
            barrier()
            with T.serial(heads) as head, when(first + i < tokens):
                at = let("at", head * CHUNK)
                kept = let("kept", inner[0] * product(decays, at + j + 1, at + i + 1) * steps[at + j])
                store(coefficients, T.Select(j <= i, kept, T.float32(0)), first + i, first_head + head, j)
                with when(j == 0):
                    store(coefficients, product(decays, at, at + i + 1), first + i, first_head + head, KEPT)
                    to_end = product(decays, at + i + 1, at + CHUNK)
                    store(coefficients, to_end * steps[at + i], first + i, first_head + head, ADDED)
    return kernel.func


def _carry(variant: Variant, kind: Scan, tile: Tile) -> PrimFunc:
    """A workgroup has some columns of a head's state, and goes from chunk to chunk. Makes out[n, kind.size]."""
    matrix = Carried(variant, tile, kind.states, kind.head_dim, CHUNK)
    with Kernel() as kernel:
        tokens = token_count(None)
        projected = kernel.buffer("projected", (tokens, kind.width), "float32")
        convolved = kernel.buffer("convolved", (tokens, kind.convolved), "float32")  # B and C, read in vectors
        inputs = kernel.buffer("x", (tokens, kind.convolved), "float32")  # the same again: x
        parameters = kernel.buffer("parameters", (3 * kind.heads,), "float32")
        coefficients = kernel.buffer("coefficients", (tokens, kind.heads, CHUNK + 2), "float32")
        slots = SlotState(kernel, kind.state_shape, None)
        out = kernel.buffer("out", (tokens, kind.size), "float32")
        with launch([matrix.blocks, kind.heads], [matrix.threads]) as ((block, head), (thread,)):
            matrix.place(head, block, thread)
            places, first_column = _Places(kind, head), fixed("first_column", head * kind.head_dim + block * matrix.width)
            added = shared("added", 2 * CHUNK * matrix.width)  # of a chunk, beside those of the chunk before

            def place(row: Expr, column: Expr) -> tuple[Expr, ...]:
                return head, row, column

            matrix.load(slots, place)
            states, width, d = kind.states // VEC, matrix.width, fixed("d", parameters[kind.heads + head], "float32")
            vectors = Rows(matrix, 2 * states, "float32x4", lambda token, vector: convolved[token, places.b_and_c(vector)])
            x = Rows(matrix, width, "float32", lambda token, column: inputs[token, first_column + column])
            gates = Rows(matrix, width, "float32", lambda token, column: projected[token, first_column + column])
            factors = Rows(matrix, CHUNK + 2, "float32", lambda token, i: coefficients[token, head, i])
            with chunks_of(tokens, CHUNK, thread, [vectors, x, gates, factors]) as (number, first, last):
                added_at = let("added_at", number % 2 * (CHUNK * width))
                remains = fixed("remains", coefficients[last, head, KEPT], "float32")
                for begin in range(0, CHUNK * width, matrix.threads):
                    index = let("index", begin + thread)
                    token, column = index // width, index % width
                    with when(begin + matrix.threads <= CHUNK * width or index < CHUNK * width):
                        value = T.Select(first + token <= last, x.at(token, column) * factors.at(token, ADDED), T.float32(0))
                        store(added, value, added_at + index)
                for token, column, read in matrix.products(lambda token, i: vectors.at(token, states + matrix.vector(i))):
                    with when(first + token <= last):
                        inner = [factors.at(token, j) * x.at(j, column) for j in range(CHUNK)]
                        y = factors.at(token, KEPT) * read + total(inner) + d * x.at(token, column)
                        y = let("y", y if kind.scale == 1 else y * T.float32(kind.scale))
                        y = y * silu(let("z", gates.at(token, column))) if kind.gated else y
                        store(out, y, first + token, first_column + column)
                barrier()
                matrix.move(
                    remains,
                    lambda token, i: vectors.at(token, matrix.vector(i)),
                    lambda token, column: added[added_at + token * width + column],
                )
            matrix.leave(slots, place)
    return kernel.func
