"""A paged key-value cache in NumPy, and attention over it in float64."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from webllm_build.compile.kernels.attention import decode, prefill
from webllm_build.compile.kv_layout import PAGE_SIZE, KvLayout
from webllm_build.compile.target import VARIANTS, Variant
from webllm_build.model.attention import Attention, Growth, Rope

Array = npt.NDArray[Any]

# SwiftShader's subgroups have four invocations. It has no shader-f16, which kernels that only read and write the cache do not need.
RUNNABLE = [Variant("f16-sg", f16=True, subgroups=True, lanes=4), Variant("f32", f16=False, subgroups=False)]
RUNNABLE += [replace(variant, name=f"{variant.name}-q8", kv="q8") for variant in RUNNABLE]
# Integer variants have the same attention.
COMPILED = [variant for variant in VARIANTS if not variant.integer]
COMPILED += [replace(variant, name=f"{variant.name}-q8", kv="q8") for variant in COMPILED]
NORM_EPS = 1e-2  # large, so that it is seen


def described(heads: int, kv_heads: int, head_dim: int, **traits: Any) -> Attention:
    # Kernels get a table of angles, and not frequencies.
    return Attention(heads, kv_heads, head_dim, **({"scale": head_dim**-0.5, "rope": Rope((1.0,) * (head_dim // 2))} | traits))


PLAIN = [(3, 3, 64), (9, 3, 64), (4, 2, 128), (3, 1, 96), (8, 1, 32), (2, 1, 80), (14, 2, 64), (2, 1, 256), (16, 1, 32), (4, 2, 40)]
TRAITS = [
    described(4, 2, 40, scale=0.3, gate=40),
    described(9, 3, 64, qk_norm=NORM_EPS),
    described(2, 1, 80, qk_norm=NORM_EPS, scale=0.1),
    described(3, 1, 32, window=1),
    described(4, 2, 128, window=17, gate=1),
    described(4, 1, 256, window=48, qk_norm=NORM_EPS, scale=1 / 16),
    described(14, 2, 64, window=700),
    described(3, 3, 64, qk_norm=NORM_EPS, turn_first=True),
    described(4, 2, 40, softcap=2.0, growth=Growth(0.7, 16)),
    described(8, 1, 32, sinks=True, window=17),
    described(2, 1, 512, qk_norm=NORM_EPS, window=20),
    described(8, 2, 64, qk_norm=NORM_EPS, value_norm=True),
]
LAYERS = [described(*shape) for shape in PLAIN] + TRAITS


@contextmanager
def fewer_keys(attention: Attention) -> Iterator[None]:
    """Kernels of layers whose heads are many on one head of keys, or long, are made for half as many keys at once as others, those of the
    longest for one: SwiftShader takes ten seconds to compile what is written out for each."""
    shared = min(attention.group, decode.MAX_HEADS) * attention.head_dim
    factor = 4 if attention.head_dim >= 256 else 2 if shared >= 256 else 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decode, "KEYS", decode.KEYS // factor)
        patch.setattr(prefill, "MAX_RUNS", prefill.MAX_RUNS // factor)
        yield


def halves(layers: Sequence[Attention]) -> list[tuple[Attention, Variant]]:
    """Layers and what they run in: each with and without subgroups, and with both kinds of cache, so that of two behind each other every
    variant has one. Compiling them is what takes the time."""
    return [(layer, RUNNABLE[i]) for number, layer in enumerate(layers) for i in ((0, 3) if number % 2 == 0 else (1, 2))]


def cases(layers: Sequence[Attention]) -> list[tuple[Attention, Variant]]:
    """Each size of head comes in all variants; where there are several layers of one, and of the longest heads, whose kernels take half a
    minute to compile, each has the half of them."""
    of_sizes: dict[tuple[int, int], list[Attention]] = {}
    for layer in layers:
        of_sizes.setdefault((layer.kv_heads, layer.head_dim), []).append(layer)
    found = []
    for alike in of_sizes.values():
        alone = len(alike) == 1 and alike[0].head_dim < 512
        found += [(alike[0], variant) for variant in RUNNABLE] if alone else halves(alike)
    return found


CASES = cases(LAYERS)
# Many heads, and long ones: where limits are near.
LARGE_LAYERS = [described(8, 1, 32), described(8, 2, 128), described(8, 1, 256), described(8, 1, 512, qk_norm=NORM_EPS)]
LARGE_LAYERS += [described(8, 1, 256, window=512, qk_norm=NORM_EPS)]


def layer_name(attention: Attention) -> str:
    traits: dict[str, object] = {"window": attention.window, "qk_norm": attention.qk_norm, "softcap": attention.softcap}
    traits["gate"] = attention.gate or None
    traits |= {name: "" for name in ("turn_first", "sinks", "value_norm", "shared") if getattr(attention, name)}
    if attention.scale != attention.head_dim**-0.5:
        traits["scale"] = attention.scale
    sizes = f"{attention.heads}-{attention.kv_heads}-{attention.head_dim}"
    return "-".join([sizes, *(f"{name}{value}" for name, value in traits.items() if value is not None)])


def case_name(case: Attention | Variant) -> str:
    return layer_name(case) if isinstance(case, Attention) else case.name


def layout_of(variant: Variant, attention: Attention) -> KvLayout:
    return KvLayout(variant.kv_dtype, attention.kv_heads, attention.head_dim)


@dataclass(frozen=True)
class Cache:
    """words uint32[pages, 2, kv_heads, block_words], all ones (NaN in every layout) where no token lies; page_table in scrambled order,
    beyond the sequence invalid."""

    layout: KvLayout
    words: Array
    page_table: Array

    def rows(self, kind: int, length: int) -> Array:
        """Keys (0) or values (1) of the first `length` tokens as float32[length, kv_heads, head_dim]."""
        pages = self.decoded()[self.page_table[: -(-length // PAGE_SIZE)], kind]
        return np.asarray(pages.swapaxes(1, 2).reshape(-1, self.layout.num_kv_heads, self.layout.head_dim)[:length])

    def decoded(self) -> Array:
        """float32[pages, 2, kv_heads, PAGE_SIZE, head_dim]."""
        dtype = np.int8 if self.layout.scaled else np.dtype(self.layout.dtype)
        rows, scales = np.split(self.words, [PAGE_SIZE * self.layout.columns * self.layout.words], axis=-1)
        elements = np.ascontiguousarray(rows).view(dtype).reshape(*self.words.shape[:3], PAGE_SIZE, -1)
        values = elements.astype(np.float32)
        if not self.layout.scaled:
            return values
        pairs = np.ascontiguousarray(scales).view(np.float32).reshape(len(scales), 2, -1, PAGE_SIZE // 2, 2)  # half, head, slot, kind
        return values * pairs.transpose(0, 4, 2, 1, 3).reshape(*values.shape[:4], 1)

    def of_tokens(self, first: int, end: int) -> Array:
        """bool of the words' shape: the words of tokens first..end-1."""
        mask = np.zeros(self.words.shape, bool)
        row = self.layout.words * self.layout.columns
        for position in range(first, end):
            page, slot = mask[self.page_table[position // PAGE_SIZE]], position % PAGE_SIZE
            page[..., slot * row : (slot + 1) * row] = True
            if self.layout.scaled:
                half, pair = divmod(slot, PAGE_SIZE // 2)
                page[half, :, PAGE_SIZE * row + 2 * pair :][:, :2] = True
        return mask

    def write(self, values: Array) -> None:
        """The first tokens' keys and values, float32[length, 2, kv_heads, head_dim]."""
        layout = self.layout
        scale = np.abs(values).max(-1, keepdims=True) / np.float32(127)
        elements = np.rint(values / scale).astype(np.int8) if layout.scaled else values.astype(layout.dtype)
        rows = elements.view(np.uint32)
        for position in range(len(values)):
            page, slot = self.words[self.page_table[position // PAGE_SIZE]], position % PAGE_SIZE
            page[..., slot * rows.shape[-1] : (slot + 1) * rows.shape[-1]] = rows[position]
            if layout.scaled:
                half, pair = divmod(slot, PAGE_SIZE // 2)
                page[half, :, PAGE_SIZE * rows.shape[-1] + 2 * pair :][:, :2] = scale[position, ..., 0].view(np.uint32).T


def empty_cache(rng: np.random.Generator, length: int, layout: KvLayout) -> Cache:
    """Room for `length` tokens in the pages of a larger pool."""
    used = -(-length // PAGE_SIZE)
    table = np.full(used + 2, 2**30, np.int32)
    table[:used] = rng.permutation(used + 3)[:used]
    words = np.full((used + 3, 2, layout.num_kv_heads, layout.block_words), 2**32 - 1, np.uint32)
    return Cache(layout, words, table)


def random_cache(rng: np.random.Generator, length: int, layout: KvLayout, room: int = 0) -> Cache:
    """`length` tokens, and room for more."""
    cache = empty_cache(rng, length + room, layout)
    cache.write(rng.standard_normal((length, 2, layout.num_kv_heads, layout.head_dim)).astype(np.float32))
    return cache


@dataclass(frozen=True)
class NewTokens:
    """qkv float32[tokens, heads + 2 * kv_heads, head_dim], gates float32[tokens, heads, attention.gate], rope and qk_norm, as kernels get
    them; rotated: qkv with queries and keys normalised, if the layer does, and rotated."""

    qkv: Array
    gates: Array
    rope: Array
    qk_norm: Array
    rotated: Array
    sinks: Array

    @staticmethod
    def random(rng: np.random.Generator, tokens: int, attention: Attention, query_scale: float = 1) -> NewTokens:
        heads, head_dim, rotating = attention.heads, attention.head_dim, attention.heads + attention.kv_heads
        qkv = rng.standard_normal((tokens, rotating + attention.kv_heads, head_dim)).astype(np.float32)
        qkv[:, :heads] *= query_scale
        gates = rng.standard_normal((tokens, heads, attention.gate)).astype(np.float32)
        qk_norm = rng.uniform(0.5, 2, 2 * head_dim).astype(np.float32)
        angle = rng.uniform(0, 100, (tokens, head_dim // 2))
        rope = np.full((tokens + 3, head_dim), np.nan, np.float32)
        rope[:tokens] = np.stack([np.cos(angle), np.sin(angle)], axis=-1).reshape(tokens, head_dim)
        turns = np.exp(1j * angle)[:, None, :]
        turning = qkv[:, :rotating].astype(np.float64)
        if attention.turn_first:
            turning = turned(turning, turns)
        if attention.qk_norm is not None:
            turning /= np.sqrt((turning**2).mean(-1, keepdims=True) + attention.qk_norm)
            turning *= np.repeat(qk_norm.reshape(2, head_dim), [heads, attention.kv_heads], axis=0)
        rotated = turning if attention.turn_first else turned(turning, turns)
        values = qkv[:, rotating:].astype(np.float64)
        if attention.value_norm:
            values /= np.sqrt((values**2).mean(-1, keepdims=True) + (attention.qk_norm or 0))
        sinks = rng.uniform(-3, 9, heads).astype(np.float32)
        return NewTokens(qkv, gates, rope, qk_norm, np.concatenate([rotated, values], axis=1), sinks)

    @property
    def inputs(self) -> dict[str, Array]:
        """Contents of a kernel's buffers."""
        m = len(self.qkv)
        qkv = np.concatenate([self.qkv.reshape(m, -1), self.gates.reshape(m, -1)], axis=1)
        return {"qkv": qkv, "rope": self.rope, "qk_norm": self.qk_norm, "sinks": self.sinks}

    def check_appended(self, before: Cache, words: Array, position: int) -> Cache:
        """The cache with these words, in which the tokens must lie from `position` on, rounded, and nothing else be written."""
        layout, (tokens, heads, _) = before.layout, self.qkv.shape
        after = replace(before, words=words)
        for kind in (0, 1):
            first = heads - (2 - kind) * layout.num_kv_heads
            want = self.rotated[:, first : first + layout.num_kv_heads]
            largest = np.abs(want).max(-1, keepdims=True)
            rounding = {"float32": 0 * largest, "float16": np.abs(want) * 2**-11, "q8": largest / 254}[layout.dtype]
            error = np.abs(after.rows(kind, position + tokens)[position:] - want)
            assert (error <= rounding + 1e-5 * largest).all()
        unchanged = ~before.of_tokens(position, position + tokens)
        assert (words == before.words)[unchanged].all(), "a slot of another token was written"
        return after


def turned(x: Array, turns: Array) -> Array:
    """Pairs (2i, 2i + 1) of x[..., head_dim], turned by complex numbers."""
    pairs = (x[..., 0::2] + 1j * x[..., 1::2]) * turns
    return np.stack([pairs.real, pairs.imag], axis=-1).reshape(x.shape)


def state_of(position: int, tokens: int) -> Array:
    state = np.zeros(16, np.int32)
    state[:2] = position, tokens
    return state


def attend(
    attention: Attention,
    q: Array,
    keys: Array,
    values: Array,
    position: int,
    gates: Array | None = None,
    sinks: Array | None = None,
) -> Array:
    """Attention of q[m, heads, head_dim], whose first token is at `position`, over keys and values [length, kv_heads, head_dim].
    gates [m, heads, attention.gate]: of outputs, sinks [heads]: where there are such."""
    if attention.growth is not None:
        q = q * (1 + attention.growth.rate * np.log(1 + (position + np.arange(len(q))) // attention.growth.length))[:, None, None]
    keys, values = (np.repeat(rows.astype(np.float64), attention.group, axis=1) for rows in (keys, values))
    scores = np.einsum("mhd,lhd->hml", q.astype(np.float64), keys) * attention.scale
    if attention.softcap is not None:
        scores = attention.softcap * np.tanh(scores / attention.softcap)
    distance = position + np.arange(len(q))[:, None] - np.arange(len(keys))
    behind = distance if attention.causal else abs(distance)
    seen = (behind >= 0) & (behind < (attention.window or np.inf))
    scores = np.where(seen, scores, -np.inf)
    of_sinks = np.full((attention.heads, 1, 1), -np.inf)
    if attention.sinks and sinks is not None:
        of_sinks[:, 0, 0] = sinks
    largest = np.maximum(scores.max(-1, keepdims=True), of_sinks)
    weights = np.exp(scores - largest)
    weights /= weights.sum(-1, keepdims=True) + np.exp(of_sinks - largest)
    out = np.einsum("hml,lhd->mhd", weights, values)
    return np.asarray(out / (1 + np.exp(-gates.astype(np.float64))) if gates is not None and attention.gate else out)
