"""Attention over the paged cache, a page at a time, with a running softmax (FlashAttention, arXiv 2205.14135)."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.kv_cache import KvCache, Places
from webllm_build.compile.cpu.ops import WRITTEN_OUT, at, exp, log, sum_of, units
from webllm_build.compile.kernels.attention.kv_cache import KEY, PAGE_BITS, VALUE, Text, sinks_buffer
from webllm_build.compile.kernels.tir.ops import VEC, Buffer, Expr, Kernel, counted, let, local, splat, store, token_count, total, vec
from webllm_build.compile.kv_layout import PAGE_SIZE, KvLayout
from webllm_build.model.attention import Attention

FEWEST = 3  # units of a token of a decode step, for threads to share
HIDDEN = -1e30  # score of a key that the token must not see, and of none
QUADS = PAGE_SIZE // VEC
# Values of a page that a prefill adds to a sum while it is in a register; a decode step waits for memory, which comes in order.
TOGETHER = 4
# Vectors of a unit's queries of which all heads are written out: more leave registers anyway, and their code is long.
ALL_HEADS = 128


def attention(layout: KvLayout, layer: Attention, *, rows: int | None, stride: int, tokens: int | None = None) -> PrimFunc:
    """out = softmax(scale * q K) V; each token sees the keys up to its own position, or the last of them; where attention is not causal
    all of its text's, or those near it on both sides. A unit is some query heads of a token that share a head of keys: in a prefill all of
    them, in a decode step, which has few tokens, as many as leave it FEWEST.

    tokens: see token_count.

    Parameters: q float32[n, query_size], as rope_append leaves it, kv, those of Places, sinks float32[heads] where there are such, ends
    int32[n] of a prefill in which tokens of pictures see each other (the last key of each), spans int32[n, 2] of patches of pictures (the
    first and the last key of each), qkv float32[n, qkv_size] where outputs have gates, out float32[n, query_size].
    """
    fit = [heads for heads in range(1, layer.group + 1) if layer.group % heads == 0 and layer.heads // heads >= FEWEST]
    heads = max(fit, default=1) if rows else layer.group
    groups, vectors, together = layer.heads // heads, layer.head_dim // VEC, 1 if rows else TOGETHER
    with Kernel() as kernel:
        n = token_count(tokens)
        q = kernel.buffer("q", (n, layer.query_size), "float32")
        cache = KvCache(kernel, layout, stride)
        places = Places(kernel, rows, in_turn=layer.in_turn)
        sinks = sinks_buffer(kernel, layer)
        ends = kernel.buffer("ends", (n,), "int32") if layer.ends and rows is None else None
        spans = None if layer.span is None else kernel.buffer("spans", (n, 2), "int32")
        qkv = kernel.buffer("qkv", (n, layer.qkv_size), "float32") if layer.gate else None
        out = kernel.buffer("out", (n, layer.query_size), "float32")
        scores, largest, weights = local("scores", heads * PAGE_SIZE), local("largest", heads), local("weights", heads)
        queries, sums = local("queries", heads * layer.head_dim), local("sums", heads * layer.head_dim)
        factors, written_out = local("factors", heads * together * VEC), ALL_HEADS // vectors
        with units(n * groups) as unit:
            token, group = let("token", unit // groups), let("group", unit % groups)
            kv_head, first_head = let("kv_head", group * heads // layer.group), let("first_head", group * heads)
            position = let("position", places.position(token))
            for head in range(heads):
                store(largest, T.float32(HIDDEN) if sinks is None else sinks[first_head + head], head)
                store(weights, T.float32(0 if sinks is None else 1), head)
            with T.serial(heads * vectors) as i:
                store(queries, cache.scaled_up(q[token, vec(first_head * vectors + i)]), vec(i))
                store(sums, splat(T.float32(0)), vec(i))
            scale = _scale(layer, position)
            if spans is not None:
                first_seen, behind = spans[token, 0], spans[token, 1] + 1
            else:
                first_seen, behind = _seen(layer, position, None if layer.causal else places.text(token))
            behind = behind if ends is None else ends[token] + 1
            begin, end = let("begin", first_seen), let("end", behind)
            with T.serial(begin >> PAGE_BITS, (end + (PAGE_SIZE - 1)) >> PAGE_BITS) as index:
                page, base = let("page", places.page(token, index * PAGE_SIZE)), let("base", index * PAGE_SIZE)
                low, high = let("low", T.max(begin - base, 0)), let("high", T.min(end - base, PAGE_SIZE))
                with T.serial(heads * QUADS) as i:
                    store(scores, splat(T.float32(HIDDEN)), vec(i))
                with T.serial(low, high) as slot:
                    key = [let("key", value) for part in range(cache.parts) for value in cache.load(page, KEY, kv_head, slot, part)]
                    for head in counted(heads, written_out):
                        products = [queries[at(head * vectors + i)] * key[i] for i in range(vectors)]
                        factor = scale
                        if layout.scaled:
                            factor = factor * cache.scale(page, KEY, kv_head, slot)
                        store(scores, _capped(layer, sum_of(_sum(products)) * factor), head * PAGE_SIZE + slot)
                for head in counted(heads, written_out):
                    weigh(head, scores, largest, weights, sums, vectors)
                with T.serial(low // together, (high + (together - 1)) // together) as quad:
                    # What is hidden has no weight, and may be anything: a row that is seen comes in its place.
                    slots = [let("slot", T.max(T.min(quad * together + j, high - 1), low)) for j in range(together)]
                    for head in counted(heads, written_out):
                        for j, slot in enumerate(slots):
                            weight = scores[head * PAGE_SIZE + quad * together + j] * T.float32(cache.factor)
                            if layout.scaled:
                                weight = weight * cache.scale(page, VALUE, kv_head, slot)
                            store(factors, splat(let("weight", weight)), at(head * together + j))
                    for part in counted(cache.parts, WRITTEN_OUT):
                        rows_of = [[let("value", value) for value in cache.load(page, VALUE, kv_head, slot, part)] for slot in slots]
                        width = len(rows_of[0])
                        for head in counted(heads, written_out):
                            for i in range(width):
                                summed = sums[at(head * vectors + part * width + i)]
                                for j in range(together):
                                    summed = summed + factors[at(head * together + j)] * rows_of[j][i]
                                store(sums, summed, at(head * vectors + part * width + i))
            for head in range(heads):
                inverse = splat(let("inverse", T.float32(1) / T.max(weights[head], T.float32(1e-30))))  # padding has no weight
                with T.serial(vectors) as i:
                    value = sums[vec(head * vectors + i)] * inverse
                    store(out, _gated(layer, qkv, token, first_head + head, i, value), token, vec((first_head + head) * vectors + i))
    return kernel.func


def _scale(layer: Attention, position: Expr) -> Expr:
    """Of products of a query at a position with keys."""
    if layer.growth is None:
        return T.float32(layer.scale)
    steps = T.Cast("float32", T.truncdiv(T.max(position, 0), layer.growth.length))
    return let("scale", T.float32(layer.scale) * (T.float32(1) + T.float32(layer.growth.rate) * log(steps + T.float32(1))))


def _capped(layer: Attention, score: Expr) -> Expr:
    """softcap * tanh(score / softcap)."""
    if layer.softcap is None:
        return score
    size = exp(let("twice", score * T.float32(2 / layer.softcap)))
    return T.float32(layer.softcap) - T.float32(2 * layer.softcap) / (size + T.float32(1))


def _seen(layer: Attention, position: Expr, text: Text | None) -> tuple[Expr, Expr]:
    """The positions of the first key that a token sees, and behind the last one. text: the token's, where all of it is near enough."""
    first, behind = (T.int32(0), position + 1) if text is None else (text.begin, text.last + 1)
    if layer.window is None:
        return first, behind
    return T.max(position - (layer.window - 1), first), behind if text is None else T.min(position + layer.window, behind)


def _gated(layer: Attention, qkv: Buffer | None, token: Expr, head: Expr, column: Expr, value: Expr) -> Expr:
    """Vector `column` of what a head gives, times the sigmoids of its gates, which are the last columns of qkv."""
    if qkv is None:
        return value
    first = layer.qkv_size - layer.heads * layer.gate
    gates = splat(qkv[token, first + head]) if layer.gate == 1 else qkv[token, vec(first // VEC + head * (layer.head_dim // VEC) + column)]
    return value / (splat(T.float32(1)) + exp(splat(T.float32(0)) - gates))


def _sum(terms: list[Expr]) -> Expr:
    """In four sums, which do not wait for each other."""
    return total([let("part", total(terms[i::4])) for i in range(4)])


def weigh(head: Expr, scores: Expr, largest: Expr, weights: Expr, sums: Expr, vectors: int) -> None:
    """A page's scores of a head become weights; what was summed before is scaled to their maximum."""
    quads = [let("score", scores[at(head * QUADS + i)]) for i in range(QUADS)]
    top = T.max(T.max(quads[0], quads[1]), T.max(quads[2], quads[3]))
    top = let("top", top)
    pairs = let("pairs", T.max(top, T.Shuffle([top], [2, 3, 0, 1])))
    new = let("new", T.max(T.max(T.Shuffle([pairs], [0]), T.Shuffle([pairs], [1])), largest[head]))
    old = let("old", exp(largest[head] - new))
    store(largest, new, head)
    found = [let("weight", exp(quad - splat(new))) for quad in quads]
    for i, weight in enumerate(found):
        store(scores, weight, at(head * QUADS + i))
    store(weights, weights[head] * old + sum_of(total(found)), head)
    with T.serial(vectors) as i:
        store(sums, sums[vec(head * vectors + i)] * splat(old), vec(head * vectors + i))
