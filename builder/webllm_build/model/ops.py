"""The operators a model is written in. The compiler implements them for each phase and variant (compile/lower.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, TypeVar, get_args

from webllm_build.model.attention import Attention
from webllm_build.model.recurrence import Recurrence
from webllm_build.model.routing import ExpertWeights, Routing
from webllm_build.model.weights import Weight
from webllm_build.source.embedding import Pooling

Tensor = TypeVar("Tensor")

Function = Literal[  # of one number
    "gelu", "gelu_10", "gelu_quick", "gelu_tanh", "hard_swish", "laplace", "leaky_relu", "linear", "mish",
    "relu", "relu2", "relu6", "sigmoid", "silu", "tanh",
]  # fmt: skip
Gated = Literal[
    "gelu_mul", "gelu_10_mul", "gelu_quick_mul", "gelu_tanh_mul", "hard_swish_mul", "laplace_mul", "leaky_relu_mul", "linear_mul",
    "mish_mul", "relu_mul", "relu2_mul", "relu6_mul", "sigmoid_mul", "silu_mul", "tanh_mul",
]  # fmt: skip
Activation = Literal["none", "clamped_silu_mul"] | Function | Gated
GATED: Mapping[Function, Gated] = dict(zip(get_args(Function), get_args(Gated), strict=True))

CLAMP, SLOPE = 7.0, 1.702  # of "clamped_silu_mul"; the slope of "gelu_quick", too
LEAK = 0.01
LAPLACE = (0.707107, 0.282095)  # the mean and the standard deviation of the distribution


def is_gated(activation: Activation) -> bool:
    """Whether it is one of gate and up."""
    return activation.endswith("_mul")


class Operators(Protocol[Tensor]):
    """Operators over activations float32[m, features], m tokens at a time (1 in a decode step)."""

    def embed(self, table: Weight, *, scale: float = 1.0) -> Tensor:
        """Rows of table[vocab, hidden] for the tokens of this call, times scale: [m, hidden]. A token of a picture, with a negative id,
        has the row of this call's vectors that its place is, as it is."""

    def add_deep(self, x: Tensor, number: int) -> Tensor:
        """x[m, hidden], with a part of this call's vectors added to tokens of pictures: the one behind the first `number` + 1."""

    def linear(
        self,
        x: Tensor,
        weight: Weight,
        *,
        norm: Weight | None = None,
        bias: Weight | None = None,
        residual: Tensor | None = None,
        factor: Tensor | None = None,
        activation: Activation = "none",
        scale: float = 1.0,
        softcap: float | None = None,
    ) -> Tensor:
        """x[m, k] times weight[n, k] transposed.

        With `norm`, x is first RMS-normalised and scaled by norm[k]. With `bias`, bias[n] is added. Then either `residual` is added, or
        an activation applied to each output, a Function: "gelu" (of the exact error function, within 2e-7), "gelu_10" (that from -10 to
        10), "gelu_quick" (x * sigmoid(SLOPE * x)), "gelu_tanh" (GELU's tanh approximation), "hard_swish" (x * relu6(x + 3) / 6), "laplace"
        (a normal distribution's, see LAPLACE), "leaky_relu" (x * LEAK below 0), "linear" (x itself), "mish" (x * tanh(log(1 + exp(x)))),
        "relu2" (relu's square), "relu6" (relu up to 6), and those of the usual names; those with "_mul" treat rows 2i and 2i + 1 of the
        weight as gate and up of channel i: activation(gate) * up, [m, n/2]. "clamped_silu_mul" is that of GPT-OSS: with gate at most CLAMP
        and up at most that from 0, gate * sigmoid(SLOPE * gate) * (up + 1). What an activation of each output gives may be multiplied by
        factor[m, n]. What has no activation and no residual may be multiplied by `scale`, and then become softcap * tanh(y / softcap).
        Raises ValueError for a residual together with an activation, and for a factor without one.
        """

    def norm(self, x: Tensor, norm: Weight) -> Tensor:
        """x[m, k], RMS-normalised and scaled by norm[k]."""

    def layer_norm(self, x: Tensor, weight: Weight, bias: Weight | None = None, eps: float | None = None) -> Tensor:
        """weight[k] * (x[m, k] - its mean) / its standard deviation, plus bias[k] (arXiv 1607.06450). eps: where it is not other norms'."""

    def add_positions(self, x: Tensor, positions: Weight, token_type: Weight | None = None, *, whole: bool) -> Tensor:
        """x[m, k] + positions[i] + token_type[k] for the token at position i. positions: a vector, rows of k behind each other. whole: this
        call must have a text whole."""

    def pool(self, x: Tensor, kind: Pooling, *, several: bool = False) -> Tensor:
        """One state of x[m, k], the first ("cls") or the last, or the mean of all: [1, k]."""

    def add_norm(self, x: Tensor, norm: Weight, residual: Tensor, scalar: Weight | None = None) -> Tensor:
        """residual + x, RMS-normalised and scaled by norm[k], the sum times scalar[1] where there is one: [m, k]."""

    def add_gated(self, x: Tensor, norm: Weight, gate: Weight, y: Tensor, residual: Tensor) -> Tensor:
        """residual + y times the sigmoid of the product of x, RMS-normalised and scaled by norm[k], and gate[k]. All are [m, k]."""

    def experts(
        self,
        x: Tensor,
        routing: Routing,
        weights: ExpertWeights,
        *,
        activation: Activation,
        norm: Weight | None = None,
        residual: Tensor | None = None,
    ) -> Tensor:
        """What a mixture of experts makes of x[m, k], with `norm` RMS-normalised first, plus the residual: [m, k].

        activation: of gate and up, as `linear` has it. A row of x reads the weights of those experts alone that `routing` chooses for it.
        """

    def norm_parts(self, x: Tensor, norm: Weight, sizes: tuple[int, ...], eps: float, *, gate: Tensor | None = None) -> Tensor:
        """x[m, k] with its first columns, parts of these sizes, RMS-normalised each by itself and scaled by norm[sum of sizes], and times
        silu of the first columns of gate[m, .], where there is one. x may change: nobody else may need it."""

    def layer_inputs(self, projected: Tensor, rows: Tensor, norm: Weight, layers: range) -> Sequence[Tensor]:
        """Of each of these layers l, x[m, k]: columns l * k and on of projected[m, all layers * k], RMS-normalised and scaled by norm[k],
        plus those of rows[m, all layers * k], over the root of 2."""

    def attention(
        self, qkv: Tensor, attention: Attention, state: str, qk_norm: Weight | None = None, sinks: Weight | None = None
    ) -> Tensor:
        """Appends keys and values of qkv[m, attention.qkv_size] to the state of that name, and attends causally to what is in it:
        [m, attention.query_size].

        Behind the queries, keys and values of a token are gates of its output, where `attention.gate` says so.
        Queries and keys are turned first, and before that, where `attention.qk_norm` says so, each head of them is RMS-normalised and
        scaled: by the first half of qk_norm[2 * head_dim] for queries, by the second for keys. sinks[heads]: where `attention` has them.
        With `attention.shared` there are queries alone, qk_norm[head_dim], and nothing is appended.
        """

    def remember(
        self, qkv: Tensor, attention: Attention, state: str, qk_norm: Weight | None = None, sinks: Weight | None = None
    ) -> Tensor:
        """As `attention`, of which nothing but what it appends is wanted: the state."""

    def join(self, parts: list[Tensor]) -> Tensor:
        """Tensors [m, .] side by side."""

    def clamp(self, x: Tensor, bounds: Weight, first: int) -> Tensor:
        """x[m, k] from bounds[first] to bounds[first + 1]."""

    def clip(self, x: Tensor, limit: float) -> Tensor:
        """x[m, k] from -limit to limit."""

    def activate(self, x: Tensor, activation: Function, *, factor: Tensor | None = None) -> Tensor:
        """A function of each number of x[m, k], times factor[m, k]."""

    def xielu(self, x: Tensor, weights: Weight) -> Tensor:
        """A function of each number of x[m, k] that learns (arXiv 2411.13010), weights: of p, n, b and a bound e, p x² + b x where x is
        positive, and elsewhere (b + n) (exp(min(x, e)) - 1 - x) + b x."""

    def add(self, x: Tensor, y: Tensor) -> Tensor:
        """The sum of x[m, k] and y[m, k]."""

    def bare_norm(self, x: Tensor, *, factor: float = 1.0, affine: tuple[Weight, Weight] | None = None) -> Tensor:
        """x[m, k] times a factor, then (affine: bias[k], scale[k]) (x - bias) * scale, RMS-normalised without weights."""

    def convolve_grid(self, gates: Tensor, taps: Weight) -> Tensor:
        """Of gates[m, 3 * k], three parts b, c and x of each patch of a picture: c times the sum over the patches around it, and itself, of
        their b * x times taps[t * k...], row by row of a square whose middle it is: [m, k]. What is outside of the picture is 0."""

    def recur(self, recurrence: Recurrence, state: str, *inputs: Tensor, weights: Sequence[Weight] = ()) -> Tensor:
        """What a recurrence makes of inputs[m, .], from the state of that name, and leaves there the state after them:
        [m, recurrence.size].

        inputs: not the channels of a gated activation, which may be codes. weights: vectors.
        """


def check_linear(residual: object, factor: object, activation: Activation) -> None:
    """What every implementation of `linear` refuses."""
    if factor is not None and (activation == "none" or is_gated(activation)):
        raise ValueError("a linear layer has a factor of what an activation of each output gives, and no other")
    if residual is not None and activation != "none":
        raise ValueError(f"a linear layer adds a residual or applies {activation}, not both")
