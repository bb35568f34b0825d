"""The pairs of tokens and chosen experts in the order of experts, in tiles of one expert each: what a prefill's products run over."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.experts.choices import ID, choices_buffer
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, Kernel, barrier, ceildiv, launch, local, shared, size, store, when
from webllm_build.model.routing import Routing

THREADS = 256
TILE_WORDS = 3
EXPERT, BEGIN, END = 0, 1, 2  # words of a tile: its expert, and its pairs' first place and the end of its expert's ones


def tile_count(pairs: Expr, count: int, height: int) -> Expr:
    """Tiles of up to `height` pairs that as many as this are cut into; some are empty. The tiles of an expert begin at
    (pairs of experts before it) // height + its number, which leaves room for as many as it can have."""
    return pairs // height + count


def group(routing: Routing, height: int) -> PrimFunc:
    """order: the pairs token * chosen + slot, expert by expert. tiles: for each tile its expert, and the places in `order` of its first
    pair and of the end of its expert's pairs; an empty one begins at its end.

    Parameters: choices (choices.py) of symbolically many tokens n, order int32[n * chosen], tiles int32[tile_count, TILE_WORDS]. A
    workgroup has an expert: it counts the pairs before its own, and finds its own, each invocation in a run of all.
    """
    count, chosen = routing.count, routing.chosen
    with Kernel() as kernel:
        n = size("n")
        choices = choices_buffer(kernel, n, chosen)
        order = kernel.buffer("order", (n * chosen,), "int32")
        tiles = kernel.buffer("tiles", (tile_count(n * chosen, count, height), TILE_WORDS), "int32")
        with launch([count], [THREADS]) as ((expert,), (thread,)):
            pairs, run = n * chosen, ceildiv(n * chosen, THREADS)
            begin, end = fixed("begin", T.min(thread * run, pairs)), fixed("end", T.min(thread * run + run, pairs))
            before, own = shared("before", THREADS, "int32"), shared("own", THREADS, "int32")
            counted = local("counted", 2, "int32")
            for i in range(2):
                store(counted, T.int32(0), i)
            with T.serial(begin, end) as pair:
                id = fixed("id", choices[pair // chosen, ID, pair % chosen])
                for i, counts in enumerate((id < expert, id == expert)):
                    store(counted, counted[i] + T.Select(counts, T.int32(1), T.int32(0)), i)
            store(before, counted[0], thread)
            store(own, counted[1], thread)
            barrier()
            sums = local("sums", 3, "int32")  # pairs before the expert's, its own, and those of them in earlier runs
            for i in range(3):
                store(sums, T.int32(0), i)
            with T.serial(0, THREADS) as other:
                store(sums, sums[0] + before[other], 0)
                store(sums, sums[1] + own[other], 1)
                store(sums, sums[2] + T.Select(other < thread, own[other], T.int32(0)), 2)
            first, last = fixed("first", sums[0]), fixed("last", sums[0] + sums[1])
            _write_order(choices, order, sums, (begin, end), expert, first)
            start = fixed("start", first // height + expert)
            used = (last - first + height - 1) // height
            with T.serial(ceildiv(last // height - first // height + 1, THREADS)) as step:
                tile = fixed("tile", step * THREADS + thread)
                with when(start + tile <= last // height + expert):
                    store(tiles, expert, start + tile, EXPERT)
                    store(tiles, T.Select(tile < used, first + tile * height, last), start + tile, BEGIN)
                    store(tiles, last, start + tile, END)
    return kernel.func


def _write_order(choices: Buffer, order: Buffer, sums: Buffer, run: tuple[Expr, Expr], expert: Expr, first: Expr) -> None:
    chosen, place = int(choices.shape[2]), local("place", 1, "int32")
    store(place, first + sums[2], 0)
    with T.serial(*run) as pair, when(choices[pair // chosen, ID, pair % chosen] == expert):
        store(order, pair, place[0])
        store(place, place[0] + 1, 0)
