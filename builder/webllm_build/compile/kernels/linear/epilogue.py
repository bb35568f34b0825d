"""What the kernels of linear layers share: weight buffers, and what becomes of the sums."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, Kernel, let, store, tanh, when
from webllm_build.errors import CompileError
from webllm_build.model.ops import CLAMP, LAPLACE, LEAK, SLOPE, Activation, is_gated
from webllm_build.quantize import GROUP, Scheme

QUADS = GROUP // 4  # float32x4 in a block of weights


def silu(x: Expr) -> Expr:
    """x * sigmoid(x). The exponent is bounded because WGSL leaves an overflow of exp undefined."""
    return x / (T.float32(1) + T.exp(T.min(T.float32(0) - x, T.float32(80))))


def gelu_quick(x: Expr) -> Expr:
    """x * sigmoid(1.702 x)."""
    return x / (T.float32(1) + T.exp(T.min(x * T.float32(-SLOPE), T.float32(80))))


def clamped_silu(x: Expr) -> Expr:
    """As model/ops.py has it, of the gate."""
    return gelu_quick(let("clamped", T.min(x, T.float32(CLAMP))))


def clamped_up(x: Expr) -> Expr:
    return T.max(T.min(x, T.float32(CLAMP)), T.float32(-CLAMP)) + T.float32(1)


def gelu_tanh(x: Expr) -> Expr:
    """x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x³))), as x * sigmoid of twice tanh's argument. x is bounded in there, and so are its
    cube and the exponent: beyond, the sigmoid is 1, or less than float32's smallest number."""
    bounded = T.max(T.min(x, T.float32(10)), T.float32(-10))
    twice = bounded * (T.float32(1.5957691) + T.float32(0.071354814) * bounded * bounded)
    return x / (T.float32(1) + T.exp(T.float32(0) - twice))


# Abramowitz and Stegun's approximation 7.1.26 of erfc(z) * exp(z²), a polynomial of 1 / (1 + ERFC_P z): within 1.5e-7.
ERFC_P = 0.3275911
ERFC = (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592, 0.0)


def tail(size: Expr) -> Expr:
    """erfc(size / sqrt(2)): how much of the normal distribution is farther from 0, to both sides. The exponent is bounded as silu's is."""
    t = fixed("t", T.float32(1) / (T.float32(1) + size * T.float32(ERFC_P * 0.5**0.5)), "float32")
    sums = T.float32(ERFC[0])
    for coefficient in ERFC[1:]:
        sums = sums * t + T.float32(coefficient)
    return sums * T.exp(T.max(size * size * T.float32(-0.5), T.float32(-80)))


def gelu(x: Expr) -> Expr:
    """x * Φ(x), as max(x, 0) - |x| * erfc(|x| / sqrt(2)) / 2."""
    x = fixed("gelu_of", x, "float32")
    size = fixed("size", T.max(x, T.float32(0) - x), "float32")
    return T.max(x, T.float32(0)) - size * T.float32(0.5) * tail(size)


def gelu_10(x: Expr) -> Expr:
    return T.max(T.min(gelu(x), T.float32(10)), T.float32(-10))


def hard_swish(x: Expr) -> Expr:
    return x * relu6(x + T.float32(3)) * T.float32(1 / 6)


def laplace(x: Expr) -> Expr:
    """Φ of how many standard deviations x is from the mean: half of what is farther, or 1 without that."""
    mean, deviation = LAPLACE
    z = fixed("deviations", (x - T.float32(mean)) * T.float32(1 / deviation), "float32")
    half = fixed("half", T.float32(0.5) * tail(fixed("size", T.max(z, T.float32(0) - z), "float32")), "float32")
    return T.Select(z > T.float32(0), T.float32(1) - half, half)


def leaky_relu(x: Expr) -> Expr:
    return T.max(x, x * T.float32(LEAK))


def mish(x: Expr) -> Expr:
    """x * tanh(log(1 + exp(x))), which is x * (e² + 2 e) / (e² + 2 e + 2) for e = exp(x); from 20 on x itself."""
    e = fixed("e", T.exp(T.max(T.min(x, T.float32(20)), T.float32(-80))), "float32")
    part = fixed("part", e * (e + T.float32(2)), "float32")
    return x * part / (part + T.float32(2))


def sigmoid(x: Expr) -> Expr:
    """The exponent is bounded as silu's is."""
    return T.float32(1) / (T.float32(1) + T.exp(T.min(T.float32(0) - x, T.float32(80))))


def relu(x: Expr) -> Expr:
    return T.max(x, T.float32(0))


def relu6(x: Expr) -> Expr:
    return T.min(relu(x), T.float32(6))


def relu2(x: Expr) -> Expr:
    x = let("positive", relu(x))
    return x * x


# What is applied to an output, or (of an activation with "_mul") to the gate of a gated unit before it multiplies the up.
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


@dataclass(frozen=True)
class Epilogue:
    """What a linear layer does with its products y float32[m, n]: y + bias, and then an activation of each output, or the activation of a
    gated unit, whose gate and up are rows 2i and 2i + 1 for channel i and whose output is [m, n/2], or scale, softcap and residual + y.
    factor: what an activation of each output gives is times factor[m, n]."""

    bias: bool = False
    activation: Activation = "none"
    residual: bool = False
    scale: float = 1.0
    softcap: float | None = None
    factor: bool = False

    @property
    def gated(self) -> bool:
        return is_gated(self.activation)

    def columns(self, n: int) -> int:
        """Columns of the output for n columns of products."""
        return n // 2 if self.gated else n

    def check(self, n: int, k: int) -> None:
        """Raises CompileError for what the kernels cannot take."""
        if k % GROUP:
            raise CompileError(f"a linear layer of {k} inputs: kernels need a multiple of {GROUP}")
        if self.gated and n % 2:
            raise CompileError(f"gate and up interleaved make {n} rows, which is odd")
        if self.activation != "none" and self.residual:
            raise CompileError("a linear layer has an activation or a residual, not both")

    def weight_row(self, position: Expr, width: int) -> Expr:
        """The weight row of a position of a tile. Of a gated unit gates come first, so that an invocation, whose positions are
        width/columns apart, holds the gate and the up of the same channels."""
        return position % (width // 2) * 2 + position // (width // 2) if self.gated else position

    def buffers(self, kernel: Kernel, m: Expr, n: int, experts: int = 1) -> EpilogueBuffers:
        """Parameters bias float32[n] (of each of so many experts), and residual or factor float32[m, n], where there are such."""
        bias = kernel.buffer("bias", (experts * n,), "float32") if self.bias else None
        residual = kernel.buffer("residual", (m, n), "float32") if self.residual else None
        factor = kernel.buffer("factor", (m, n), "float32") if self.factor else None
        return EpilogueBuffers(self, bias, residual, factor)


PLAIN = Epilogue()


@dataclass(frozen=True, eq=False)
class EpilogueBuffers:
    """An epilogue inside of a kernel."""

    epilogue: Epilogue
    bias: Buffer | None
    residual: Buffer | None
    factor: Buffer | None
    first_bias: Expr = 0

    def of_expert(self, expert: Expr, n: int) -> EpilogueBuffers:
        """With the biases of one expert of n rows."""
        return self if self.bias is None else replace(self, first_bias=expert * n)

    def output(self, y: Expr, token: Expr, column: Expr) -> Expr:
        """The output for one product of a layer that is not gated."""
        if self.bias is not None:
            y = y + self.bias[self.first_bias + column]
        if self.epilogue.activation != "none":
            y = FUNCTIONS[self.epilogue.activation](let("y", y))
            return y if self.factor is None else y * self.factor[token, column]
        if self.epilogue.scale != 1:
            y = y * T.float32(self.epilogue.scale)
        if self.epilogue.softcap is not None:
            y = tanh(y * T.float32(1 / self.epilogue.softcap)) * T.float32(self.epilogue.softcap)
        return y if self.residual is None else self.residual[token, column] + y

    def channel(self, gate: Expr, up: Expr, channel: Expr) -> Expr:
        """The output for the products of a channel of a gated unit."""
        if self.bias is not None:
            gate, up = (y + self.bias[self.first_bias + channel * 2 + i] for i, y in enumerate((gate, up)))
        function = FUNCTIONS[self.epilogue.activation.removesuffix("_mul")]
        return function(gate) * (clamped_up(up) if self.epilogue.activation == "clamped_silu_mul" else up)

    def store_row(self, sums: Sequence[Expr], out: Buffer, token: Expr, first: Expr, step: int) -> None:
        """Store one token's outputs at columns first, first + step, ..., from its sums at the positions of `weight_row`."""
        count = self.epilogue.columns(len(sums))
        for j in range(count):
            column = first + j * step
            with when(column < int(out.shape[1])):
                y = self.channel(sums[j], sums[j + count], column) if self.epilogue.gated else self.output(sums[j], token, column)
                store(out, y, token, column)


def weight_buffers(kernel: Kernel, scheme: Scheme, n: int, k: int) -> list[Buffer]:
    """Parameters `w_<suffix>` of a weight [n, k]."""
    return [kernel.buffer(f"w_{spec.suffix}", spec.shape, spec.dtype) for spec in scheme.buffers(n, k)]
