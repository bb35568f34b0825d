"""What becomes of the sums of a linear layer on a CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.ops import constant, exp, joined, polynomial
from webllm_build.compile.kernels.linear.epilogue import ERFC, ERFC_P, Epilogue
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, Kernel, element, let, store, when
from webllm_build.model.ops import CLAMP, LAPLACE, LEAK, SLOPE, Activation


def silu(x: Expr) -> Expr:
    """x * sigmoid(x)."""
    return x / (constant(1, x) + exp(constant(0, x) - x))


def gelu_quick(x: Expr) -> Expr:
    """x * sigmoid(1.702 x)."""
    return x / (constant(1, x) + exp(x * constant(-SLOPE, x)))


def clamped_silu(x: Expr) -> Expr:
    """As model/ops.py has it, of the gate."""
    return gelu_quick(let("clamped", T.min(x, constant(CLAMP, x))))


def gelu_tanh(x: Expr) -> Expr:
    """As kernels/linear/epilogue.py has it: x * sigmoid of twice tanh's argument."""
    twice = x * (constant(1.5957691, x) + constant(0.071354814, x) * x * x)
    return x / (constant(1, x) + exp(constant(0, x) - twice))


def tail(size: Expr) -> Expr:
    """erfc(size / sqrt(2)), as kernels/linear/epilogue.py has it."""
    t = let("t", constant(1, size) / (constant(1, size) + size * constant(ERFC_P * 0.5**0.5, size)))
    return polynomial(t, ERFC) * exp(size * size * constant(-0.5, size))


def gelu(x: Expr) -> Expr:
    """As kernels/linear/epilogue.py has it: max(x, 0) - |x| * erfc(|x| / sqrt(2)) / 2."""
    size = let("size", T.max(x, constant(0, x) - x))
    return T.max(x, constant(0, x)) - size * constant(0.5, x) * tail(size)


def gelu_10(x: Expr) -> Expr:
    return T.max(T.min(gelu(x), constant(10, x)), constant(-10, x))


def hard_swish(x: Expr) -> Expr:
    return x * relu6(x + constant(3, x)) * constant(1 / 6, x)


def laplace(x: Expr) -> Expr:
    """As kernels/linear/epilogue.py has it. sign: 1 or -1."""
    mean, deviation = LAPLACE
    z = let("deviations", (x - constant(mean, x)) * constant(1 / deviation, x))
    size = let("size", T.max(z, constant(0, x) - z))
    sign = z / T.max(size, constant(1e-30, x))
    return constant(0.5, x) + sign * (constant(0.5, x) - constant(0.5, x) * tail(size))


def leaky_relu(x: Expr) -> Expr:
    return T.max(x, x * constant(LEAK, x))


def mish(x: Expr) -> Expr:
    """As kernels/linear/epilogue.py has it."""
    e = let("e", exp(T.min(x, constant(20, x))))
    part = let("part", e * (e + constant(2, x)))
    return x * part / (part + constant(2, x))


def tanh(x: Expr) -> Expr:
    """Of float32, within 1e-7."""
    return constant(1, x) - constant(2, x) / (exp(x * constant(2, x)) + constant(1, x))


def sigmoid(x: Expr) -> Expr:
    return constant(1, x) / (constant(1, x) + exp(constant(0, x) - x))


def relu(x: Expr) -> Expr:
    return T.max(x, constant(0, x))


def relu6(x: Expr) -> Expr:
    return T.min(relu(x), constant(6, x))


def relu2(x: Expr) -> Expr:
    x = let("positive", relu(x))
    return x * x


FUNCTIONS: Mapping[str, Callable[[Expr], Expr]] = {
    "gelu": gelu,
    "gelu_10": gelu_10,
    "gelu_quick": gelu_quick,
    "gelu_tanh": gelu_tanh,
    "hard_swish": hard_swish,
    "laplace": laplace,
    "leaky_relu": leaky_relu,
    "linear": lambda x: x,
    "mish": mish,
    "relu": relu,
    "relu2": relu2,
    "relu6": relu6,
    "sigmoid": sigmoid,
    "silu": silu,
    "tanh": tanh,
    "clamped_silu": clamped_silu,
}


def applied(epilogue: Epilogue, y: Expr) -> Expr:
    """What becomes of products, with their bias, of a layer that is not gated, but for the residual."""
    if epilogue.gated:
        return y
    if epilogue.activation != "none":
        return let("applied", FUNCTIONS[epilogue.activation](y))
    if epilogue.scale != 1:
        y = let("scaled", y * constant(epilogue.scale, y))
    if epilogue.softcap is None:
        return y
    size = exp(let("twice", y * constant(2 / epilogue.softcap, y)))
    return let("capped", constant(epilogue.softcap, y) - constant(2 * epilogue.softcap, y) / (size + constant(1, y)))


def channel(activation: Activation, gate: Expr, up: Expr) -> Expr:
    """Of a gated unit."""
    if activation == "clamped_silu_mul":
        up = T.max(T.min(up, constant(CLAMP, up)), constant(-CLAMP, up)) + constant(1, up)
    return FUNCTIONS[activation.removesuffix("_mul")](let("gate", gate)) * up


class Outputs:
    """The parameters of an epilogue, with the biases of as many experts as there are, and out float32[m, epilogue.columns(n)]."""

    def __init__(self, kernel: Kernel, epilogue: Epilogue, m: Expr, n: int, experts: int = 1) -> None:
        self._epilogue, self._n = epilogue, n
        self._bias = kernel.buffer("bias", (experts * n,), "float32") if epilogue.bias else None
        self._first_bias: Expr = 0
        self._residual = kernel.buffer("residual", (m, n), "float32") if epilogue.residual else None
        self._factor = kernel.buffer("factor", (m, n), "float32") if epilogue.factor else None
        self._out = kernel.buffer("out", (m, epilogue.columns(n)), "float32")

    def of_expert(self, expert: Expr) -> None:
        """From here on, biases are its ones."""
        self._first_bias = expert * self._n

    def store_rows(self, sums: Expr, token: Expr, first: Expr) -> None:
        """Store a token's outputs, from its products float32x4 with rows first to first + 3 of the weight; none beyond the last."""
        sums = let("products", sums)
        if self._bias is not None:
            sums = let("biased", sums + self._biases(self._bias, first))
        sums = applied(self._epilogue, sums)
        if self._epilogue.gated:
            gates, ups = (T.Shuffle([sums], [i, i + 2, i, i + 2]) for i in range(2))
            channels = let("channels", channel(self._epilogue.activation, gates, ups))
            for i in range(2):
                with when(self._n % 4 == 0 or first + 2 * i < self._n):
                    store(self._out, element(channels, i), token, T.shift_right(first, 1) + i)
        elif self._n % 4 == 0:
            four = T.ramp(first, 1, 4)
            store(self._out, self._joined(sums, token, four), token, four)
        else:
            for i in range(4):
                with when(first + i < self._n):
                    store(self._out, self._joined(element(sums, i), token, first + i), token, first + i)

    def _joined(self, y: Expr, *at: Expr) -> Expr:
        """With the residual, or times the factor, at the same place."""
        y = y if self._residual is None else self._residual[at] + y
        return y if self._factor is None else self._factor[at] * y

    def _biases(self, bias: Buffer, first: Expr) -> Expr:
        """Of four rows, with the last one's again where there are no more."""
        if self._n % 4 == 0:
            return bias[T.ramp(self._first_bias + first, 1, 4)]
        return joined([bias[self._first_bias + T.min(first + i, self._n - 1)] for i in range(4)])
