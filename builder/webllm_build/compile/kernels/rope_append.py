"""Rotary position embedding, and the append of new keys and values to the cache, in one kernel."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from ..target import Variant
from .fixed import fixed
from .kv_cache import check_heads, kv_buffer, page_of, page_table_buffer, slot_of
from .tir_ops import VEC, Expr, Kernel, ceildiv, element, extern, launch, let, size, store, vec, when

THREADS = 64


def rope_append(variant: Variant, num_heads: int, num_kv_heads: int, head_dim: int) -> PrimFunc:
    """Rotates the queries and keys of n new tokens and appends keys and values to the cache at positions state[0]..state[0]+n-1.

    qkv float32[n, (num_heads + 2*num_kv_heads) * head_dim]: queries, keys, values; rotary pairs are elements 2i and 2i+1.
    rope float32[>= n, head_dim/2, 2]: cosine and sine for each new token and pair.
    state int32[16], page_table int32[max_pages], kv: see kv_cache.py; written in place.
    q_out float32[n, num_heads * head_dim]: the rotated queries.
    (x, y) becomes (x cos - y sin, y cos + x sin): arXiv 2104.09864, equation 34.
    """
    check_heads(num_heads, num_kv_heads, head_dim)
    columns = head_dim // VEC
    heads = num_heads + 2 * num_kv_heads
    with Kernel() as kernel:
        n = size("n")
        qkv = kernel.buffer("qkv", (n, heads * head_dim), "float32")
        rope = kernel.buffer("rope", (size("rope_rows"), head_dim // 2, 2), "float32")
        state = kernel.buffer("state", (16,), "int32")
        page_table = page_table_buffer(kernel)
        kv = kv_buffer(kernel, variant, num_kv_heads, head_dim)
        q_out = kernel.buffer("q_out", (n, num_heads * head_dim), "float32")
        with launch([ceildiv(n * (heads * columns), THREADS)], [THREADS]) as ((block,), (thread,)):
            index = let("index", block * THREADS + thread)
            token = fixed("token", index // (heads * columns))
            with when(token < n):
                head = let("head", index // columns % heads)
                column = let("column", index % columns)
                x = let("x", qkv[token, vec(head * columns + column)])
                pairs = [let("pair", rope[token, 2 * column + i, T.ramp(0, 1, 2)]) for i in range(2)]
                rotated = let("rotated", _rotate(x, *pairs))
                with when(head < num_heads):
                    store(q_out, rotated, token, vec(head * columns + column))
                with when(head >= num_heads):
                    position = let("position", state[0] + token)
                    kind = let("kind", (head - num_heads) // num_kv_heads)
                    value = T.Cast(f"{variant.kv_dtype}x{VEC}", T.Select(kind == 0, rotated, x))
                    place = (page_of(page_table, position), kind, (head - num_heads) % num_kv_heads, slot_of(position), column)
                    store(kv, value, *place)
    return kernel.func


def _rotate(x: Expr, first: Expr, second: Expr) -> Expr:
    """The two pairs of x, each rotated by its (cosine, sine)."""

    def vector(*values: Expr) -> Expr:
        return extern("float32x4", "vec4f", *values)

    x0, x1, x2, x3 = (element(x, i) for i in range(VEC))
    cos = vector(element(first, 0), element(first, 0), element(second, 0), element(second, 0))
    sin = vector(element(first, 1), element(first, 1), element(second, 1), element(second, 1))
    return x * cos + vector(-x1, x0, -x3, x2) * sin
