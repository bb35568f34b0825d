"""Rows of a quantized table: the embeddings of tokens."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.ops import units
from webllm_build.compile.cpu.unpack import QUADS, values_of
from webllm_build.compile.kernels.linear.epilogue import PLAIN, weight_buffers
from webllm_build.compile.kernels.tir.ops import VEC, Kernel, let, splat, store, token_count, vec, when
from webllm_build.quantize import GROUP, Part


def embed(part: Part, table_rows: int | None, scale: float = 1.0, count: int | None = None, of_pictures: int = 0) -> PrimFunc:
    """As kernels/embed.py; a unit is a token."""
    rows, columns = part.shape
    PLAIN.check(rows, columns)
    blocks = columns // GROUP
    with Kernel() as kernel:
        n = token_count(count)
        tokens = None if table_rows is None else kernel.buffer("tokens", (n,), "int32")
        vectors = kernel.buffer("vectors", (n, of_pictures), "float32") if of_pictures else None
        weight = weight_buffers(kernel, part.scheme, rows, columns)
        out = kernel.buffer("out", (n, columns), "float32")
        with units(n) as token:
            row, is_text = token, True
            if tokens is not None and table_rows is not None:
                row = let("row", T.max(T.min(tokens[token], table_rows - 1), 0) - part.first)
                is_text = True if vectors is None else tokens[token] >= 0
            with when(is_text), when(table_rows in (None, rows) or T.And(row >= 0, row < rows)), T.serial(blocks) as block:
                for j, value in enumerate(values_of(part.scheme, weight, row * blocks + block)):
                    store(out, value if scale == 1 else value * splat(T.float32(scale)), token, vec(block * QUADS + j))
            if tokens is not None and vectors is not None and part.first == 0:
                with when(tokens[token] < 0), T.serial(columns // VEC) as column:
                    store(out, vectors[token, vec(column)], token, vec(column))
    return kernel.func
