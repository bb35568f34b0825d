"""What layers get of each token beside their input."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import VEC, Kernel, inverse_rms, launch, let, local, splat, store, token_count, vec, when
from webllm_build.compile.kernels.tir.rows import Row, square
from webllm_build.compile.target import Variant

THREADS = 64


def layer_inputs(variant: Variant, tokens: int | None, columns: int, count: int, first: int, outputs: int, eps: float) -> PrimFunc:
    """out_i[t] = (norm_weight * p / sqrt(mean(p²) + eps) + r) / sqrt(2), where p and r are the columns of layer first + i of projected[t]
    and rows[t]; of `outputs` layers out of `count`. tokens: symbolically many where None.

    Parameters: projected and rows float32[n, count * columns], norm_weight float32[columns], out_i float32[n, columns]. A workgroup has a
    layer of a row.
    """
    vectors = columns // VEC
    with Kernel() as kernel:
        n = token_count(tokens)
        projected, rows = (kernel.buffer(name, (n, count * columns), "float32") for name in ("projected", "rows"))
        weight = kernel.buffer("norm_weight", (columns,), "float32")
        outs = [kernel.buffer(f"out{i}", (n, columns), "float32") for i in range(outputs)]
        with launch([n * outputs], [THREADS]) as ((block,), (thread,)):
            row, layer = fixed("row", block // outputs), fixed("layer", block % outputs)
            start = fixed("start", (layer + first) * vectors)
            of_row, squares = Row(variant, vectors, THREADS, thread), local("squares", 1)
            of_row.sum(squares, lambda column: square(projected[row, vec(start + column)]))
            scale = fixed("scale", inverse_rms(squares[0], columns, eps), "float32")
            with of_row.each() as column:
                normed = projected[row, vec(start + column)] * splat(scale) * weight[vec(column)]
                value = let("value", (normed + rows[row, vec(start + column)]) * splat(T.float32(0.5**0.5)))
                for number, out in enumerate(outs):
                    with when(layer == number):
                        store(out, value, row, vec(column))
    return kernel.func
