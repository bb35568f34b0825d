"""What a request does to its logits before a token is drawn: as kernels/sampling/adjust.py, whose parameters it has."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.abi_generated import (
    ADJUST_BIAS,
    ADJUST_MASK,
    ADJUST_PENALTIES,
    ADJUST_WORD,
    CONTROL_WORD,
    COUNTED_WORD,
    FREQUENCY_WORD,
    MAX_ROWS,
    PRESENCE_WORD,
    REPETITION_WORD,
    SAMPLING_WORDS,
)
from webllm_build.compile.cpu.ops import units
from webllm_build.compile.io import mask_words
from webllm_build.compile.kernels.sampling.adjust import IN_ANSWER
from webllm_build.compile.kernels.sampling.largest import LOWEST
from webllm_build.compile.kernels.tir.ops import Expr, Kernel, ceildiv, let, local, size, store, when

SLICE = 2048  # tokens of a unit


def adjust(vocab_size: int) -> PrimFunc:
    """A unit has a slice of the vocabulary, in all rows one after the other, so that a row counts the tokens of those before it."""
    with Kernel() as kernel:
        n = size("n")
        logits = kernel.buffer("logits", (n, vocab_size), "float32")
        sampling = kernel.buffer("sampling", (MAX_ROWS, SAMPLING_WORDS), "uint32")
        tokens = kernel.buffer("tokens", (size("token_slots"),), "int32")
        counts = kernel.buffer("counts", (MAX_ROWS, vocab_size), "uint32")
        bias = kernel.buffer("bias", (MAX_ROWS, vocab_size), "float32")
        mask = kernel.buffer("mask", (MAX_ROWS, mask_words(vocab_size)), "uint32")
        value = local("value", 1)
        with units(ceildiv(vocab_size, SLICE)) as unit, T.serial(n) as row:
            begin, end = let("begin", unit * SLICE), let("end", T.min(unit * SLICE + SLICE, vocab_size))
            asked = let("asked", sampling[row, ADJUST_WORD])
            slot = let("slot", T.Cast("int32", sampling[row, CONTROL_WORD]))

            def wants(what: int, asked: Expr = asked) -> Expr:
                return T.bitwise_and(asked, T.uint32(what)) != T.uint32(0)

            def number(word: int, row: Expr = row) -> Expr:
                return T.reinterpret("float32", sampling[row, word])

            with when(wants(ADJUST_PENALTIES)):
                first = let("first", T.Cast("int32", sampling[row, COUNTED_WORD]))
                with T.serial(T.Cast("int32", sampling[row, COUNTED_WORD + 1])) as i:
                    counted = let("counted", tokens[first + i])
                    with when(T.And(counted >= begin, counted < end)):
                        store(counts, counts[slot, counted] + T.uint32(IN_ANSWER), slot, counted)
            with when(asked != T.uint32(0)), T.serial(begin, end) as token:
                store(value, logits[row, token], 0)
                with when(wants(ADJUST_BIAS)):
                    store(value, value[0] + bias[slot, token], 0)
                with when(wants(ADJUST_PENALTIES)):
                    seen = let("seen", counts[slot, token])
                    with when(seen > T.uint32(0)):
                        factor = number(REPETITION_WORD)
                        store(value, T.Select(value[0] > T.float32(0), value[0] / factor, value[0] * factor), 0)
                    with when(seen >= T.uint32(IN_ANSWER)):
                        times = T.Cast("float32", T.shift_right(seen, T.uint32(1)))
                        store(value, value[0] - times * number(FREQUENCY_WORD) - number(PRESENCE_WORD), 0)
                with when(wants(ADJUST_MASK)):
                    bits = T.shift_right(mask[row, token // 32], T.Cast("uint32", token % 32))
                    with when(T.bitwise_and(bits, T.uint32(1)) == T.uint32(0)):
                        store(value, T.float32(LOWEST), 0)
                store(logits, value[0], row, token)
    return kernel.func
