"""The gated delta rule as a layer's mixer (Gated DeltaNet, https://arxiv.org/abs/2412.06464)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from webllm_build.errors import UnsupportedArchitecture
from webllm_build.model.attention import Rope
from webllm_build.model.names import Part, Place
from webllm_build.model.ops import Operators, Tensor
from webllm_build.model.recurrence import GatedDelta
from webllm_build.model.state import Slots, State
from webllm_build.model.weights import Weight, taps_first

MAX_HEAD_DIM, MAX_KERNEL = 256, 8


@dataclass(frozen=True)
class GatedDeltaNet:
    """out(delta(in(x))). Raises UnsupportedArchitecture for sizes that do not fit together, or that no kernel has."""

    delta: GatedDelta

    def __post_init__(self) -> None:
        delta = self.delta
        rules = {
            "value heads must be a multiple of key heads, and even": delta.value_heads % delta.key_heads + delta.value_heads % 2 == 0,
            f"the sizes of heads must be multiples of 4 up to {MAX_HEAD_DIM}": all(
                size % 4 == 0 and size <= MAX_HEAD_DIM for size in (delta.key_dim, delta.value_dim)
            ),
            f"the convolution must have 2 to {MAX_KERNEL} taps": 2 <= delta.kernel <= MAX_KERNEL,
        }
        broken = [rule for rule, holds in rules.items() if not holds]
        if broken:
            heads = f"{delta.key_heads} key heads of {delta.key_dim}, {delta.value_heads} value heads of {delta.value_dim}"
            what = f"A gated delta rule of {heads} and {delta.kernel} taps"
            raise UnsupportedArchitecture(f"{what} cannot be built: {'; '.join(broken)}", "No kernel has such sizes.")

    @property
    def sizes(self) -> Mapping[str, int]:
        return {"value heads * their size": self.delta.size}

    def at(self, place: Place, hidden: int) -> _GatedDeltaNet:
        return _GatedDeltaNet(self.delta, place, hidden)


class _GatedDeltaNet:
    ropes: tuple[Rope, ...] = ()

    def __init__(self, delta: GatedDelta, place: Place, hidden: int) -> None:
        self.delta, heads = delta, delta.value_heads
        into = {"delta_qkv": delta.convolved, "delta_gate": delta.size, "delta_beta": heads, "delta_decay": heads}
        self.into = place.matrix("delta_in", [Part(name, rows) for name, rows in into.items()], hidden)
        taps = Part("delta_conv", delta.convolved, columns=delta.kernel)
        self.taps = place.vector("delta_conv", [taps], taps_first(delta.convolved, delta.kernel, False))
        self.gates = place.vector("delta_gates", [Part(name, heads, suffix="") for name in ("delta_a", "delta_dt")])
        self.norm = place.vector("delta_norm", [Part("delta_norm", delta.value_dim)])
        self.out = place.matrix("delta_out", [Part("delta_out", hidden)], delta.size)
        self.state = Slots(f"delta{place.layer}", delta.state_shape)

    @property
    def weights(self) -> tuple[Weight, ...]:
        return (self.into, self.taps, self.gates, self.norm, self.out)

    @property
    def states(self) -> tuple[State, ...]:
        return (self.state,)

    def __call__(self, ops: Operators[Tensor], x: Tensor, norm: Weight | None, residual: Tensor | None) -> Tensor:
        mixed = ops.recur(self.delta, self.state.name, ops.linear(x, self.into, norm=norm), weights=[self.taps, self.gates, self.norm])
        return ops.linear(mixed, self.out, residual=residual)
