"""What kernels for CPUs are written with, beside kernels/tir/ops.py: units of work, vectors and elementary functions.

A kernel's work is a number of units, which threads take in any order: those of a call are independent of each other. Vectors have four
float32, as WebAssembly's do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.tir.ops import VEC, Buffer, Expr, element, let, local, size, splat, store

UNITS = "webllm.units"  # attribute of a kernel: how many it has, an expression of its sizes
FIRST, LAST = "first", "last"  # sizes: the units that a call computes
WRITTEN_OUT = 32  # vectors of a head of 128, which are written out one by one


@contextmanager
def units(count: Expr) -> Iterator[Expr]:
    """Open the loop over those of a kernel's units that a call computes; gives the unit. Once in a kernel, around all that it does."""
    T.func_attr({UNITS: count})
    with T.serial(size(FIRST), size(LAST)) as unit:
        yield unit


def zeros(name: str, vectors: int) -> Buffer:
    """Sums of a kernel: `vectors` float32x4, to be read and stored at vec(index)."""
    sums = local(name, vectors * VEC)
    for i in range(vectors):
        store(sums, splat(T.float32(0)), at(i))
    return sums


def at(index: Expr) -> Expr:
    """As `vec`, with a number: where it is known at build time, what is local stays in registers."""
    return T.ramp(index * VEC, 1, VEC)


def sum_of(vector: Expr) -> Expr:
    """Of the four elements."""
    vector = let("parts", vector)
    return (element(vector, 0) + element(vector, 1)) + (element(vector, 2) + element(vector, 3))


def joined(scalars: Sequence[Expr]) -> Expr:
    """Four scalars as a vector."""
    return T.Shuffle(list(scalars), [0, 1, 2, 3])


def sums_of(vectors: Sequence[Expr]) -> Expr:
    """The sums of the elements of each of four vectors, as a vector."""

    def pairs(a: Expr, b: Expr) -> Expr:
        return let("pairs", T.Shuffle([a, b], [0, 2, 4, 6]) + T.Shuffle([a, b], [1, 3, 5, 7]))

    a, b, c, d = vectors
    return pairs(pairs(a, b), pairs(c, d))


def turned(rows: Sequence[Expr]) -> list[Expr]:
    """Four vectors of four elements: the first elements of all, the second ones, and so on."""

    def zipped(a: Expr, b: Expr) -> list[Expr]:
        return [let("turned", T.Shuffle([a, b], places)) for places in ([0, 4, 1, 5], [2, 6, 3, 7])]

    a, b, c, d = rows
    return [row for even, odd in zip(zipped(a, c), zipped(b, d), strict=True) for row in zipped(even, odd)]


def each(vector: Expr, index: int) -> Expr:
    """An element of a vector of four in all of its places."""
    return T.Shuffle([vector], [index] * 4)


def like(value: Expr, x: Expr) -> Expr:
    """A scalar in as many lanes as x has."""
    lanes = x.ty.dtype.lanes
    return value if lanes == 1 else T.Broadcast(value, lanes)


def typed(kind: str, x: Expr) -> str:
    """A dtype with as many lanes as x has."""
    lanes = x.ty.dtype.lanes
    return kind if lanes == 1 else f"{kind}x{lanes}"


def constant(value: float, x: Expr) -> Expr:
    return like(T.float32(value), x)


def integer(value: int, x: Expr) -> Expr:
    """Of the type of x, or int32 for float32."""
    return like(T.uint32(value) if str(x.ty.dtype).startswith("uint32") else T.int32(value), x)


def polynomial(x: Expr, coefficients: Sequence[float]) -> Expr:
    """By Horner's rule, from the highest power on."""
    result = constant(coefficients[0], x)
    for coefficient in coefficients[1:]:
        result = result * x + constant(coefficient, x)
    return result


_ROUND = 1.5 * 2**23  # added to a float32 below 2**22, leaves the nearest integer in its lowest bits
_LN2_HIGH, _LN2_LOW = 0.693359375, -2.12194440e-4  # their sum is ln 2; products of the first with small integers are exact


def exp(x: Expr) -> Expr:
    """e**x of float32 in any number of lanes, within two units of the last place (Cephes' expf); of what leaves float32, its end.

    WebAssembly has no such instruction and the library no C library."""
    x = let("bounded", T.max(T.min(x, constant(88.3, x)), constant(-87.3, x)))
    shifted = let("shifted", x * constant(1.44269504088896341, x) + constant(_ROUND, x))
    power = let("power", shifted - constant(_ROUND, x))
    rest = let("rest", x - power * constant(_LN2_HIGH, x) - power * constant(_LN2_LOW, x))
    terms = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
    of_rest = polynomial(rest, terms) * rest * rest + rest + constant(1, x)
    bits = T.shift_left(T.reinterpret(typed("int32", x), shifted), integer(23, x)) + integer(127 << 23, x)
    return of_rest * T.reinterpret(typed("float32", x), bits)


def log(x: Expr) -> Expr:
    """ln x of positive, normal float32 in any number of lanes, within two units of the last place (Cephes' logf)."""
    bits = let("bits", T.reinterpret(typed("int32", x), x))
    power = let("power", T.shift_right(bits - integer(0x3F3504F3, x), integer(23, x)))  # the rest lies from sqrt(1/2) to sqrt(2)
    rest = let("rest", T.reinterpret(typed("float32", x), bits - T.shift_left(power, integer(23, x))) - constant(1, x))
    exponent = let("exponent", T.Cast(typed("float32", x), power))
    terms = (
        7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1,
        -2.4999993993e-1, 3.3333331174e-1,
    )  # fmt: skip
    square = let("square", rest * rest)
    low = polynomial(rest, terms) * rest * square + exponent * constant(_LN2_LOW, x) - square * constant(0.5, x)
    return rest + low + exponent * constant(_LN2_HIGH, x)
