"""Which experts each token goes through, and how much each of them counts."""

from __future__ import annotations

from collections.abc import Sequence

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.sampling.top_k import ordered
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, Kernel, barrier, launch, local, shared, size, store, when
from webllm_build.model.routing import Routing

ID, SHARE = 0, 1  # rows of a token's choices
MOST_THREADS = 256


def choices_buffer(kernel: Kernel, tokens: Expr, chosen: int) -> Buffer:
    """Parameter choices int32[tokens, 2, chosen], what `choose` gives: numbers of experts, and the bits of their shares."""
    return kernel.buffer("choices", (tokens, 2, chosen), "int32")


def share_of(choices: Buffer, token: Expr, slot: Expr) -> Expr:
    """Of a token's expert, float32."""
    return T.reinterpret("float32", choices[token, SHARE, slot])


def choose(routing: Routing, *, corrected: bool) -> PrimFunc:
    """The experts of each of symbolically many tokens, those with the highest scores first, as `routing` says.

    Parameters: logits float32[n, count], correction float32[count] (where `corrected`), choices int32[n, 2, chosen]. A workgroup has a
    token. An expert's place is the number of those before it, so nothing is sorted.
    """
    count, chosen = routing.count, routing.chosen
    threads = min(MOST_THREADS, -(-count // 32) * 32)
    with Kernel() as kernel:
        n = size("n")
        logits = kernel.buffer("logits", (n, count), "float32")
        correction = kernel.buffer("correction", (count,), "float32") if corrected else None
        choices = choices_buffer(kernel, n, chosen)
        with launch([n], [threads]) as ((token,), (thread,)):
            # Numbers that are ordered as scores are, also where these are NaN: each expert has a place of its own.
            order = shared("order", count, "uint32")
            ids, picked = shared("ids", chosen, "int32"), shared("picked", chosen)
            firsts = range(0, count, threads)
            for first in firsts:
                expert = fixed("expert", first + thread)
                with when(first + threads <= count or expert < count):
                    score = logits[token, expert]
                    if correction is not None:  # without, logits are in the order of scores
                        score = _sigmoid(score) + correction[expert]
                    store(order, ordered(score), expert)
            barrier()
            for first in firsts:
                expert = fixed("expert", first + thread)
                with when(first + threads <= count or expert < count):
                    own, place = fixed("own", order[expert], "uint32"), local("place", 1, "int32")
                    store(place, T.int32(0), 0)
                    with T.serial(0, count) as other:
                        before = T.Or(order[other] > own, T.And(order[other] == own, other < expert))
                        store(place, place[0] + T.Select(before, T.int32(1), T.int32(0)), 0)
                    with when(place[0] < chosen):
                        store(ids, expert, place[0])
                        store(picked, logits[token, expert], place[0])
            barrier()
            with when(thread < chosen):
                store(choices, ids[thread], token, ID, thread)
                of_chosen = [fixed("logit", picked[slot], "float32") for slot in range(chosen)]
                share = _share(routing, picked[thread], of_chosen, logits, token)
                store(choices, T.reinterpret("int32", share), token, SHARE, thread)
    return kernel.func


def _share(routing: Routing, logit: Expr, of_chosen: Sequence[Expr], logits: Buffer, token: Expr) -> Expr:
    """Of an expert, by its logit."""
    total = local("total", 1)
    store(total, T.float32(routing.epsilon), 0)

    def add(value: Expr) -> None:
        store(total, total[0] + value, 0)

    if routing.scores == "sigmoid":
        score = fixed("score", _sigmoid(logit), "float32")
        for other in of_chosen if routing.normalised else ():
            add(_sigmoid(other))
        return score * T.float32(routing.scale) / total[0] if routing.normalised else score * T.float32(routing.scale)
    largest = of_chosen[0]
    if routing.normalised:
        for other in of_chosen:
            add(T.exp(other - largest))
    else:
        with T.serial(0, routing.count) as each:
            add(T.exp(logits[token, each] - largest))
    return T.exp(logit - largest) * T.float32(routing.scale) / total[0]


def _sigmoid(x: Expr) -> Expr:
    """The exponent is bounded because WGSL leaves an overflow of exp undefined."""
    return T.float32(1) / (T.float32(1) + T.exp(T.min(T.float32(0) - x, T.float32(80))))
