"""Logarithms of the tokens' probabilities: as kernels/sampling/logprobs.py, whose parameters these have."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.abi_generated import LOGPROB_WORDS, LOGPROBS_WORD, MAX_ROWS, MAX_TOP_LOGPROBS, SAMPLING_WORDS
from webllm_build.compile.cpu.ops import at, exp, log, sum_of, units, zeros
from webllm_build.compile.cpu.vocabulary import Largest, each_token, largest_of
from webllm_build.compile.kernels.sampling.largest import LOWEST
from webllm_build.compile.kernels.sampling.logprobs import PAIR
from webllm_build.compile.kernels.tir.ops import Expr, Kernel, let, local, size, splat, store


def keep(vocab_size: int) -> PrimFunc:
    """logits float32[n, vocab_size] -> kept; a unit is a row."""
    with Kernel() as kernel:
        n = size("n")
        logits, kept = (kernel.buffer(name, (n, vocab_size), "float32") for name in ("logits", "kept"))
        with units(n) as row, T.serial(vocab_size) as token:
            store(kept, logits[row, token], row, token)
    return kernel.func


def logprobs(vocab_size: int) -> PrimFunc:
    """A unit is a row."""
    with Kernel() as kernel:
        n = size("n")
        kept = kernel.buffer("kept", (n, vocab_size), "float32")
        sampling = kernel.buffer("sampling", (MAX_ROWS, SAMPLING_WORDS), "uint32")
        tokens = kernel.buffer("tokens", (size("token_slots"),), "int32")
        result = kernel.buffer("logprobs", (MAX_ROWS, LOGPROB_WORDS), "uint32")
        with units(n) as row:
            top = largest_of(kept, row, vocab_size)
            sums = zeros("sum", 1)
            for _, logits in each_token(kept, row, vocab_size):
                store(sums, sums[at(0)] + exp(logits - splat(top)), at(0))
            total = let("total", top + log(sum_of(sums[at(0)])))
            store(result, _bits(kept[row, tokens[row]] - total), row, 0)
            # One after the other: the largest of those that come behind the last one.
            best, last, last_token = Largest(), local("last", 1), local("last_token", 1, "int32")
            store(last, T.float32(3.4e38), 0)
            store(last_token, T.int32(-1), 0)
            with T.serial(T.Cast("int32", T.min(sampling[row, LOGPROBS_WORD], T.uint32(MAX_TOP_LOGPROBS)))) as rank:
                best.clear()
                for ids, logits in each_token(kept, row, vocab_size):
                    equal = T.And(logits == splat(last[0]), ids > T.Broadcast(last_token[0], 4))
                    behind = T.Or(logits < splat(last[0]), equal)
                    best.offer(T.Select(behind, logits, splat(T.float32(LOWEST))), ids)
                best.reduce()
                store(result, T.Cast("uint32", best.token[0]), row, 2 + PAIR * rank)
                store(result, _bits(T.max(best.value[0] - total, T.float32(LOWEST))), row, 3 + PAIR * rank)
                store(last, best.value[0], 0)
                store(last_token, best.token[0], 0)
    return kernel.func


def _bits(value: Expr) -> Expr:
    return T.reinterpret("uint32", value)
