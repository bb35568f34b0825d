"""What becomes of the sums of a linear layer on a CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.ops import constant, exp
from webllm_build.compile.kernels.linear.epilogue import Epilogue
from webllm_build.compile.kernels.tir.ops import Expr, Kernel, let, store, when
from webllm_build.model.ops import Activation


def silu(x: Expr) -> Expr:
    """x * sigmoid(x)."""
    return x / (constant(1, x) + exp(constant(0, x) - x))


def gelu_tanh(x: Expr) -> Expr:
    """As kernels/linear/epilogue.py has it: x * sigmoid of twice tanh's argument."""
    twice = x * (constant(1.5957691, x) + constant(0.071354814, x) * x * x)
    return x / (constant(1, x) + exp(constant(0, x) - twice))


GATES: Mapping[Activation, Callable[[Expr], Expr]] = {"silu_mul": silu, "gelu_tanh_mul": gelu_tanh}


class Outputs:
    """The parameters of an epilogue, and out float32[m, epilogue.columns(n)]."""

    def __init__(self, kernel: Kernel, epilogue: Epilogue, m: Expr, n: int) -> None:
        self._epilogue, self._n = epilogue, n
        self._bias = kernel.buffer("bias", (n,), "float32") if epilogue.bias else None
        self._residual = kernel.buffer("residual", (m, n), "float32") if epilogue.residual else None
        self._out = kernel.buffer("out", (m, epilogue.columns(n)), "float32")

    def store(self, sums: Sequence[Expr], token: Expr, first: Expr) -> None:
        """Store a token's outputs, from its products with the weight's rows first, first + 1, ...; what is beyond the last row is left."""
        sums = [let("product", value) for value in sums]
        if self._bias is not None:
            sums = [value + self._bias[T.min(first + i, self._n - 1)] for i, value in enumerate(sums)]
        if self._epilogue.gated:
            gate = GATES[self._epilogue.activation]
            sums = [gate(let("gate", sums[i])) * sums[i + 1] for i in range(0, len(sums), 2)]
            first = T.shift_right(first, 1)
        for i, value in enumerate(sums):
            with when(self._epilogue.columns(self._n) % len(sums) == 0 or first + i < self._epilogue.columns(self._n)):
                store(self._out, value if self._residual is None else self._residual[token, first + i] + value, token, first + i)
