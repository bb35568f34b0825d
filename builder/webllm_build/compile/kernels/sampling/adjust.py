"""What a request does to its logits before a token is drawn from them: biases, penalties, and which tokens a grammar allows.

In this order: bias; the repetition penalty (arXiv 1909.05858) on tokens of prompt and answer, as transformers has it; OpenAI's frequency
and presence penalties on tokens of the answer; the mask.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

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
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, Kernel, ceildiv, launch, let, local, size, store, when

IN_PROMPT, IN_ANSWER = 1, 2  # what a token adds to its word of `counts`: once, and each time


def adjust(vocab_size: int, io: Mapping[str, nn.Tensor]) -> tuple[nn.Tensor, ...]:
    """logits and counts, in place, for each row."""
    args = [io[name] for name in ("logits", "sampling", "tokens", "counts", "bias", "mask")]
    out = [nn.Tensor.placeholder(io[name].shape, io[name].dtype) for name in ("logits", "counts")]
    return tuple(nn.op.tensor_ir_inplace_op(adjust_kernel(vocab_size), "adjust", args, [0, 3], out))


class Adjustment:
    """The parameters of `adjust`, on GPUs and CPUs, and what they do to a token's logit.

    logits float32[n, vocab_size]; sampling uint32[>= n, SAMPLING_WORDS]; tokens int32[]: ids of the step's tokens; counts
    uint32[MAX_ROWS, vocab_size]: of a control slot, IN_PROMPT for a token of the prompt + IN_ANSWER each time that it is in the answer;
    bias float32[MAX_ROWS, vocab_size]: of a control slot; mask uint32[>= n, mask_words]: of a row.
    """

    def __init__(self, kernel: Kernel, vocab_size: int) -> None:
        self.n = size("n")
        self.logits = kernel.buffer("logits", (self.n, vocab_size), "float32")
        self._sampling = kernel.buffer("sampling", (MAX_ROWS, SAMPLING_WORDS), "uint32")
        self.tokens = kernel.buffer("tokens", (size("token_slots"),), "int32")
        self.counts = kernel.buffer("counts", (MAX_ROWS, vocab_size), "uint32")
        self._bias = kernel.buffer("bias", (MAX_ROWS, vocab_size), "float32")
        self._mask = kernel.buffer("mask", (MAX_ROWS, mask_words(vocab_size)), "uint32")

    def asked(self, row: Expr) -> Expr:
        """What is to be done: 0, or bits of ADJUST_*."""
        return let("asked", self._sampling[row, ADJUST_WORD])

    def slot(self, row: Expr) -> Expr:
        return T.Cast("int32", self._sampling[row, CONTROL_WORD])

    def counted(self, row: Expr) -> tuple[Expr, Expr]:
        """Of the step's tokens, the first that penalties count, and how many they do."""
        first, count = (T.Cast("int32", self._sampling[row, COUNTED_WORD + i]) for i in range(2))
        return first, count

    def adjust(self, row: Expr, token: Expr, asked: Expr, slot: Expr, value: Buffer, seen: Callable[[], Expr]) -> None:
        """Change a logit. value: float32[1], local. seen: the token's word of `counts`, this step's tokens among them."""

        def number(word: int) -> Expr:
            return T.reinterpret("float32", self._sampling[row, word])

        store(value, self.logits[row, token], 0)
        with when(wants(asked, ADJUST_BIAS)):
            store(value, value[0] + self._bias[slot, token], 0)
        with when(wants(asked, ADJUST_PENALTIES)):
            word = seen()
            with when(word > T.uint32(0)):
                factor = number(REPETITION_WORD)
                store(value, T.Select(value[0] > T.float32(0), value[0] / factor, value[0] * factor), 0)
            with when(word >= T.uint32(IN_ANSWER)):
                times = T.Cast("float32", T.shift_right(word, T.uint32(1)))
                store(value, value[0] - times * number(FREQUENCY_WORD) - number(PRESENCE_WORD), 0)
        with when(wants(asked, ADJUST_MASK)):
            bits = T.shift_right(self._mask[row, token // 32], T.Cast("uint32", token % 32))
            with when(T.bitwise_and(bits, T.uint32(1)) == T.uint32(0)):
                store(value, T.float32(LOWEST), 0)
        store(self.logits, value[0], row, token)


def wants(asked: Expr, what: int) -> Expr:
    return T.bitwise_and(asked, T.uint32(what)) != T.uint32(0)


def adjust_kernel(vocab_size: int) -> PrimFunc:
    """An invocation has one token, in all of n rows one after the other, so that a row counts the tokens of those before it.
    Parameters: those of Adjustment."""
    with Kernel() as kernel:
        rows = Adjustment(kernel, vocab_size)
        with launch([ceildiv(vocab_size, THREADS)], [THREADS]) as ((block,), (thread,)):
            token = fixed("token", block * THREADS + thread)
            with when(token < vocab_size), T.serial(rows.n) as row:
                asked = rows.asked(row)
                with when(asked != T.uint32(0)):
                    slot = fixed("slot", rows.slot(row))
                    value, seen = local("value", 1), local("seen", 1, "uint32")

                    def count(row: Expr = row, slot: Expr = slot, seen: Buffer = seen) -> Expr:
                        store(seen, rows.counts[slot, token], 0)
                        first, most = rows.counted(row)
                        first = fixed("first", first)
                        with T.serial(most) as i, when(rows.tokens[first + i] == token):
                            store(seen, seen[0] + T.uint32(IN_ANSWER), 0)
                        store(rows.counts, seen[0], slot, token)
                        return seen[0]

                    rows.adjust(row, token, asked, slot, value, count)
    return kernel.func
