"""The operators of towers of convolutions in Relax: places of pictures' grids are rows, of which a call's patch has many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tvm import tirx
from tvm.relax.frontend import nn

from webllm_build.compile import computed
from webllm_build.compile.inputs import Inputs, rows
from webllm_build.compile.row_counts import for_rows
from webllm_build.model.ops import Function
from webllm_build.model.vision.ops import Convolution
from webllm_build.model.weights import Weight


@dataclass(frozen=True)
class GridKernels:
    """They take what kernels/grids.py says, and give each kernel once: layers share them."""

    convolve: Callable[[Convolution, Function | None], tirx.PrimFunc]
    attend: Callable[[int, int, int], tirx.PrimFunc]
    squeeze: Callable[[int, int], tirx.PrimFunc]


class GridOperators:
    """As TowerOperators has them."""

    inputs: Inputs
    grid_kernels: GridKernels

    def convolve(
        self, x: nn.Tensor | None, convolution: Convolution, weight: Weight, bias: Weight, activation: Function | None
    ) -> nn.Tensor:
        given = self.inputs.io["patches"] if x is None else x
        places = (convolution.patch // convolution.stride) ** 2
        count = given.shape[0] * places if convolution.patch else given.shape[0] // convolution.stride**2
        out = nn.Tensor.placeholder([count, convolution.outputs], "float32")
        kernel = for_rows(self.grid_kernels.convolve(convolution, activation), out)
        return nn.op.tensor_ir_op(kernel, "convolve_places", [given, *self.buffers(weight), *self.buffers(bias)], out)

    def attend(self, qkv: nn.Tensor, heads: int, count: int) -> nn.Tensor:
        columns = int(qkv.shape[1]) // 3
        kernel = for_rows(self.grid_kernels.attend(heads, columns // heads, count), qkv)
        return nn.op.tensor_ir_op(kernel, "attend", [qkv], rows(qkv, columns))

    def squeeze(self, x: nn.Tensor, count: int) -> nn.Tensor:
        columns = int(x.shape[1])
        out = nn.Tensor.placeholder([x.shape[0] // count, columns], "float32")
        return nn.op.tensor_ir_op(for_rows(self.grid_kernels.squeeze(columns, count), out), "squeeze", [x], out)

    def excite(self, x: nn.Tensor, gates: nn.Tensor, count: int) -> nn.Tensor:
        columns = int(x.shape[1])
        return nn.op.tensor_ir_op(computed.excite(columns, count), "excite", [x, gates], rows(x, columns))

    def buffers(self, weight: Weight) -> list[nn.Tensor]:
        """Of a weight."""
        return [buffer for matrix in self.inputs.weights[weight.name] for buffer in matrix.buffers]
