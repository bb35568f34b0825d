"""What the kernels of linear layers share: weight buffers and epilogues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.tir.ops import Buffer, Expr, Kernel, store, when
from webllm_build.errors import CompileError
from webllm_build.quantize import GROUP, Scheme

QUADS = GROUP // 4  # float32x4 in a block of weights

Epilogue = Literal["none", "residual", "silu_mul"]


def check_shape(n: int, k: int, epilogue: Epilogue) -> None:
    """Raises CompileError for shapes that the kernels cannot take."""
    if k % GROUP:
        raise CompileError(f"a linear layer of {k} inputs: kernels need a multiple of {GROUP}")
    if epilogue == "silu_mul" and n % 2:
        raise CompileError(f"gate and up interleaved make {n} rows, which is odd")


def weight_buffers(kernel: Kernel, scheme: Scheme, n: int, k: int) -> list[Buffer]:
    """Parameters `w_<suffix>` of a weight [n, k]."""
    return [kernel.buffer(f"w_{spec.suffix}", spec.shape, spec.dtype) for spec in scheme.buffers(n, k)]


def out_columns(n: int, epilogue: Epilogue) -> int:
    return n // 2 if epilogue == "silu_mul" else n


def silu(x: Expr) -> Expr:
    """x * sigmoid(x). The exponent is bounded because WGSL leaves an overflow of exp undefined."""
    return x / (T.float32(1) + T.exp(T.min(T.float32(0) - x, T.float32(80))))


def weight_row(position: Expr, width: int, epilogue: Epilogue) -> Expr:
    """The weight row of a position of the tile. With silu_mul gates come first, so that an invocation, whose positions are
    width/columns apart, holds the gate and the up of the same channels."""
    if epilogue != "silu_mul":
        return position
    return position % (width // 2) * 2 + position // (width // 2)


def store_row(sums: Sequence[Expr], epilogue: Epilogue, residual: Buffer | None, out: Buffer, token: Expr, first: Expr, step: int) -> None:
    """Store one token's outputs at columns first, first + step, ..."""
    columns = int(out.shape[1])
    half = len(sums) // 2
    outputs = sums
    if epilogue == "silu_mul":
        outputs = [silu(gate) * up for gate, up in zip(sums[:half], sums[half:], strict=True)]
    for j, y in enumerate(outputs):
        column = first + j * step
        with when(column < columns):
            store(out, y if residual is None else residual[token, column] + y, token, column)
