"""Activations as 8-bit integers with a scale a block of 32, after a norm or as they are: round(x / scale), scale = largest / 127."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.norm import inverse_rms
from webllm_build.compile.cpu.ops import sum_of, units
from webllm_build.compile.cpu.rounding import codes_of, rounded, shifted_codes
from webllm_build.compile.cpu.unpack import QUADS
from webllm_build.compile.kernels.tir.ops import Expr, Kernel, let, splat, store, token_count, total, vec
from webllm_build.quantize import GROUP

SCALE, SUM = 0, 1  # places in out_s: of a block, its scale, and its scale times the sum of its codes


def quantize(tokens: int | None, k: int, *, interleaved: bool, norm_eps: float | None = None, each: int = 1) -> PrimFunc:
    """The codes of x[m], or of norm_weight * x / sqrt(mean(x²) + norm_eps). A unit is a row of x. tokens: see
    token_count; x has `each` rows for a token.

    Parameters: x float32[m, k], norm_weight float32[k] (with norm_eps), out_q uint32[m, k/4]: four codes a word, in order, or interleaved:
    quads 0, 2, 4, 6 and then 1, 3, 5, 7 of a block, as nibbles are unpacked; out_s float32[m, 2, k/32]: see SCALE and SUM.
    """
    blocks = k // GROUP
    with Kernel() as kernel:
        m = token_count(tokens) * each
        x = kernel.buffer("x", (m, k), "float32")
        norm_weight = kernel.buffer("norm_weight", (k,), "float32") if norm_eps is not None else None
        out_q = kernel.buffer("out_q", (m, k // 4), "uint32")
        out_s = kernel.buffer("out_s", (m, 2, blocks), "float32")
        with units(m) as token:
            factor = None if norm_eps is None else splat(let("factor", inverse_rms(x, token, k, norm_eps)))
            with T.serial(blocks) as block:

                def quad(j: int, block: Expr = block) -> Expr:
                    value = x[token, vec(block * QUADS + j)]
                    return value if norm_weight is None else value * factor * norm_weight[vec(block * QUADS + j)]

                scale, shifted = shifted_codes([quad(j) for j in range(QUADS)])
                for j, value in enumerate(shifted):
                    word = block * QUADS + (j // 2 + j % 2 * (QUADS // 2) if interleaved else j)
                    store(out_q, codes_of(value), token, word)
                summed = let("summed", scale * sum_of(total([rounded(value) for value in shifted])))
                for place, value in ((SCALE, scale), (SUM, summed)):
                    store(out_s, value, token, place, block)
    return kernel.func
