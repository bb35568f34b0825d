"""What a request does to its logits before a token is drawn: as kernels/sampling/adjust.py."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.abi_generated import ADJUST_PENALTIES
from webllm_build.compile.cpu.ops import units
from webllm_build.compile.kernels.sampling.adjust import IN_ANSWER, Adjustment, wants
from webllm_build.compile.kernels.tir.ops import Expr, Kernel, ceildiv, let, local, store, when

SLICE = 2048  # tokens of a unit


def adjust(vocab_size: int) -> PrimFunc:
    """A unit has a slice of the vocabulary, in all rows one after the other, so that a row counts the tokens of those before it.
    Parameters: those of Adjustment."""
    with Kernel() as kernel:
        rows = Adjustment(kernel, vocab_size)
        value = local("value", 1)
        with units(ceildiv(vocab_size, SLICE)) as unit, T.serial(rows.n) as row:
            begin, end = let("begin", unit * SLICE), let("end", T.min(unit * SLICE + SLICE, vocab_size))
            asked, slot = rows.asked(row), let("slot", rows.slot(row))
            with when(wants(asked, ADJUST_PENALTIES)):
                first, most = rows.counted(row)
                first = let("first", first)
                with T.serial(most) as i:
                    counted = let("counted", rows.tokens[first + i])
                    with when(T.And(counted >= begin, counted < end)):
                        store(rows.counts, rows.counts[slot, counted] + T.uint32(IN_ANSWER), slot, counted)
            with when(asked != T.uint32(0)), T.serial(begin, end) as token:

                def seen(slot: Expr = slot, token: Expr = token) -> Expr:
                    return let("seen", rows.counts[slot, token])

                rows.adjust(row, token, asked, slot, value, seen)
    return kernel.func
