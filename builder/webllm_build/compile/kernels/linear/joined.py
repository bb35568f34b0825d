"""An input that a matrix-vector kernel makes itself: what a block computed, behind its norm, joins the residual stream (add_norm.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from webllm_build.compile.kernels.add_norm import joined
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, Kernel, inverse_rms, store, vec, when
from webllm_build.compile.kernels.tir.rows import square, sum_of_row
from webllm_build.compile.target import Variant


@dataclass(frozen=True)
class Join:
    """What add_norm is given beside its tensors."""

    eps: float
    scaled: bool

    def inputs(self, kernel: Kernel, k: int) -> JoinInputs:
        """Declare x float32[1, k], join_weight float32[k], join_residual float32[1, k] and, where it is scaled, join_scalar float32[1]."""
        x = kernel.buffer("x", (1, k), "float32")
        weight, residual = kernel.buffer("join_weight", (k,), "float32"), kernel.buffer("join_residual", (1, k), "float32")
        return JoinInputs(self.eps, x, weight, residual, kernel.buffer("join_scalar", (1,), "float32") if self.scaled else None)

    def output(self, kernel: Kernel, k: int) -> Buffer:
        """Declare joined float32[1, k]."""
        return kernel.buffer("joined", (1, k), "float32")


@dataclass(frozen=True, eq=False)
class JoinInputs:
    """The buffers that a sum is made of."""

    eps: float
    x: Buffer
    weight: Buffer
    residual: Buffer
    scalar: Buffer | None

    def made(self, variant: Variant, out: Buffer, workgroup: Expr, threads: int, thread: Expr) -> JoinedInput:
        """What each workgroup makes of them, and the first stores."""
        k = int(self.x.shape[1])
        squares = sum_of_row(variant, k // 4, threads, thread, lambda column: square(self.x[0, vec(column)]))
        return JoinedInput(self, fixed("join_scale", inverse_rms(squares, k, self.eps), "float32"), out, workgroup)


class JoinedInput:
    """An input of MadeInputs. Bit for bit what add_norm gives."""

    in_workgroup = False

    def __init__(self, inputs: JoinInputs, scale: Expr, out: Buffer, workgroup: Expr) -> None:
        self._inputs, self._scale, self._out, self._workgroup = inputs, scale, out, workgroup
        self.shape = (1, int(inputs.x.shape[1]))

    def quads(self, vector: Expr, columns: Sequence[Expr]) -> list[Expr]:
        of = self._inputs
        return [joined(of.x, of.weight, of.residual, of.scalar, self._scale, vector, column) for column in columns]

    def keep(self, quad: Expr, is_real: Expr, vector: Expr, column: Expr) -> None:
        with when(is_real), when(self._workgroup == 0):
            store(self._out, quad, vector, vec(column))
