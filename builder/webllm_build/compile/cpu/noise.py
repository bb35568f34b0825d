"""The noise that draws a token: kernels/sampling/random_bits.py, in vectors."""

from __future__ import annotations

from collections.abc import Sequence

from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.ops import at, constant, integer, log
from webllm_build.compile.kernels.tir.ops import VEC, Buffer, Expr, let, local, store


def gumbel(tokens: Expr, seed: Sequence[Expr]) -> Expr:
    """Of four tokens, float32x4, for a seed's two words and the number of the draw."""
    words = [T.Cast("uint32x4", tokens), *(T.Broadcast(word, VEC) for word in seed)]
    return constant(0, tokens) - log(_negative_log_uniform(_hash(words)))


def _hash(words: Sequence[Expr]) -> Expr:
    """pcg4d, as `hash_words`. In memory that becomes registers: TVM would analyse what is named, all of it again for each name."""
    v = local("mixed", len(words) * VEC, "uint32")
    for i, word in enumerate(words):
        store(v, _multiply_add(word, integer(1664525, word), integer(1013904223, word)), at(i))
    _stir(v)
    for i, word in enumerate(words):
        store(v, T.bitwise_xor(v[at(i)], T.shift_right(v[at(i)], integer(16, word))), at(i))
    _stir(v)
    return v[at(3)]


def _stir(v: Buffer) -> None:
    for target, a, b in ((0, 1, 3), (1, 2, 0), (2, 0, 1), (3, 1, 2)):
        store(v, _multiply_add(v[at(a)], v[at(b)], v[at(target)]), at(target))


def _multiply_add(a: Expr, b: Expr, c: Expr) -> Expr:
    """a * b + c modulo 2**32. TVM tells LLVM that products of 32 bits do not overflow; of 64 bits, whose upper half goes, that is true."""
    a, b, c = (T.Cast("uint64x4", each) for each in (a, b, c))
    return T.Cast("uint32x4", a * b + c)


def _negative_log_uniform(bits: Expr) -> Expr:
    """As `negative_log_uniform`."""
    v = let("v", (T.Cast("float32x4", bits) + constant(0.5, bits)) * constant(2**-32, bits))
    series = v * (constant(1, v) + v * (constant(1 / 2, v) + v * constant(1 / 3, v)))
    tail = constant(0, v) - log(constant(1, v) - T.min(v, constant(1 - 2**-24, v)))
    return let("exponential", T.Select(v < constant(2**-7, v), series, tail))
