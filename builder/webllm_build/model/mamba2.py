"""Mamba-2 as a layer's mixer (https://arxiv.org/abs/2405.21060)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from webllm_build.errors import UnsupportedArchitecture
from webllm_build.model.attention import Rope
from webllm_build.model.names import Part, Place
from webllm_build.model.ops import Operators, Tensor
from webllm_build.model.recurrence import Convolution, Scan
from webllm_build.model.state import Slots, State
from webllm_build.model.weights import Weight, taps_first

MAX_GROUPS = 64  # of one norm


@dataclass(frozen=True)
class GroupNorm:
    """An RMS norm of each of so many groups of heads. before_gate: the scan is not gated, and what the norm gives is."""

    groups: int
    eps: float
    before_gate: bool = False

    def __post_init__(self) -> None:
        """Raises UnsupportedArchitecture for what no kernel has."""
        if self.groups > MAX_GROUPS:
            raise UnsupportedArchitecture(f"A norm of {self.groups} groups cannot be built", f"There may be up to {MAX_GROUPS}.")


@dataclass(frozen=True)
class Mamba2:
    """out(norm(scan(conv(in(x))))). kernel: taps of the convolution. conv_bias, in_bias, out_bias: it has one, and so have the matrices.
    norm: "whole" is one of all heads, which costs nothing in front of a matrix, with the model's epsilon; None: there is none."""

    scan: Scan
    kernel: int
    conv_bias: bool = True
    in_bias: bool = False
    out_bias: bool = False
    norm: GroupNorm | Literal["whole"] | None = "whole"

    @property
    def sizes(self) -> Mapping[str, int]:
        return {"the heads of Mamba-2 * their size": self.scan.size}

    def at(self, place: Place, hidden: int) -> _Mamba2:
        return _Mamba2(self, place, hidden)


class _Mamba2:
    ropes: tuple[Rope, ...] = ()

    def __init__(self, description: Mamba2, place: Place, hidden: int) -> None:
        self.scan, kernel, has_bias = description.scan, description.kernel, description.conv_bias
        channels, heads = self.scan.convolved, self.scan.heads
        self.convolution = Convolution(channels, kernel, self.scan.width, first=self.scan.size, bias=has_bias, silu=True)
        into, out = [Part("mamba_in", self.scan.width)], [Part("mamba_out", hidden)]
        taps = [Part("mamba_conv", channels, columns=kernel), *([Part("mamba_conv", channels, suffix="bias")] if has_bias else [])]
        parameters = [Part(name, heads, suffix="") for name in ("mamba_a", "mamba_d", "mamba_dt")]
        self.into = place.matrix("mamba_in", into, hidden)
        self.in_bias = place.bias("mamba_in_bias", into) if description.in_bias else None
        self.conv = place.vector("mamba_conv", taps, taps_first(channels, kernel, has_bias))
        self.parameters = place.vector("mamba_parameters", parameters)
        self.norm = place.vector("mamba_norm", [Part("mamba_norm", self.scan.size)]) if description.norm else None
        self.group_norm = description.norm if isinstance(description.norm, GroupNorm) else None
        self.out = place.matrix("mamba_out", out, self.scan.size)
        self.out_bias = place.bias("mamba_out_bias", out) if description.out_bias else None
        self.inputs = Slots(f"conv{place.layer}", self.convolution.state_shape)
        self.state = Slots(f"scan{place.layer}", self.scan.state_shape)

    @property
    def weights(self) -> tuple[Weight, ...]:
        weights = (self.into, self.in_bias, self.conv, self.parameters, self.norm, self.out, self.out_bias)
        return tuple(weight for weight in weights if weight is not None)

    @property
    def states(self) -> tuple[State, ...]:
        return (self.inputs, self.state)

    def __call__(self, ops: Operators[Tensor], x: Tensor, norm: Weight | None, residual: Tensor | None) -> Tensor:
        projected = ops.linear(x, self.into, norm=norm, bias=self.in_bias)
        convolved = ops.recur(self.convolution, self.inputs.name, projected, weights=[self.conv])
        mixed = ops.recur(self.scan, self.state.name, projected, convolved, weights=[self.parameters])
        if self.group_norm is None or self.norm is None:
            return ops.linear(mixed, self.out, norm=self.norm, bias=self.out_bias, residual=residual)
        sizes = (self.scan.size // self.group_norm.groups,) * self.group_norm.groups
        mixed = ops.norm_parts(mixed, self.norm, sizes, self.group_norm.eps, gate=projected if self.group_norm.before_gate else None)
        return ops.linear(mixed, self.out, bias=self.out_bias, residual=residual)
