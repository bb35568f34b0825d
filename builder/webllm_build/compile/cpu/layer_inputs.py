"""What layers get of each token beside their input."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.norm import inverse_rms
from webllm_build.compile.cpu.ops import units
from webllm_build.compile.kernels.tir.ops import VEC, Kernel, let, splat, store, token_count, vec


def layer_inputs(tokens: int | None, columns: int, count: int, first: int, outputs: int, eps: float) -> PrimFunc:
    """As kernels/layer_inputs.py; a unit is a token. tokens: see token_count."""
    vectors = columns // VEC
    with Kernel() as kernel:
        n = token_count(tokens)
        projected, rows = (kernel.buffer(name, (n, count * columns), "float32") for name in ("projected", "rows"))
        weight = kernel.buffer("norm_weight", (columns,), "float32")
        outs = [kernel.buffer(f"out{i}", (n, columns), "float32") for i in range(outputs)]
        with units(n) as token:
            for layer, out in enumerate(outs, first):
                scale = splat(let("scale", inverse_rms(projected, token, columns, eps, layer * columns)))
                with T.serial(vectors) as i:
                    at = (token, vec(layer * vectors + i))
                    store(out, (projected[at] * scale * weight[vec(i)] + rows[at]) * splat(T.float32(0.5**0.5)), token, vec(i))
    return kernel.func
