"""Random numbers that are a function of a counter, so that a token depends on nothing but its seed and step."""

from __future__ import annotations

from collections.abc import Sequence

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import Expr


def hash_words(words: Sequence[Expr]) -> Expr:
    """32 random bits for four uint32: pcg4d of Jarzynski and Olano, "Hash Functions for GPU Rendering", JCGT 9(3), 2020."""
    v = [fixed("mixed", word * T.uint32(1664525) + T.uint32(1013904223), "uint32") for word in words]
    _stir(v)
    v = [fixed("mixed", T.bitwise_xor(x, T.shift_right(x, T.uint32(16))), "uint32") for x in v]
    _stir(v)
    return v[3]


def _stir(v: list[Expr]) -> None:
    for target, a, b in ((0, 1, 3), (1, 2, 0), (2, 0, 1), (3, 1, 2)):
        v[target] = fixed("mixed", v[target] + v[a] * v[b], "uint32")


def negative_log_uniform(bits: Expr) -> Expr:
    """-log(1 - v) for v = (bits + 1/2) / 2^32, an exponentially distributed number > 0; exact to float32 also for small v."""
    v = fixed("v", (T.Cast("float32", bits) + T.float32(0.5)) * T.float32(2**-32), "float32")
    series = v * (T.float32(1) + v * (T.float32(1 / 2) + v * T.float32(1 / 3)))
    # Bits near 2^32 round v to 1.
    tail = T.float32(0) - T.log(T.float32(1) - T.min(v, T.float32(1 - 2**-24)))
    return T.Select(v < T.float32(2**-7), series, tail)
