"""Logarithms of the tokens' probabilities, by the model's own logits: of the token that was drawn, and of the likeliest ones.

What a request does to its logits it does in place, so they are kept before it, and read when the token is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from tvm.relax.frontend import nn
from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.abi_generated import LOGPROB_WORDS, LOGPROBS_WORD, MAX_ROWS, MAX_TOP_LOGPROBS, SAMPLING_WORDS
from webllm_build.compile.kernels.sampling.largest import LOWEST, SLICE, THREADS, Largest
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import Expr, Kernel, ceildiv, launch, let, local, size, store, when
from webllm_build.compile.kernels.tir.reduce import reduce_all
from webllm_build.compile.target import Variant

PAIR = 2  # words of a likely token: id, and logit or logprob
SLICE_WORDS = 2 + PAIR * MAX_TOP_LOGPROBS  # of a slice: its largest logit, its sum of exp(logit - largest), its likeliest tokens


def keep(vocab_size: int, io: Mapping[str, nn.Tensor]) -> nn.Tensor:
    """logits -> kept, in place."""
    kept = nn.Tensor.placeholder(io["kept"].shape, "float32")
    return nn.op.tensor_ir_inplace_op(keep_kernel(vocab_size), "keep", [io["logits"], io["kept"]], 1, kept)


def logprobs(variant: Variant, vocab_size: int, io: Mapping[str, nn.Tensor]) -> nn.Tensor:
    """(kept, tokens) -> logprobs, in place, for each row: Relax calls of the two kernels below."""
    kept, sampling = io["kept"], io["sampling"]
    partial = nn.Tensor.placeholder([kept.shape[0], *partial_shape(vocab_size)], "float32")
    partial = nn.op.tensor_ir_op(likeliest_partial(variant, vocab_size), "likeliest_partial", [kept, sampling], partial)
    args = [kept, sampling, io["tokens"], partial, io["logprobs"]]
    out = nn.Tensor.placeholder(io["logprobs"].shape, "uint32")
    return nn.op.tensor_ir_inplace_op(likeliest(variant, vocab_size), "likeliest", args, 4, out)


def partial_shape(vocab_size: int) -> list[int]:
    """Of a row, float32."""
    return [-(-vocab_size // SLICE), SLICE_WORDS]


def keep_kernel(vocab_size: int) -> PrimFunc:
    """logits float32[n, vocab_size] -> kept, of that shape."""
    with Kernel() as kernel:
        n = size("n")
        logits, kept = (kernel.buffer(name, (n, vocab_size), "float32") for name in ("logits", "kept"))
        with launch([ceildiv(vocab_size, THREADS), n], [THREADS]) as ((block, row), (thread,)):
            token = fixed("token", block * THREADS + thread)
            with when(token < vocab_size):
                store(kept, logits[row, token], row, token)
    return kernel.func


def likeliest_partial(variant: Variant, vocab_size: int) -> PrimFunc:
    """What `likeliest` must know of each slice of the vocabulary, for each of n rows: as many tokens as the row asks for.

    kept float32[n, vocab_size]; sampling uint32[>= n, SAMPLING_WORDS]; partial float32[n, *partial_shape].
    """
    with Kernel() as kernel:
        n = size("n")
        kept = kernel.buffer("kept", (n, vocab_size), "float32")
        sampling = kernel.buffer("sampling", (MAX_ROWS, SAMPLING_WORDS), "uint32")
        partial = kernel.buffer("partial", (n, *partial_shape(vocab_size)), "float32")
        with launch([partial_shape(vocab_size)[0], n], [THREADS]) as ((block, row), (thread,)):
            own = SLICE // THREADS
            logits, largest, weight = local("own_logits", own), local("largest", 1), local("weight", 1)
            store(largest, T.float32(LOWEST), 0)
            store(weight, T.float32(0), 0)
            ids = [fixed("id", block * SLICE + i * THREADS + thread) for i in range(own)]
            for i, token in enumerate(ids):
                store(logits, T.float32(LOWEST), i)
                with when(token < vocab_size):
                    store(logits, T.max(kept[row, token], T.float32(LOWEST)), i)
                store(largest, T.max(largest[0], logits[i]), 0)
            reduce_all(variant, largest, 1, lane=thread, width=THREADS, operator="max")
            for i in range(own):
                with when(logits[i] > T.float32(LOWEST)):
                    store(weight, weight[0] + T.exp(logits[i] - largest[0]), 0)
            reduce_all(variant, weight, 1, lane=thread, width=THREADS)
            with when(thread == 0):
                store(partial, largest[0], row, block, 0)
                store(partial, weight[0], row, block, 1)

            def each() -> Iterator[tuple[Expr, Expr]]:
                for i, token in enumerate(ids):
                    yield logits[i], token

            for rank, best in _ranks(variant, sampling[row, LOGPROBS_WORD], each, thread):
                with when(thread == 0):
                    store(partial, T.Cast("float32", best.token), row, block, 2 + PAIR * rank)
                    store(partial, best.value[0], row, block, 3 + PAIR * rank)
    return kernel.func


def likeliest(variant: Variant, vocab_size: int) -> PrimFunc:
    """The logprobs of each of n rows, from all slices; one workgroup a row.

    kept, sampling, partial: as in likeliest_partial; tokens int32[>= n]: the row's token; logprobs uint32[MAX_ROWS, LOGPROB_WORDS]: float32
    bits of the token's; from word 2 on id and bits of the likeliest tokens', the largest first. Of a vocabulary with fewer tokens than are
    asked for, the others are LOWEST.
    """
    slices = partial_shape(vocab_size)[0]
    with Kernel() as kernel:
        n = size("n")
        kept = kernel.buffer("kept", (n, vocab_size), "float32")
        sampling = kernel.buffer("sampling", (MAX_ROWS, SAMPLING_WORDS), "uint32")
        tokens = kernel.buffer("tokens", (size("token_slots"),), "int32")
        partial = kernel.buffer("partial", (n, *partial_shape(vocab_size)), "float32")
        result = kernel.buffer("logprobs", (MAX_ROWS, LOGPROB_WORDS), "uint32")
        with launch([n], [THREADS]) as ((row,), (thread,)):
            largest, weight = local("largest", 1), local("weight", 1)
            store(largest, T.float32(LOWEST), 0)
            store(weight, T.float32(0), 0)

            def each_slice() -> Iterator[Expr]:
                with T.serial(ceildiv(slices, THREADS)) as step:
                    index = fixed("index", step * THREADS + thread)
                    with when(index < slices):
                        yield index

            def each() -> Iterator[tuple[Expr, Expr]]:
                for index in each_slice():
                    with T.serial(count) as rank:
                        place = 2 + PAIR * rank
                        yield let("logit", partial[row, index, place + 1]), T.Cast("int32", partial[row, index, place])

            for index in each_slice():
                store(largest, T.max(largest[0], partial[row, index, 0]), 0)
            reduce_all(variant, largest, 1, lane=thread, width=THREADS, operator="max")
            for index in each_slice():
                store(weight, weight[0] + partial[row, index, 1] * T.exp(partial[row, index, 0] - largest[0]), 0)
            reduce_all(variant, weight, 1, lane=thread, width=THREADS)
            total = fixed("total", largest[0] + T.log(weight[0]), "float32")
            count = fixed("count", _count(sampling[row, LOGPROBS_WORD]))
            with when(thread == 0):
                store(result, _bits(kept[row, tokens[row]] - total), row, 0)
            for rank, best in _ranks(variant, sampling[row, LOGPROBS_WORD], each, thread):
                with when(thread == 0):
                    store(result, T.Cast("uint32", best.token), row, 2 + PAIR * rank)
                    store(result, _bits(T.max(best.value[0] - total, T.float32(LOWEST))), row, 3 + PAIR * rank)
    return kernel.func


def _count(word: Expr) -> Expr:
    return T.Cast("int32", T.min(word, T.uint32(MAX_TOP_LOGPROBS)))


def _bits(value: Expr) -> Expr:
    return T.reinterpret("uint32", value)


def _ranks(variant: Variant, count: Expr, each: Callable[[], Iterator[tuple[Expr, Expr]]], thread: Expr) -> Iterator[tuple[Expr, Largest]]:
    """A loop over the workgroup's `count` largest numbers, the largest first, of equals the lowest id: yields (rank, number) once, for the
    body to be emitted. each: a loop over this invocation's (number, id); of equal numbers, ids rise."""
    best, last = Largest(variant, thread), local("last", 2)
    with T.serial(_count(count)) as rank:
        best.clear()
        for value, token in each():
            id_ = T.Cast("float32", token)
            with when(T.Or(rank == 0, T.Or(value < last[0], T.And(value == last[0], id_ > last[1])))):
                best.offer(value, token)
        best.reduce()
        yield rank, best
        store(last, best.value[0], 0)
        store(last, T.Cast("float32", best.token), 1)
