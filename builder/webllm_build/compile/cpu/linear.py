"""Matrix products with float32 activations."""

from __future__ import annotations

from collections.abc import Sequence

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.epilogue import Outputs
from webllm_build.compile.cpu.ops import at, sums_of, units, zeros
from webllm_build.compile.cpu.unpack import QUADS, values_of
from webllm_build.compile.kernels.linear.epilogue import Epilogue, weight_buffers
from webllm_build.compile.kernels.tir.ops import VEC, Buffer, Expr, Kernel, ceildiv, let, local, splat, store, token_count, total, vec
from webllm_build.quantize import GROUP, Scheme

ROWS = 4  # of the weight, whose products with a token a loop sums
TOKENS = 16  # at most, that a block is unpacked for once


def linear(tokens: int | None, scheme: Scheme, n: int, k: int, epilogue: Epilogue) -> PrimFunc:
    """out[t] = epilogue of the weight [n, k] times x[t]. A unit is ROWS of the weight, and all tokens. tokens: see token_count.

    Parameters: x float32[m, k], w_<suffix> of the weight, those of the epilogue, out float32[m, epilogue.columns(n)].
    """
    epilogue.check(n, k)
    with Kernel() as kernel:
        m = token_count(tokens)
        x = kernel.buffer("x", (m, k), "float32")
        weight = weight_buffers(kernel, scheme, n, k)
        outputs = Outputs(kernel, epilogue, m, n)
        with units(ceildiv(n, ROWS)) as unit:
            # Beyond the last row that one again, whose products are not stored.
            rows = [let("row", T.min(unit * ROWS + i, n - 1)) for i in range(ROWS)]
            if tokens == 1:
                outputs.store_rows(products(scheme, weight, rows, x, T.int32(0)), 0, unit * ROWS)
            else:
                with T.serial(ceildiv(m, TOKENS)) as group:
                    start, count = let("start", group * TOKENS), let("count", T.min(m - group * TOKENS, TOKENS))
                    with T.If(count == 1):
                        with T.Then():
                            outputs.store_rows(products(scheme, weight, rows, x, start), start, unit * ROWS)
                        with T.Else():
                            sums = _several(scheme, weight, unit, n, x, start, count)
                            with T.serial(count) as i:
                                outputs.store_rows(sums_of([sums[at(i * ROWS + row)] for row in range(ROWS)]), start + i, unit * ROWS)
    return kernel.func


def _several(scheme: Scheme, weight: Sequence[Buffer], unit: Expr, n: int, x: Buffer, start: Expr, count: Expr) -> Buffer:
    """The sums of ROWS rows for each of several tokens, added up in the order of `products`. Emits loops."""
    blocks, sums = int(x.shape[1]) // GROUP, local("sums", TOKENS * ROWS * VEC)
    with T.serial(count * ROWS) as i:
        store(sums, splat(T.float32(0)), at(i))
    with T.serial(blocks) as block, T.serial(ROWS) as i:
        row = T.min(unit * ROWS + i, n - 1)
        values = [let("value", value) for value in values_of(scheme, weight, row * blocks + block)]
        with T.serial(count) as token:
            inputs = [x[start + token, vec(block * QUADS + j)] for j in range(QUADS)]
            added = [value * input for value, input in zip(values, inputs, strict=True)]
            store(sums, total([sums[at(token * ROWS + i)], *added]), at(token * ROWS + i))
    return sums


def products(scheme: Scheme, weight: Sequence[Buffer], rows: Sequence[Expr], x: Buffer, token: Expr) -> Expr:
    """Of ROWS rows of a weight and one of x, as a vector. Emits a loop."""
    blocks = int(x.shape[1]) // GROUP
    sums = zeros("sums", ROWS)
    with T.serial(blocks) as block:
        inputs = [let("x", x[token, vec(block * QUADS + j)]) for j in range(QUADS)]
        for i, row in enumerate(rows):
            for value, input in zip(values_of(scheme, weight, row * blocks + block), inputs, strict=True):
                store(sums, sums[at(i)] + value * input, at(i))
    return sums_of([let("sum", sums[at(i)]) for i in range(ROWS)])
