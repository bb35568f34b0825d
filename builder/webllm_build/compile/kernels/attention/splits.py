"""How the keys that a token of a decode step sees are split for workgroups, and what each leaves."""

from __future__ import annotations

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.tir.ops import VEC, Expr, ceildiv
from webllm_build.model.attention import Attention

SPLIT_KEYS = 32  # the keys of a split are a multiple
MOST_PARTIAL = 64  # splits, with the token's own
MAX_SPLITS = MOST_PARTIAL - 1


def keys_per_split(cached: Expr) -> Expr:
    """Keys that one workgroup reads of `cached`, an int or an int32 expression: as few as keep the splits at MAX_SPLITS or below."""
    tiles = ceildiv(cached, SPLIT_KEYS * MAX_SPLITS)
    return SPLIT_KEYS * (max(1, tiles) if isinstance(cached, int) else T.max(1, tiles))


def num_splits(cached: Expr) -> Expr:
    """Splits of `cached` keys, at most MAX_SPLITS."""
    keys = keys_per_split(cached)
    # Both are positive, which TVM cannot know: it would round `//` with care.
    return (cached + keys - 1) // keys if isinstance(cached, int) else T.truncdiv(cached + keys - 1, keys)


def cached_before(attention: Attention, position: Expr) -> Expr:
    """Keys in the cache when a token at this position attends, an int or an int32 expression: its own, too, where another layer has
    appended it."""
    return position + 1 if attention.shared else position


def seen_before(attention: Attention, position: Expr) -> Expr:
    """Those of them that it sees: the last ones."""
    cached = cached_before(attention, position)
    if attention.window is None:
        return cached
    most = cached_before(attention, attention.window - 1)
    return min(cached, most) if isinstance(position, int) else T.min(cached, most)


def partial_splits(attention: Attention, position: Expr) -> Expr:
    """Splits (blockIdx.y) of a token at this position, an int or an int32 expression: of the keys before it, and in front of them one of
    its own, where no other layer has appended it."""
    return num_splits(seen_before(attention, position)) + (0 if attention.shared else 1)


def partial_shape(attention: Attention) -> list[int]:
    """Of a row, float32: for each head and split head_dim sums, then the maximum of the scores (base 2), the sum of weights, two unused."""
    return [attention.heads, MOST_PARTIAL, attention.head_dim + VEC]
