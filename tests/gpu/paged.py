"""A paged key-value cache in NumPy, and attention over it in float64."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from dawn import poison

from webllm_build.compile.io import PAGE_SIZE
from webllm_build.compile.target import Variant

Array = npt.NDArray[Any]

# SwiftShader's subgroups have four invocations; it has no shader-f16.
RUNNABLE = [Variant("f32-sg", f16=False, subgroups=True, lanes=4), Variant("f32", f16=False, subgroups=False)]
# (query heads, key-value heads, head_dim)
SHAPES = [(3, 3, 64), (9, 3, 64), (8, 2, 128), (8, 1, 96), (8, 1, 32), (2, 1, 80), (14, 2, 64), (8, 1, 256), (4, 2, 40)]


@dataclass(frozen=True)
class Cache:
    """kv [pages, 2, kv_heads, PAGE_SIZE, head_dim], NaN where no token lies; page_table in scrambled order, beyond the sequence invalid."""

    kv: Array
    page_table: Array

    def rows(self, kind: int, length: int) -> Array:
        """Keys (0) or values (1) of the first `length` tokens: [length, kv_heads, head_dim]."""
        position = np.arange(length)
        return self.kv[self.page_table[position // PAGE_SIZE], kind, :, position % PAGE_SIZE]


def empty_cache(rng: np.random.Generator, length: int, num_kv_heads: int, head_dim: int) -> Cache:
    """Room for `length` tokens in the pages of a larger pool."""
    used = -(-length // PAGE_SIZE)
    table = np.full(used + 2, 2**30, np.int32)
    table[:used] = rng.permutation(used + 3)[:used]
    return Cache(poison((used + 3, 2, num_kv_heads, PAGE_SIZE, head_dim)), table)


def random_cache(rng: np.random.Generator, length: int, num_kv_heads: int, head_dim: int) -> Cache:
    cache = empty_cache(rng, length, num_kv_heads, head_dim)
    position = np.arange(length)
    values = rng.standard_normal((length, 2, num_kv_heads, head_dim)).astype(np.float32)
    cache.kv[cache.page_table[position // PAGE_SIZE], :, :, position % PAGE_SIZE] = values
    return cache


def state_of(position: int, tokens: int) -> Array:
    state = np.zeros(16, np.int32)
    state[:2] = position, tokens
    return state


def attention(q: Array, keys: Array, values: Array, position: int) -> Array:
    """Causal attention of q[m, heads, head_dim], whose first token is at `position`, over keys and values [length, kv_heads, head_dim]."""
    tokens, heads, head_dim = q.shape
    group = heads // keys.shape[1]
    keys, values = (np.repeat(rows.astype(np.float64), group, axis=1) for rows in (keys, values))
    scores = np.einsum("mhd,lhd->hml", q.astype(np.float64), keys) / np.sqrt(head_dim)
    seen = np.arange(len(keys))[None, :] <= position + np.arange(tokens)[:, None]
    scores = np.where(seen, scores, -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return np.asarray(np.einsum("hml,lhd->mhd", weights, values))
