"""The noise that draws a token: kernels/sampling/random_bits.py, in vectors."""

from __future__ import annotations

from collections.abc import Sequence

from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.ops import constant, integer, log
from webllm_build.compile.kernels.tir.ops import VEC, Expr, let


def gumbel(tokens: Expr, seed: Sequence[Expr]) -> Expr:
    """Of four tokens, float32x4, for a seed's two words and the number of the draw."""
    words = [T.Cast("uint32x4", tokens), *(T.Broadcast(word, VEC) for word in seed)]
    return constant(0, tokens) - log(_negative_log_uniform(_hash(words)))


def _hash(words: Sequence[Expr]) -> Expr:
    """pcg4d, as `hash_words`."""
    v = [let("mixed", word * integer(1664525, word) + integer(1013904223, word)) for word in words]
    _stir(v)
    v = [let("mixed", T.bitwise_xor(x, T.shift_right(x, integer(16, x)))) for x in v]
    _stir(v)
    return v[3]


def _stir(v: list[Expr]) -> None:
    for target, a, b in ((0, 1, 3), (1, 2, 0), (2, 0, 1), (3, 1, 2)):
        v[target] = let("mixed", v[target] + v[a] * v[b])


def _negative_log_uniform(bits: Expr) -> Expr:
    """As `negative_log_uniform`."""
    v = let("v", (T.Cast("float32x4", bits) + constant(0.5, bits)) * constant(2**-32, bits))
    series = v * (constant(1, v) + v * (constant(1 / 2, v) + v * constant(1 / 3, v)))
    tail = constant(0, v) - log(constant(1, v) - T.min(v, constant(1 - 2**-24, v)))
    return let("exponential", T.Select(v < constant(2**-7, v), series, tail))
