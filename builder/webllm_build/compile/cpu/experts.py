"""Mixtures of experts on a CPU: which are chosen, which of them there is something to do for, and what they make added up."""

from __future__ import annotations

from collections.abc import Callable

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.ops import exp, units
from webllm_build.compile.kernels.experts.choices import ID, SHARE, choices_buffer, share_of
from webllm_build.compile.kernels.tir.ops import VEC, Buffer, Expr, Kernel, let, local, size, splat, store, vec, when
from webllm_build.model.routing import Routing

RUN_WORDS = 3
EXPERT, BEGIN, END = 0, 1, 2  # words of a run: its expert, and the places of its pairs


def run_count(tokens: Expr, routing: Routing) -> Expr:
    """Experts that so many tokens can choose."""
    return T.min(tokens * routing.chosen, routing.count)


def choose(routing: Routing, *, corrected: bool) -> PrimFunc:
    """As kernels/experts/choices.py. A unit is a token."""
    count, chosen = routing.count, routing.chosen
    with Kernel() as kernel:
        n = size("n")
        logits = kernel.buffer("logits", (n, count), "float32")
        correction = kernel.buffer("correction", (count,), "float32") if corrected else None
        choices = choices_buffer(kernel, n, chosen)
        with units(n) as token:
            # Numbers that are ordered as scores are, also where these are NaN; those of experts that are taken become the least.
            order = local("order", count, "int64")
            with T.serial(count) as expert:
                score = logits[token, expert] if correction is None else _sigmoid(logits[token, expert]) + correction[expert]
                store(order, _ordered(score), expert)
            for slot in range(chosen):
                best = local("best", 1, "int32")
                store(best, T.int32(0), 0)
                with T.serial(1, count) as expert, when(order[expert] > order[best[0]]):
                    store(best, expert, 0)
                store(choices, best[0], token, ID, slot)
                store(order, T.int64(-(1 << 40)), best[0])
            _store_shares(routing, lambda expert: logits[token, expert], choices, token)
    return kernel.func


def _store_shares(routing: Routing, logit: Callable[[Expr], Expr], choices: Buffer, token: Expr) -> None:
    chosen, total = routing.chosen, local("total", 1)
    store(total, T.float32(routing.epsilon), 0)
    largest = let("largest", logit(choices[token, ID, 0]))

    def score(expert: Expr) -> Expr:
        return _sigmoid(logit(expert)) if routing.scores == "sigmoid" else exp(logit(expert) - largest)

    if routing.normalised:
        with T.serial(chosen) as slot:
            store(total, total[0] + score(choices[token, ID, slot]), 0)
    elif routing.scores == "softmax":
        with T.serial(routing.count) as expert:
            store(total, total[0] + score(expert), 0)
    else:
        store(total, T.float32(1), 0)
    with T.serial(chosen) as slot:
        share = score(choices[token, ID, slot]) * T.float32(routing.scale) / total[0]
        store(choices, T.reinterpret("int32", let("share", share)), token, SHARE, slot)


def _sigmoid(x: Expr) -> Expr:
    return T.float32(1) / (T.float32(1) + exp(T.float32(0) - x))


def _ordered(x: Expr) -> Expr:
    """int64 numbers in the order of float32 ones."""
    bits = let("bits", T.Cast("int64", T.reinterpret("int32", let("score", x))))
    return T.Select(bits < T.int64(0), T.int64(-(1 << 31) - 1) - bits, bits)


def group(routing: Routing) -> PrimFunc:
    """order: the pairs token * chosen + slot, expert by expert. runs: each expert that was chosen, with the places of its pairs; behind
    them empty ones.

    Parameters: choices of symbolically many tokens n, order int32[n * chosen], runs int32[run_count, RUN_WORDS]. One unit.
    """
    count, chosen = routing.count, routing.chosen
    with Kernel() as kernel:
        n = size("n")
        choices = choices_buffer(kernel, n, chosen)
        order = kernel.buffer("order", (n * chosen,), "int32")
        runs = kernel.buffer("runs", (run_count(n, routing), RUN_WORDS), "int32")
        with units(T.int32(1)):
            places = local("places", count, "int32")  # of each expert's next pair
            counters = local("counters", 2, "int32")  # pairs, and runs, of the experts before
            with T.serial(count) as expert:
                store(places, T.int32(0), expert)
            for i in range(2):
                store(counters, T.int32(0), i)
            with T.serial(n * chosen) as pair:
                id = let("id", choices[pair // chosen, ID, pair % chosen])
                store(places, places[id] + 1, id)
            with T.serial(count) as expert:
                own = let("own", places[expert])
                store(places, counters[0], expert)
                with when(own > 0):
                    for word, value in ((EXPERT, expert), (BEGIN, counters[0]), (END, counters[0] + own)):
                        store(runs, value, counters[1], word)
                    store(counters, counters[1] + 1, 1)
                store(counters, counters[0] + own, 0)
            used = let("used", counters[1])
            with T.serial(used, run_count(n, routing)) as run:
                for word in range(RUN_WORDS):
                    store(runs, T.int32(0), run, word)
            with T.serial(n * chosen) as pair:
                id = let("id", choices[pair // chosen, ID, pair % chosen])
                store(order, pair, places[id])
                store(places, places[id] + 1, id)
    return kernel.func


def combine(columns: int, chosen: int, *, residual: bool) -> PrimFunc:
    """As kernels/experts/combine.py. A unit is a token."""
    with Kernel() as kernel:
        n = size("n")
        x = kernel.buffer("x", (n * chosen, columns), "float32")
        choices = choices_buffer(kernel, n, chosen)
        added = kernel.buffer("residual", (n, columns), "float32") if residual else None
        out = kernel.buffer("out", (n, columns), "float32")
        with units(n) as token:
            shares = [splat(let("share", share_of(choices, token, slot))) for slot in range(chosen)]
            with T.serial(columns // VEC) as column:
                y = None if added is None else added[token, vec(column)]
                for slot, share in enumerate(shares):
                    part = x[token * chosen + slot, vec(column)] * share
                    y = part if y is None else y + part
                store(out, y, token, vec(column))
    return kernel.func
