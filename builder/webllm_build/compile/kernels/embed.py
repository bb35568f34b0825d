"""Rows of a quantized table: the embeddings of tokens."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.dequantize import load_block
from webllm_build.compile.kernels.linear.epilogue import PLAIN, QUADS, weight_buffers
from webllm_build.compile.kernels.tir.ops import Kernel, ceildiv, launch, let, splat, store, token_count, vec, when
from webllm_build.compile.target import Variant
from webllm_build.quantize import GROUP, Part

THREADS = 64


def embed(
    variant: Variant, part: Part, table_rows: int | None, scale: float = 1.0, count: int | None = None, of_pictures: int = 0
) -> PrimFunc:
    """out[t] = scale * table[tokens[t]] of the tokens whose rows are in this part of the table; the same in every variant. An id outside
    the table is its nearest row's. table_rows None: out[t] = scale * part[t], and there are no tokens. count: of
    tokens, symbolically many where None. of_pictures: out[t] is the beginning of vectors[t] where an id is negative.

    Parameters: tokens int32[n] with symbolic n, vectors float32[n, of_pictures] where that is not 0, w_<suffix> of the part
    [rows, columns], out float32[n, columns].
    Raises CompileError where columns are not a multiple of 32.
    """
    scheme, (rows, columns) = part.scheme, part.shape
    PLAIN.check(rows, columns)
    blocks = columns // GROUP
    with Kernel() as kernel:
        n = token_count(count)
        tokens = None if table_rows is None else kernel.buffer("tokens", (n,), "int32")
        vectors = kernel.buffer("vectors", (n, of_pictures), "float32") if of_pictures else None
        weight = weight_buffers(kernel, scheme, rows, columns)
        out = kernel.buffer("out", (n, columns), "float32")
        # One block of 32 weights an invocation.
        with launch([ceildiv(n * blocks, THREADS)], [THREADS]) as ((workgroup,), (thread,)):
            index = let("index", workgroup * THREADS + thread)
            with when(index < n * blocks):
                token, block = index // blocks, index % blocks
                row, is_text = token, True
                if tokens is not None and table_rows is not None:
                    row = let("row", T.max(T.min(tokens[token], table_rows - 1), 0) - part.first)
                    is_text = True if vectors is None else tokens[token] >= 0
                with when(is_text), when(table_rows in (None, rows) or T.And(row >= 0, row < rows)):
                    values = load_block(scheme, weight, row * blocks + block)
                    for j in range(QUADS):
                        value = values.values(j)
                        store(out, value if scale == 1 else value * splat(T.float32(scale)), token, vec(block * QUADS + j))
                if tokens is not None and vectors is not None and part.first == 0:
                    with when(tokens[token] < 0):
                        for j in range(QUADS):
                            store(out, vectors[token, vec(block * QUADS + j)], token, vec(block * QUADS + j))
    return kernel.func
