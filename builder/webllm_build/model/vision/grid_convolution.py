"""A gated convolution over the patches around each patch, as a layer's mixer (LFM3-VL)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from webllm_build.model.attention import Rope
from webllm_build.model.names import Part, Place
from webllm_build.model.ops import Operators, Tensor
from webllm_build.model.state import State
from webllm_build.model.weights import Weight, taps_first

SIDE = 3  # of the square of patches whose middle is the one that they become
TAPS = SIDE**2


@dataclass(frozen=True)
class GridConvolution:
    """out(C * conv(B * x)), where B, C and x are rows of one matrix."""

    @property
    def sizes(self) -> Mapping[str, int]:
        return {}

    def at(self, place: Place, hidden: int) -> _GridConvolution:
        return _GridConvolution(place, hidden)


class _GridConvolution:
    states: tuple[State, ...] = ()
    ropes: tuple[Rope, ...] = ()

    def __init__(self, place: Place, hidden: int) -> None:
        self.conv_in = place.matrix("conv_in", [Part("conv_in", 3 * hidden)], hidden)
        taps = [Part("conv", hidden, columns=TAPS)]
        self.conv = replace(place, padded=False).vector("conv", taps, taps_first(hidden, TAPS, bias=False))
        self.conv_out = place.matrix("conv_out", [Part("conv_out", hidden)], hidden)

    @property
    def weights(self) -> tuple[Weight, ...]:
        return (self.conv_in, self.conv, self.conv_out)

    def __call__(self, ops: Operators[Tensor], x: Tensor, norm: Weight | None, residual: Tensor | None) -> Tensor:
        gates = ops.linear(x, self.conv_in, norm=norm)
        return ops.linear(ops.convolve_grid(gates, self.conv), self.conv_out, residual=residual)
