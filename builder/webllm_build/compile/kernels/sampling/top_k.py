"""The k-th largest of many numbers, without sorting them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.sampling.largest import THREADS
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, local, shared, store, when
from webllm_build.compile.kernels.tir.reduce import reduce_all
from webllm_build.compile.kernels.tir.uniform import uniform_load
from webllm_build.compile.target import Variant

PIVOTS = 7  # one round counts what is above so many numbers: three bits of the answer
ROUNDS = 12  # a number has 32 bits; fewer rounds are needed where numbers lie apart
NEAR_ROUNDS = 6  # to within a thousandth of the answer
_SIGN = 1 << 31


def find_kth_largest(variant: Variant, rounds: Expr, bounds: Buffer, k: Expr, each: Callable[[Expr], Iterator[Expr]], thread: Expr) -> None:
    """Narrow `bounds` until the k-th largest number is bounds[0] or more, and what is at least bounds[0] are the k largest, and equals.

    bounds: uint32[2], local, the same in every invocation: `ordered` numbers of which at least k are at least [0], and fewer [1]. Where
    fewer than k numbers are at least [0], that stays. rounds: ROUNDS, fewer for a bound that is near it, or 0 to do nothing. each(floor): a
    loop over this invocation's numbers that are at least `floor` (float32); it yields one, once, for the body to be emitted. Numbers that
    are NaN do not count.
    """
    counts = local("counts", PIVOTS)
    found = shared("found", 1, "int32")
    with T.serial(rounds):
        step = fixed("step", T.max((bounds[1] - bounds[0]) // T.uint32(PIVOTS + 1), T.uint32(1)), "uint32")
        low = fixed("low", bounds[0], "uint32")
        pivots = [fixed("pivot", low + step * T.uint32(i + 1), "uint32") for i in range(PIVOTS)]
        numbers = [fixed("number", unordered(pivot), "float32") for pivot in pivots]
        for i in range(PIVOTS):
            store(counts, T.float32(0), i)
        for value in each(fixed("floor", unordered(low), "float32")):
            for i in range(PIVOTS):
                store(counts, counts[i] + T.Select(value >= numbers[i], T.float32(1), T.float32(0)), i)
        reduce_all(variant, counts, PIVOTS, lane=thread, width=THREADS)
        for i in range(PIVOTS):
            with when(T.And(counts[i] >= k, pivots[i] < bounds[1])):
                store(bounds, pivots[i], 0)
                with when(counts[i] == k):
                    store(bounds, pivots[i] + T.uint32(1), 1)
            with when(counts[i] < k):
                store(bounds, T.min(bounds[1], pivots[i]), 1)
        with when(thread == 0):
            store(found, T.Select(bounds[1] - bounds[0] <= T.uint32(1), 1, 0), 0)
        with when(uniform_load(found) != 0):
            T.Break()


def ordered(value: Expr) -> Expr:
    """uint32, in the order of the float32."""
    bits = fixed("bits", T.reinterpret("uint32", value), "uint32")
    return T.bitwise_xor(bits, T.Select(bits >= T.uint32(_SIGN), T.uint32(0xFFFFFFFF), T.uint32(_SIGN)))


def unordered(bits: Expr) -> Expr:
    """The inverse of `ordered`."""
    return T.reinterpret("float32", T.bitwise_xor(bits, T.Select(bits >= T.uint32(_SIGN), T.uint32(_SIGN), T.uint32(0xFFFFFFFF))))
