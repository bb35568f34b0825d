"""A gated short convolution as a layer's mixer (LFM2, https://arxiv.org/abs/2511.23404)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from webllm_build.model.attention import Rope
from webllm_build.model.names import Part, Place
from webllm_build.model.ops import Operators, Tensor
from webllm_build.model.recurrence import Convolution
from webllm_build.model.state import Slots, State
from webllm_build.model.weights import Weight, taps_first


@dataclass(frozen=True)
class ShortConvolution:
    """out(C * conv(B * x)), where B, C and x are rows of one matrix. kernel: taps. bias: of both matrices and of the convolution."""

    kernel: int
    bias: bool = False

    @property
    def sizes(self) -> Mapping[str, int]:
        return {}

    def at(self, place: Place, hidden: int) -> _ShortConvolution:
        return _ShortConvolution(self, place, hidden)


class _ShortConvolution:
    ropes: tuple[Rope, ...] = ()

    def __init__(self, description: ShortConvolution, place: Place, hidden: int) -> None:
        kernel, bias = description.kernel, description.bias
        self.convolution = Convolution(hidden, kernel, 3 * hidden, gated=True, bias=bias)
        conv_in, conv_out = [Part("conv_in", 3 * hidden)], [Part("conv_out", hidden)]
        self.conv_in = place.matrix("conv_in", conv_in, hidden)
        self.in_bias = place.bias("conv_in_bias", conv_in) if bias else None
        taps = [Part("conv", hidden, columns=kernel), *([Part("conv", hidden, suffix="bias")] if bias else [])]
        self.conv = place.vector("conv", taps, taps_first(hidden, kernel, bias))
        self.conv_out = place.matrix("conv_out", conv_out, hidden)
        self.out_bias = place.bias("conv_out_bias", conv_out) if bias else None
        self.state = Slots(f"conv{place.layer}", self.convolution.state_shape)

    @property
    def weights(self) -> tuple[Weight, ...]:
        weights = (self.conv_in, self.in_bias, self.conv, self.conv_out, self.out_bias)
        return tuple(weight for weight in weights if weight is not None)

    @property
    def states(self) -> tuple[State, ...]:
        return (self.state,)

    def __call__(self, ops: Operators[Tensor], x: Tensor, norm: Weight | None, residual: Tensor | None) -> Tensor:
        gates = ops.linear(x, self.conv_in, norm=norm, bias=self.in_bias)
        mixed = ops.recur(self.convolution, self.state.name, gates, weights=[self.conv])
        return ops.linear(mixed, self.conv_out, bias=self.out_bias, residual=residual)
