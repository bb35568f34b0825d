"""Matrix products with float32 activations."""

from __future__ import annotations

from collections.abc import Sequence

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.epilogue import Outputs
from webllm_build.compile.cpu.ops import at, sums_of, units, zeros
from webllm_build.compile.cpu.unpack import QUADS, values_of
from webllm_build.compile.kernels.linear.epilogue import Epilogue, weight_buffers
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, Kernel, ceildiv, let, store, token_count, vec
from webllm_build.quantize import GROUP, Scheme

ROWS = 4  # of the weight, whose products with a token a loop sums


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
            with T.serial(m) as token:
                outputs.store_rows(products(scheme, weight, rows, x, token), token, unit * ROWS)
    return kernel.func


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
