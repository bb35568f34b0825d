"""Rotary position embedding, and the append of new keys and values to the cache."""

from __future__ import annotations

from collections.abc import Callable

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.attention.kv_cache import (
    ONE_ROW,
    KvCache,
    Share,
    layout_of,
    page_of,
    qk_norm_buffer,
    slot_of,
    state_buffer,
    text_of,
)
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import (
    VEC,
    Buffer,
    Expr,
    Kernel,
    ceildiv,
    dot,
    element,
    extern,
    inverse_rms,
    launch,
    let,
    local,
    size,
    splat,
    store,
    total,
    vec,
    when,
)
from webllm_build.compile.kernels.tir.reduce import reduce_all
from webllm_build.compile.target import Variant
from webllm_build.model.attention import Attention

THREADS = 64
LANES = 8  # invocations of a row: one head of one token


def rope_append(variant: Variant, attention: Attention) -> PrimFunc:
    """Normalises, where the layer does, and rotates the queries and keys of n new tokens, and appends keys and values to the cache at
    positions state[0, 0]..state[0, 0]+n-1; where attention is not causal each text's at its own. Where the layer has queries alone,
    there is no more to it than these.

    qkv float32[n, qkv_size]: queries, keys, values; rotary pairs are elements 2i and 2i+1.
    rope float32[>= n, head_dim]: cosine and sine for each new token and pair.
    qk_norm: see kv_cache.py; so are state, page_table and kv, of a layer with keys; written in place.
    q_out float32[n, query_size]: the rotated queries.
    (x, y) becomes (x cos - y sin, y cos + x sin): arXiv 2104.09864, equation 34.
    """
    layout = layout_of(variant, attention)
    num_heads, num_kv_heads, head_dim = attention.heads, attention.own_kv_heads, attention.head_dim
    columns = head_dim // VEC
    heads = num_heads + 2 * num_kv_heads
    groups = THREADS // LANES
    with Kernel() as kernel:
        n = size("n")
        qkv = kernel.buffer("qkv", (n, attention.qkv_size), "float32")
        rope = kernel.buffer("rope", (size("rope_rows"), head_dim), "float32")
        qk_norm = qk_norm_buffer(kernel, attention)
        where = None if attention.shared else (state_buffer(kernel), ONE_ROW.page_table(kernel), KvCache(kernel, layout))
        q_out = kernel.buffer("q_out", (n, num_heads * head_dim), "float32")
        with launch([ceildiv(n * heads, groups)], [LANES, groups]) as ((block,), (lane, group)):
            row = fixed("row", block * groups + group)
            token, head = fixed("token", T.min(row // heads, n - 1)), fixed("head", row % heads)
            if where is not None:
                state, page_table, cache = where
                position = fixed("position", state[0, 0] + token if attention.in_turn else text_of(state, token).position(token))
                kv_head = head - num_heads
                page = page_of(page_table, 0, position)
                place = (page, kv_head // num_kv_heads, kv_head % num_kv_heads, slot_of(position))
            share = Share(columns, LANES)
            held = share.places(lane)
            values = local("values", share.vectors, "float32x4")

            def turned(x: Expr, column: Expr) -> Expr:
                return T.Select(head < num_heads + num_kv_heads, rotate(x, let("turn", rope[token, vec(column)])), x)

            for j, (column, inside) in enumerate(held):
                store(values, splat(T.float32(0)), j)
                with when(inside):
                    x = let("x", qkv[token, vec(head * columns + column)])
                    store(values, turned(x, column) if qk_norm is None else x, j)
            if qk_norm is not None:
                squares = local("squares", 1)
                store(squares, total([dot(values[j], values[j]) for j in range(share.vectors)]), 0)
                reduce_all(variant, squares, 1, lane=lane, width=LANES, group=group, groups=groups)
                scale = splat(fixed("rms_scale", rms_scale(attention, squares[0]), "float32"))
                weights = fixed("weights", T.Select(head < num_heads, 0, columns))
                for j, (column, inside) in enumerate(held):
                    with when(T.And(head < num_heads + num_kv_heads, inside)):
                        weight = qk_norm[vec(weights + column)]
                        store(values, normalised(attention, values[j] * scale, weight, turned, column), j)
                    if attention.value_norm:
                        with when(head >= num_heads + num_kv_heads):
                            store(values, values[j] * scale, j)
            largest = local("largest", 1)
            if layout.scaled and where is not None:
                store(largest, largest_magnitude(values, share.vectors), 0)
                again = qk_norm is not None
                reduce_all(variant, largest, 1, lane=lane, width=LANES, group=group, groups=groups, operator="max", again=again)
            with when(row < n * heads):
                with when(head < num_heads):
                    for j, (column, inside) in enumerate(held):
                        with when(inside):
                            store(q_out, values[j], token, vec(head * columns + column))
                if where is not None:
                    with when(head >= num_heads):
                        append(cache, place, share, lane, values, largest[0])
    return kernel.func


def normalised(
    attention: Attention, x: Expr, weight: Expr, turn: Callable[[Expr, Expr], Expr], column: Expr, name: str = "normalised"
) -> Expr:
    """Vector `column` of a head that has been divided by its root mean square, scaled and turned."""
    return turn(let(name, x), column) * weight if attention.turn_first else turn(let(name, x * weight), column)


def rms_scale(attention: Attention, square: Expr) -> Expr:
    """What an RMS norm multiplies a head by, given the sum of its squares."""
    return inverse_rms(square, attention.head_dim, attention.qk_norm or 0)


def rotate(x: Expr, turn: Expr) -> Expr:
    """The two pairs of x, each rotated by its (cosine, sine)."""

    def pick(vector: Expr, *lanes: int) -> Expr:
        return extern("float32x4", "vec4f", *(element(vector, lane) for lane in lanes))

    x0, x1, x2, x3 = (element(x, i) for i in range(VEC))
    return x * pick(turn, 0, 0, 2, 2) + extern("float32x4", "vec4f", -x1, x0, -x3, x2) * pick(turn, 1, 1, 3, 3)


def largest_magnitude(vectors: Buffer, count: int) -> Expr:
    """Of all elements of `count` float32x4."""
    largest = extern("float32x4", "abs", vectors[0])
    for i in range(1, count):
        largest = extern("float32x4", "max", largest, extern("float32x4", "abs", vectors[i]))
    low, high = (T.max(element(largest, i), element(largest, i + 1)) for i in (0, 2))
    return T.max(low, high)


def append(cache: KvCache, place: tuple[Expr, Expr, Expr, Expr], share: Share, lane: Expr, values: Buffer, largest: Expr) -> None:
    """Store a row at (page, kind, head, slot). largest: its largest magnitude, of which layouts with scales need it."""
    for j, (column, inside) in enumerate(share.places(lane)):
        with when(inside):
            cache.store(*place, column, values[j], largest)
    if cache.layout.scaled:
        with when(lane == 0):
            cache.store_scale(*place, largest)
