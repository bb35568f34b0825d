"""Choose the next token from the logits, on the GPU.

Greedy: the largest logit, the lowest id among equals. With a temperature: the largest of logit/temperature + Gumbel noise, which is a
draw from the softmax (Gumbel-max trick, arXiv 1411.0030). The noise is a hash of seed, step and id, so the same step draws the same.

Three filters restrict the draw, one behind the other as in llama.cpp, by the probabilities before the temperature:
top_k: the k largest logits, and those equal to the last of them.
top_p < 1: the nucleus (arXiv 1904.09751), the smallest set {token: logit >= threshold} whose probability among those is at least top_p.
min_p (arXiv 2407.01082): tokens at least min_p times as probable as the likeliest.
top_k and min_p are a floor under the logits. No threshold is searched for the nucleus: a token is outside exactly where the tokens above it
have probability top_p or more. A draw that is outside is dropped together with everything not above it, and the rest is drawn from again
with the same noise; the result is the largest noisy logit of what is left. Most draws are inside, and a slice of the vocabulary without a
logit above the drawn one needs no look at all.

Where every logit is LOWEST or less, or no number, the token is 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from tvm.relax.frontend import nn
from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.abi_generated import (
    HISTORY,
    MAX_ROWS,
    MIN_P_WORD,
    SAMPLING_WORDS,
    SEED_WORD,
    STATE_WORDS,
    STEP_WORD,
    TEMPERATURE_WORD,
    TOP_K_WORD,
    TOP_P_WORD,
)
from webllm_build.compile.kernels.sampling.candidates import Candidates
from webllm_build.compile.kernels.sampling.largest import LOWEST, SLICE, THREADS, Largest
from webllm_build.compile.kernels.sampling.random_bits import hash_words, negative_log_uniform
from webllm_build.compile.kernels.sampling.top_k import NEAR_ROUNDS, ROUNDS as TOP_K_ROUNDS, find_kth_largest, ordered, unordered
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import (
    VEC,
    Buffer,
    Expr,
    Kernel,
    ceildiv,
    element,
    extern,
    launch,
    let,
    local,
    shared,
    size,
    store,
    vec,
    when,
)
from webllm_build.compile.kernels.tir.reduce import reduce_all
from webllm_build.compile.kernels.tir.uniform import uniform_load
from webllm_build.compile.target import Variant
from webllm_build.errors import CompileError

MAX_VOCABULARY = 2**20  # float32 holds its ids, and workgroup memory a number for each slice
MIN_TEMPERATURE = 1e-6  # what is below acts as this
ROUNDS = 64  # a bound against malformed logits: each round drops half of what is left outside the nucleus, in the mean


def sample(variant: Variant, vocab_size: int, io: Mapping[str, nn.Tensor]) -> tuple[nn.Tensor, ...]:
    """logits -> (tokens, history), in place, for each row: Relax calls of the two kernels below."""
    logits, sampling = io["logits"], io["sampling"]
    partial = nn.Tensor.placeholder([logits.shape[0], *partial_shape(vocab_size)], "float32")
    partial = nn.op.tensor_ir_op(sample_partial(variant, vocab_size), "sample_partial", [logits, sampling], partial)
    args = [logits, sampling, io["state"], partial, io["tokens"], io["history"]]
    out = [nn.Tensor.placeholder(io[name].shape, io[name].dtype) for name in ("tokens", "history")]
    return tuple(nn.op.tensor_ir_inplace_op(sample_pick(variant, vocab_size), "sample_pick", args, [4, 5], out))


def partial_shape(vocab_size: int) -> list[int]:
    """Of a row, float32: for each slice its largest noisy logit, that token's id, its largest logit, its sum of exp(logit - largest)."""
    return [-(-vocab_size // SLICE), VEC]


def sample_partial(variant: Variant, vocab_size: int) -> PrimFunc:
    """What sample_pick must know of each slice of the vocabulary, for each of n rows.

    logits float32[n, vocab_size]; sampling uint32[>= n, SAMPLING_WORDS]; partial float32[n, *partial_shape].
    """
    with Kernel() as kernel:
        n = size("n")
        logits = kernel.buffer("logits", (n, vocab_size), "float32")
        sampling = kernel.buffer("sampling", (MAX_ROWS, SAMPLING_WORDS), "uint32")
        partial = kernel.buffer("partial", (n, *partial_shape(vocab_size)), "float32")
        with launch([partial_shape(vocab_size)[0], n], [THREADS]) as ((block, row), (thread,)):
            draw = _Draw(variant, vocab_size, logits, sampling, row, thread)
            largest, weight = _scalar("largest", LOWEST), _scalar("weight", 0)
            for token, logit in draw.slice(block):
                draw.offer(token, logit)
                store(largest, T.max(largest[0], logit), 0)
            draw.best.reduce()
            reduce_all(variant, largest, 1, lane=thread, width=THREADS, operator="max")
            with when(draw.has_nucleus):
                for _, logit in draw.slice(block):
                    store(weight, weight[0] + T.exp(logit - largest[0]), 0)
            reduce_all(variant, weight, 1, lane=thread, width=THREADS)
            with when(thread == 0):
                found = extern("float32x4", "vec4f", draw.best.value[0], T.Cast("float32", draw.best.token), largest[0], weight[0])
                store(partial, found, row, block, vec(0))
    return kernel.func


def sample_pick(variant: Variant, vocab_size: int) -> PrimFunc:
    """The token of each of n rows, from all slices; one workgroup a row.

    logits, sampling, partial: as in sample_partial; state int32[>= n, STATE_WORDS]: [row, 2] is the place in the history;
    tokens int32[>= n]: the token goes to [row]; history int32[HISTORY].
    """
    slices = partial_shape(vocab_size)[0]
    with Kernel() as kernel:
        n = size("n")
        logits = kernel.buffer("logits", (n, vocab_size), "float32")
        sampling = kernel.buffer("sampling", (MAX_ROWS, SAMPLING_WORDS), "uint32")
        state = kernel.buffer("state", (MAX_ROWS, STATE_WORDS), "int32")
        partial = kernel.buffer("partial", (n, slices, VEC), "float32")
        tokens = kernel.buffer("tokens", (size("token_slots"),), "int32")
        history = kernel.buffer("history", (HISTORY,), "int32")
        with launch([n], [THREADS]) as ((row,), (thread,)):
            draw = _Draw(variant, vocab_size, logits, sampling, row, thread)
            largest, weight = _scalar("largest", LOWEST), _scalar("weight", 0)
            slice_largest = shared("slice_largest", slices)

            def each_slice() -> Iterator[tuple[Expr, Expr]]:
                with T.serial(ceildiv(slices, THREADS)) as step:
                    index = fixed("index", step * THREADS + thread)
                    with when(index < slices):
                        yield index, let("found", partial[row, index, vec(0)])

            for index, found in each_slice():
                draw.best.offer(element(found, 0), T.Cast("int32", element(found, 1)))
                store(largest, T.max(largest[0], element(found, 2)), 0)
                store(slice_largest, element(found, 2), index)
            draw.best.reduce()
            reduce_all(variant, largest, 1, lane=thread, width=THREADS, operator="max")
            for _, found in each_slice():
                store(weight, weight[0] + element(found, 3) * T.exp(element(found, 2) - largest[0]), 0)
            reduce_all(variant, weight, 1, lane=thread, width=THREADS)
            filters = _Filters(draw, slice_largest, largest[0], weight)
            filters.find_top_k()
            filters.draw_inside()
            with when(thread == 0):
                store(tokens, draw.best.token, row)
                store(history, draw.best.token, T.bitwise_and(state[row, 2], HISTORY - 1))
    return kernel.func


class _Filters:
    """What of a row may be drawn. largest: its largest logit; weight: the sum of exp(logit - largest), of what top_k leaves in the end."""

    def __init__(self, draw: _Draw, slice_largest: Buffer, largest: Expr, weight: Buffer) -> None:
        self.draw, self.largest, self.weight = draw, largest, weight
        # On NVIDIA, shuffles in these loops keep loads from being under way together: all in all twice as slow.
        self.variant = replace(draw.variant, subgroups=False)
        self.candidates = Candidates(draw.logits, draw.row, draw.thread, draw.vocab_size, slice_largest)
        self.floor = _scalar("least", LOWEST)  # logits below it are out

    def find_top_k(self) -> None:
        """Loops of no rounds and not branches, where TVM would place no barriers."""
        draw, candidates = self.draw, self.candidates
        k, is_asked = T.Cast("float32", draw.top_k), draw.has_top_k
        bounds = local("bounds", 2, "uint32")
        store(bounds, ordered(T.float32(LOWEST)) + T.uint32(1), 0)
        above_all = fixed("above_all", ordered(self.largest) + T.uint32(1), "uint32")

        # The k-th largest of the slices' largest is at most the k-th largest of all, and so is that of the invocations', where slices are
        # few. It leaves a small part of the vocabulary to look at.
        has_slices = fixed("has_slices", T.Cast("int32", draw.top_k * T.uint32(4) <= T.uint32(3 * candidates.slices))) != 0
        own_largest = candidates.largest_of_own(T.And(is_asked, T.Not(has_slices)))

        def tops(floor: Expr) -> Iterator[Expr]:
            top = local("top", 1)
            with T.serial(T.Select(has_slices, ceildiv(candidates.slices, THREADS), 1)) as step:
                index = fixed("index", step * THREADS + draw.thread)
                store(top, T.Select(has_slices, T.float32(LOWEST), own_largest[0]), 0)
                with when(T.And(has_slices, index < candidates.slices)):
                    store(top, candidates.slice_largest[index], 0)
                with when(top[0] >= floor):
                    yield top[0]

        def logits(floor: Expr) -> Iterator[Expr]:
            for _, logit in candidates.each(lambda value: value >= floor):
                yield logit

        store(bounds, above_all, 1)
        find_kth_largest(self.variant, T.Select(is_asked, NEAR_ROUNDS, 0), bounds, k, tops, draw.thread)
        candidates.gather(is_asked, fixed("gathered_floor", unordered(bounds[0]), "float32"))
        store(bounds, above_all, 1)
        find_kth_largest(self.variant, T.Select(is_asked, TOP_K_ROUNDS, 0), bounds, k, logits, draw.thread)
        with when(is_asked):
            store(self.floor, unordered(bounds[0]), 0)
        with T.serial(T.Select(T.And(is_asked, draw.has_nucleus), 1, 0)):
            floor = fixed("floor", self.floor[0], "float32")
            store(self.weight, T.float32(0), 0)
            for _, logit in candidates.each(lambda value: value >= floor):
                store(self.weight, self.weight[0] + T.exp(logit - self.largest), 0)
            reduce_all(self.variant, self.weight, 1, lane=draw.thread, width=THREADS)

    def draw_inside(self) -> None:
        """Draw again, from above the token drawn, while that is below the floor, or the tokens above it have probability top_p or more."""
        draw, thread, largest = self.draw, self.draw.thread, self.largest
        with when(draw.has_min_p):
            store(self.floor, T.max(self.floor[0], largest + T.log(draw.min_p)), 0)
        floor = fixed("floor", T.min(self.floor[0], largest), "float32")  # whatever was rounded, the likeliest token is inside
        limit = fixed("limit", draw.top_p * self.weight[0], "float32")
        drawn, outside = shared("drawn", 1, "int32"), shared("outside", 1, "int32")
        above = local("above", 1)
        with T.serial(T.Select(draw.restricted, ROUNDS, 0)):
            with when(thread == 0):
                store(drawn, draw.best.token, 0)
            last = fixed("last", draw.logits[draw.row, uniform_load(drawn)], "float32")
            store(above, T.float32(0), 0)
            with when(draw.has_nucleus):
                for _, logit in self.candidates.each(lambda value: value > last):
                    store(above, above[0] + T.exp(logit - largest), 0)
            reduce_all(self.variant, above, 1, lane=thread, width=THREADS)
            with when(thread == 0):
                # Not outside where NaN is compared.
                is_below = T.And(largest > T.float32(LOWEST), last < floor)
                is_out = T.Or(is_below, T.And(above[0] > T.float32(0), above[0] >= limit))
                store(outside, T.Select(is_out, 1, 0), 0)
            with when(uniform_load(outside) == 0):
                T.Break()
            draw.best.clear()
            for token, logit in self.candidates.each(lambda value: T.And(value > last, value >= floor)):
                draw.offer(token, logit)
            draw.best.reduce()


class _Draw:
    """The settings of a row, and the best token so far."""

    def __init__(self, variant: Variant, vocab_size: int, logits: Buffer, sampling: Buffer, row: Expr, thread: Expr) -> None:
        if vocab_size > MAX_VOCABULARY:
            raise CompileError(f"a vocabulary of {vocab_size} tokens is too large to sample from, at most {MAX_VOCABULARY} are possible")
        self.variant, self.vocab_size, self.logits, self.row, self.thread = variant, vocab_size, logits, row, thread

        def number(name: str, word: int) -> Expr:
            return fixed(name, T.reinterpret("float32", sampling[row, word]), "float32")

        temperature = number("temperature", TEMPERATURE_WORD)
        self.top_p, self.min_p = number("top_p", TOP_P_WORD), number("min_p", MIN_P_WORD)
        self.top_k = fixed("top_k", sampling[row, TOP_K_WORD], "uint32")
        self.noisy = temperature > T.float32(0)
        self.has_nucleus = T.And(self.noisy, self.top_p < T.float32(1))
        self.has_top_k = T.And(self.noisy, self.top_k > T.uint32(0))
        self.has_min_p = T.And(self.noisy, self.min_p > T.float32(0))
        self.restricted = T.Or(T.Or(self.has_nucleus, self.has_top_k), self.has_min_p)
        self.inverse = fixed("inverse", T.float32(1) / T.max(temperature, T.float32(MIN_TEMPERATURE)), "float32")
        self.seed = [sampling[row, SEED_WORD], sampling[row, SEED_WORD + 1], sampling[row, STEP_WORD]]
        self.best = Largest(variant, thread)
        self._noisy_value = local("noisy_value", 1)

    def slice(self, block: Expr) -> Iterator[tuple[Expr, Expr]]:
        """A loop over this invocation's part of a slice: yields its (token, logit) once, for the body to be emitted."""
        with T.serial(SLICE // THREADS) as i:
            token = fixed("token", block * SLICE + i * THREADS + self.thread)
            with when(token < self.vocab_size):
                yield token, let("logit", self.logits[self.row, token])

    def offer(self, token: Expr, logit: Expr) -> None:
        store(self._noisy_value, logit, 0)
        with when(T.And(self.noisy, logit > T.float32(LOWEST))):
            bits = hash_words([T.Cast("uint32", token), *self.seed])
            store(self._noisy_value, logit * self.inverse - T.log(negative_log_uniform(bits)), 0)
        self.best.offer(self._noisy_value[0], token)


def _scalar(name: str, value: float) -> Buffer:
    scalar = local(name, 1)
    store(scalar, T.float32(value), 0)
    return scalar
