"""What a request does to its logits before a token is drawn from them: biases, penalties, and which tokens a grammar allows.

In this order: bias; the repetition penalty (arXiv 1909.05858) on tokens of prompt and answer, as transformers has it; OpenAI's frequency
and presence penalties on tokens of the answer; the mask.
"""

from __future__ import annotations

from collections.abc import Mapping

from tvm.relax.frontend import nn
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
from webllm_build.compile.io import mask_words
from webllm_build.compile.kernels.sampling.largest import LOWEST, THREADS
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import Expr, Kernel, ceildiv, launch, let, local, size, store, when

IN_PROMPT, IN_ANSWER = 1, 2  # what a token adds to its word of `counts`: once, and each time


def adjust(vocab_size: int, io: Mapping[str, nn.Tensor]) -> tuple[nn.Tensor, ...]:
    """logits and counts, in place, for each row."""
    args = [io[name] for name in ("logits", "sampling", "tokens", "counts", "bias", "mask")]
    out = [nn.Tensor.placeholder(io[name].shape, io[name].dtype) for name in ("logits", "counts")]
    return tuple(nn.op.tensor_ir_inplace_op(adjust_kernel(vocab_size), "adjust", args, [0, 3], out))


def adjust_kernel(vocab_size: int) -> PrimFunc:
    """An invocation has one token, in all of n rows one after the other, so that a row counts the tokens of those before it.

    logits float32[n, vocab_size]; sampling uint32[>= n, SAMPLING_WORDS]; tokens int32[]: ids of the step's tokens; counts
    uint32[MAX_ROWS, vocab_size]: of a control slot, IN_PROMPT for a token of the prompt + IN_ANSWER each time that it is in the answer;
    bias float32[MAX_ROWS, vocab_size]: of a control slot; mask uint32[>= n, mask_words]: of a row.
    """
    with Kernel() as kernel:
        n = size("n")
        logits = kernel.buffer("logits", (n, vocab_size), "float32")
        sampling = kernel.buffer("sampling", (MAX_ROWS, SAMPLING_WORDS), "uint32")
        tokens = kernel.buffer("tokens", (size("token_slots"),), "int32")
        counts = kernel.buffer("counts", (MAX_ROWS, vocab_size), "uint32")
        bias = kernel.buffer("bias", (MAX_ROWS, vocab_size), "float32")
        mask = kernel.buffer("mask", (MAX_ROWS, mask_words(vocab_size)), "uint32")
        with launch([ceildiv(vocab_size, THREADS)], [THREADS]) as ((block,), (thread,)):
            token = fixed("token", block * THREADS + thread)
            with when(token < vocab_size), T.serial(n) as row:
                asked = let("asked", sampling[row, ADJUST_WORD])
                with when(asked != T.uint32(0)):
                    slot = fixed("slot", T.Cast("int32", sampling[row, CONTROL_WORD]))
                    value, seen = local("value", 1), local("seen", 1, "uint32")

                    def number(word: int, row: Expr = row) -> Expr:
                        return T.reinterpret("float32", sampling[row, word])

                    def wants(what: int, asked: Expr = asked) -> Expr:
                        return T.bitwise_and(asked, T.uint32(what)) != T.uint32(0)

                    store(value, logits[row, token], 0)
                    with when(wants(ADJUST_BIAS)):
                        store(value, value[0] + bias[slot, token], 0)
                    with when(wants(ADJUST_PENALTIES)):
                        store(seen, counts[slot, token], 0)
                        first = fixed("first", T.Cast("int32", sampling[row, COUNTED_WORD]))
                        with T.serial(T.Cast("int32", sampling[row, COUNTED_WORD + 1])) as i, when(tokens[first + i] == token):
                            store(seen, seen[0] + T.uint32(IN_ANSWER), 0)
                        store(counts, seen[0], slot, token)
                        with when(seen[0] > T.uint32(0)):
                            factor = number(REPETITION_WORD)
                            store(value, T.Select(value[0] > T.float32(0), value[0] / factor, value[0] * factor), 0)
                        with when(seen[0] >= T.uint32(IN_ANSWER)):
                            times = T.Cast("float32", T.shift_right(seen[0], T.uint32(1)))
                            store(value, value[0] - times * number(FREQUENCY_WORD) - number(PRESENCE_WORD), 0)
                    with when(wants(ADJUST_MASK)):
                        bits = T.shift_right(mask[row, token // 32], T.Cast("uint32", token % 32))
                        with when(T.bitwise_and(bits, T.uint32(1)) == T.uint32(0)):
                            store(value, T.float32(LOWEST), 0)
                    store(logits, value[0], row, token)
    return kernel.func
