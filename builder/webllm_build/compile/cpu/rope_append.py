"""Queries and keys of new tokens, normalised and turned; keys and values into the paged cache."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.kv_cache import KvCache, Places
from webllm_build.compile.cpu.ops import WRITTEN_OUT, at, sum_of, units, zeros
from webllm_build.compile.kernels.attention.kv_cache import KEY, VALUE, qk_norm_buffer
from webllm_build.compile.kernels.tir.ops import VEC, Expr, Kernel, counted, let, local, size, splat, store, token_count, vec, when
from webllm_build.compile.kv_layout import KvLayout
from webllm_build.model.attention import Attention


def rope_append(layout: KvLayout, attention: Attention, *, rows: int | None, stride: int, tokens: int | None = None) -> PrimFunc:
    """q_out = turned queries; keys and values, where the layer has such, go where `places` says. A unit is a token.

    Parameters: qkv float32[n, qkv_size], rope float32[>= n, head_dim] (cosine and sine of each pair), qk_norm float32[qk_norm_size] where
    heads are normalised, of keys and values those of Places and kv (see KvCache), q_out float32[n, query_size].
    rows: entries of a row's page table in a decode step; None in a prefill. stride: see KvCache. tokens: see token_count.
    """
    heads, kv_heads, head_dim = attention.heads, attention.kv_heads, attention.head_dim
    vectors = head_dim // VEC
    with Kernel() as kernel:
        n = token_count(tokens)
        qkv = kernel.buffer("qkv", (n, attention.qkv_size), "float32")
        rope = kernel.buffer("rope", (size("rope_rows"), head_dim), "float32")
        qk_norm = qk_norm_buffer(kernel, attention)
        kept = None if attention.shared else (Places(kernel, rows, in_turn=attention.in_turn), KvCache(kernel, layout, stride))
        q_out = kernel.buffer("q_out", (n, attention.query_size), "float32")
        row = local("row", head_dim)

        def load(head: Expr, turned: bool, norm: int) -> None:
            """A head into `row`; norm: which half of qk_norm."""
            scale = None
            if qk_norm is not None and (turned or attention.value_norm):
                squares = zeros("squares", 1)
                for i in counted(vectors, WRITTEN_OUT):
                    value = let("value", qkv[token, vec(head * vectors + i)])
                    store(squares, squares[at(0)] + value * value, at(0))
                mean = sum_of(squares[at(0)]) * T.float32(1 / head_dim)
                scale = splat(let("scale", T.float32(1) / T.sqrt(mean + T.float32(attention.qk_norm or 0))))
            for i in counted(vectors, WRITTEN_OUT):
                value = qkv[token, vec(head * vectors + i)]
                weight = None
                if scale is not None and not turned:
                    value = value * scale
                elif scale is not None and qk_norm is not None:
                    weight = qk_norm[vec(norm * vectors + i)]
                    value = value * scale if attention.turn_first else value * scale * weight
                value = _turn(let("value", value), let("turn", rope[token, vec(i)])) if turned else value
                store(row, value * weight if weight is not None and attention.turn_first else value, at(i))

        with units(n) as token:
            with T.serial(heads) as head:
                load(head, True, 0)
                for i in counted(vectors, WRITTEN_OUT):
                    store(q_out, row[at(i)], token, vec(head * vectors + i))
            if kept is not None:
                places, cache = kept
                position = let("position", places.position(token))
                with when(position >= 0), T.serial(kv_heads) as head:
                    page = let("page", places.page(token, position))
                    load(heads + head, True, 1)
                    cache.store(page, KEY, head, position, row)
                    load(heads + kv_heads + head, False, 0)
                    cache.store(page, VALUE, head, position, row)
    return kernel.func


def _turn(x: Expr, turn: Expr) -> Expr:
    """The two pairs of x, each turned by its (cosine, sine)."""
    cosines, sines = T.Shuffle([turn], [0, 0, 2, 2]), T.Shuffle([turn], [1, 1, 3, 3])
    others = T.Shuffle([splat(T.float32(0)) - x, x], [1, 4, 3, 6])  # -x1, x0, -x3, x2
    return x * cosines + others * sines
