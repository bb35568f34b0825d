"""Choose the next token from the logits, on the GPU.

Greedy: the largest logit, the lowest id among equals. With a temperature: the largest of logit/temperature + Gumbel noise, which is a
draw from the softmax (Gumbel-max trick, arXiv 1411.0030). The noise is a hash of seed, step and id, so the same step draws the same.

top_p < 1 restricts the draw to the nucleus (arXiv 1904.09751): the smallest set {token: logit >= threshold} whose probability is at
least top_p. No threshold is searched for: a token is outside exactly where the tokens above it have probability top_p or more. A
draw that is outside is dropped together with everything not above it, and the rest is drawn from again with the same noise; the
result is the largest noisy logit of the nucleus. Most draws are inside, and a slice of the vocabulary without a logit above the
drawn one needs no look at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tvm.relax.frontend import nn
from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.abi_generated import HISTORY, MAX_ROWS, SAMPLING_WORDS, STATE_WORDS
from webllm_build.compile.kernels.sampling.random_bits import hash_words, negative_log_uniform
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
from webllm_build.compile.target import Variant

THREADS = 256
SLICE = 1024  # tokens of one workgroup of sample_partial
MAX_VOCABULARY = 2**20  # float32 holds its ids, and workgroup memory a number for each slice
LOWEST = -3.4e38
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
    """Of a row, float32: for each slice its largest noisy logit, that token's id, its largest logit, its sum of
    exp((logit - largest) / T)."""
    return [-(-vocab_size // SLICE), VEC]


def sample_partial(variant: Variant, vocab_size: int) -> PrimFunc:
    """What sample_pick must know of each slice of the vocabulary, for each of n rows.

    logits float32[n, vocab_size]; sampling uint32[>= n, SAMPLING_WORDS]: bits of the temperature (float32, 0 is greedy) and of top_p
    (float32, 1 is off), seed (two words), step; partial float32[n, *partial_shape].
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
            draw.reduce()
            reduce_all(variant, largest, 1, lane=thread, width=THREADS, operator="max")
            with when(draw.restricted):
                for _, logit in draw.slice(block):
                    store(weight, weight[0] + draw.weight(logit, largest[0]), 0)
            reduce_all(variant, weight, 1, lane=thread, width=THREADS)
            with when(thread == 0):
                found = extern("float32x4", "vec4f", draw.value[0], T.Cast("float32", draw.token), largest[0], weight[0])
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
                draw.offer_value(element(found, 0), T.Cast("int32", element(found, 1)))
                store(largest, T.max(largest[0], element(found, 2)), 0)
                store(slice_largest, element(found, 2), index)
            draw.reduce()
            reduce_all(variant, largest, 1, lane=thread, width=THREADS, operator="max")
            for _, found in each_slice():
                store(weight, weight[0] + element(found, 3) * draw.weight(element(found, 2), largest[0]), 0)
            reduce_all(variant, weight, 1, lane=thread, width=THREADS)
            _stay_in_nucleus(draw, slice_largest, slices, largest[0], weight[0])
            with when(thread == 0):
                store(tokens, draw.token, row)
                store(history, draw.token, T.bitwise_and(state[row, 2], HISTORY - 1))
    return kernel.func


def _stay_in_nucleus(draw: _Draw, slice_largest: Buffer, slices: int, largest: Expr, total_weight: Expr) -> None:
    """Draw again, from what is above the token drawn, while the tokens above it have probability top_p or more."""
    thread = draw.thread
    limit = fixed("limit", draw.top_p * total_weight, "float32")
    drawn, outside = shared("drawn", 1, "int32"), shared("outside", 1, "int32")
    above = local("above", 1)

    def slices_above(floor: Expr) -> Iterator[tuple[Expr, Expr]]:
        with T.serial(slices) as index:
            slice_top = let("slice_top", slice_largest[index])
            with when(slice_top > floor):
                for token, logit in draw.slice(index):
                    with when(logit > floor):
                        yield token, logit

    # A loop of no rounds and not a branch, where TVM would place no barriers.
    with T.serial(T.Select(draw.restricted, ROUNDS, 0)):
        with when(thread == 0):
            store(drawn, draw.token, 0)
        floor = fixed("floor", draw.logits[draw.row, _uniform_load(drawn)], "float32")
        store(above, T.float32(0), 0)
        for _, logit in slices_above(floor):
            store(above, above[0] + draw.weight(logit, largest), 0)
        reduce_all(draw.variant, above, 1, lane=thread, width=THREADS)
        with when(thread == 0):
            # Not outside where NaN is compared.
            store(outside, T.Select(T.And(above[0] > T.float32(0), above[0] >= limit), 1, 0), 0)
        with when(_uniform_load(outside) == 0):
            T.Break()
        draw.clear()
        for token, logit in slices_above(floor):
            draw.offer(token, logit)
        draw.reduce()


class _Draw:
    """The settings, and the best token so far: of this invocation, or after reduce() of the workgroup."""

    def __init__(self, variant: Variant, vocab_size: int, logits: Buffer, sampling: Buffer, row: Expr, thread: Expr) -> None:
        if vocab_size > MAX_VOCABULARY:
            raise ValueError(f"a vocabulary of {vocab_size} tokens is too large to sample from, at most {MAX_VOCABULARY} are possible")
        self.variant, self.vocab_size, self.logits, self.row, self.thread = variant, vocab_size, logits, row, thread
        temperature = fixed("temperature", T.reinterpret("float32", sampling[row, 0]), "float32")
        self.top_p = fixed("top_p", T.reinterpret("float32", sampling[row, 1]), "float32")
        self.noisy = temperature > T.float32(0)
        self.restricted = T.And(self.noisy, self.top_p < T.float32(1))
        self.inverse = fixed("inverse", T.float32(1) / T.max(temperature, T.float32(MIN_TEMPERATURE)), "float32")
        self.seed = [sampling[row, 2], sampling[row, 3], sampling[row, 4]]
        self.value, self._negative_token = local("value", 1), local("negative_token", 1)
        self._noisy_value = local("noisy_value", 1)
        self.clear()

    @property
    def token(self) -> Expr:
        return T.Cast("int32", T.float32(0) - self._negative_token[0])

    def clear(self) -> None:
        store(self.value, T.float32(LOWEST), 0)
        store(self._negative_token, T.float32(0), 0)

    def slice(self, block: Expr) -> Iterator[tuple[Expr, Expr]]:
        """A loop over this invocation's part of a slice: yields its (token, logit) once, for the body to be emitted."""
        with T.serial(SLICE // THREADS) as i:
            token = fixed("token", block * SLICE + i * THREADS + self.thread)
            with when(token < self.vocab_size):
                yield token, let("logit", self.logits[self.row, token])

    def weight(self, logit: Expr, largest: Expr) -> Expr:
        return T.exp((logit - largest) * self.inverse)

    def offer(self, token: Expr, logit: Expr) -> None:
        store(self._noisy_value, logit, 0)
        with when(self.noisy):
            bits = hash_words([T.Cast("uint32", token), *self.seed])
            store(self._noisy_value, logit * self.inverse - T.log(negative_log_uniform(bits)), 0)
        self.offer_value(self._noisy_value[0], token)

    def offer_value(self, value: Expr, token: Expr) -> None:
        """Ids must come in rising order: the first among equals stays."""
        with when(value > self.value[0]):
            store(self.value, value, 0)
            store(self._negative_token, T.float32(0) - T.Cast("float32", token), 0)

    def reduce(self) -> None:
        """The largest value of the workgroup, and of its tokens the lowest: the largest when negated."""
        own = let("own", self.value[0])
        reduce_all(self.variant, self.value, 1, lane=self.thread, width=THREADS, operator="max")
        with when(own < self.value[0]):
            store(self._negative_token, T.float32(LOWEST), 0)
        reduce_all(self.variant, self._negative_token, 1, lane=self.thread, width=THREADS, operator="max")


def _scalar(name: str, value: float) -> Buffer:
    scalar = local(name, 1)
    store(scalar, T.float32(value), 0)
    return scalar


def _uniform_load(word: Buffer) -> Expr:
    """A shared word, the same for all invocations also in the eyes of WGSL's uniformity analysis. Implies barriers."""
    return let("uniform_word", T.call_extern(word.dtype, "workgroupUniformLoad", extern(word.dtype, "&", word[0])))
