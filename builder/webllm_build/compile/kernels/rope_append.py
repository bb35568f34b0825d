"""Rotary position embedding, and the append of new keys and values to the cache, in one kernel."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from ..kv_layout import KvLayout
from ..target import Variant
from .fixed import fixed
from .kv_cache import KvCache, check_heads, page_of, page_table_buffer, slot_of
from .reduce import reduce_all
from .tir_ops import VEC, Expr, Kernel, ceildiv, element, extern, launch, let, local, size, splat, store, vec, when

THREADS = 64
LANES = 8  # invocations of a row: one head of one token


def rope_append(variant: Variant, num_heads: int, num_kv_heads: int, head_dim: int) -> PrimFunc:
    """Rotates the queries and keys of n new tokens and appends keys and values to the cache at positions state[0]..state[0]+n-1.

    qkv float32[n, (num_heads + 2*num_kv_heads) * head_dim]: queries, keys, values; rotary pairs are elements 2i and 2i+1.
    rope float32[>= n, head_dim/2, 2]: cosine and sine for each new token and pair.
    state int32[16], page_table int32[max_pages], kv: see kv_cache.py; written in place.
    q_out float32[n, num_heads * head_dim]: the rotated queries.
    (x, y) becomes (x cos - y sin, y cos + x sin): arXiv 2104.09864, equation 34.
    """
    check_heads(num_heads, num_kv_heads, head_dim)
    layout = KvLayout(variant.kv_dtype, num_kv_heads, head_dim)
    columns = head_dim // VEC
    vectors = -(-columns // LANES)  # of one invocation; the last may be padding
    heads = num_heads + 2 * num_kv_heads
    rows = THREADS // LANES
    with Kernel() as kernel:
        n = size("n")
        qkv = kernel.buffer("qkv", (n, heads * head_dim), "float32")
        rope = kernel.buffer("rope", (size("rope_rows"), head_dim // 2, 2), "float32")
        state = kernel.buffer("state", (16,), "int32")
        page_table = page_table_buffer(kernel)
        cache = KvCache(kernel, layout)
        q_out = kernel.buffer("q_out", (n, num_heads * head_dim), "float32")
        with launch([ceildiv(n * heads, rows)], [LANES, rows]) as ((block,), (lane, group)):
            row = fixed("row", block * rows + group)
            token, head = fixed("token", T.min(row // heads, n - 1)), fixed("head", row % heads)
            position = fixed("position", state[0] + token)
            kv_head = head - num_heads
            place = (page_of(page_table, position), kv_head // num_kv_heads, kv_head % num_kv_heads, slot_of(position))
            inside = [(j + 1) * LANES <= columns or j * LANES + lane < columns for j in range(vectors)]
            values = local("values", vectors, "float32x4")
            for j in range(vectors):
                column = fixed("column", j * LANES + lane)
                store(values, splat(T.float32(0)), j)
                with when(inside[j]):
                    x = let("x", qkv[token, vec(head * columns + column)])
                    pairs = [let("pair", rope[token, 2 * column + i, T.ramp(0, 1, 2)]) for i in range(2)]
                    store(values, T.Select(head < num_heads + num_kv_heads, _rotate(x, *pairs), x), j)
            if layout.scaled:
                largest = local("largest", 1)
                store(largest, _largest([values[j] for j in range(vectors)]), 0)
                reduce_all(variant, largest, 1, lane=lane, width=LANES, group=group, groups=rows, operator="max")
                inverse = fixed("inverse", T.Select(largest[0] > 0, 1 / largest[0], T.float32(0)), "float32")
            with when(row < n * heads):
                for j in range(vectors):
                    column = j * LANES + lane
                    with when(inside[j]):
                        with when(head < num_heads):
                            store(q_out, values[j], token, vec(head * columns + column))
                        with when(head >= num_heads):
                            cache.store(*place, column, values[j] * splat(inverse) if layout.scaled else values[j])
                if layout.scaled:
                    with when(T.And(lane == 0, head >= num_heads)):
                        cache.store_scale(*place, largest[0])
    return kernel.func


def _rotate(x: Expr, first: Expr, second: Expr) -> Expr:
    """The two pairs of x, each rotated by its (cosine, sine)."""

    def vector(*values: Expr) -> Expr:
        return extern("float32x4", "vec4f", *values)

    x0, x1, x2, x3 = (element(x, i) for i in range(VEC))
    cos = vector(element(first, 0), element(first, 0), element(second, 0), element(second, 0))
    sin = vector(element(first, 1), element(first, 1), element(second, 1), element(second, 1))
    return x * cos + vector(-x1, x0, -x3, x2) * sin


def _largest(vectors: list[Expr]) -> Expr:
    """The largest magnitude of all elements."""
    largest = extern("float32x4", "abs", vectors[0])
    for vector in vectors[1:]:
        largest = extern("float32x4", "max", largest, extern("float32x4", "abs", vector))
    low, high = (T.max(element(largest, i), element(largest, i + 1)) for i in (0, 2))
    return T.max(low, high)
