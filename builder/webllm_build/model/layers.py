"""Blocks that decoder models share. A difference between models is an argument, not a copy.

An architecture describes its layers; a description makes the layer itself, with its weights, where the decoder puts it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from webllm_build.errors import UnsupportedArchitecture
from webllm_build.model.attention import Attention, Rope
from webllm_build.model.names import Part, Place
from webllm_build.model.ops import Activation, Operators, Tensor
from webllm_build.model.state import Pages, State
from webllm_build.model.weights import Weight, adjacent_rotary_pairs, interleaved_halves, qkv_row_order

Norms = Literal["before", "around"]  # of a block: on its input, or on its input and on its output


class Block(Protocol):
    """A layer with its weights, in the order of the plan, the states that it reads and writes, and its rotary tables."""

    @property
    def weights(self) -> tuple[Weight, ...]: ...

    @property
    def states(self) -> tuple[State, ...]: ...

    @property
    def ropes(self) -> tuple[Rope, ...]: ...

    def __call__(self, ops: Operators[Tensor], x: Tensor) -> Tensor: ...


class Description(Protocol):
    """What makes a layer of a decoder."""

    def at(self, place: Place, hidden: int) -> Block:
        """The layer at a place, over `hidden` features. Raises UnsupportedArchitecture for sizes that kernels do not have."""


@dataclass(frozen=True)
class GatedMLP:
    """down(activation(gate) * up). size: of gate and of up."""

    activation: Activation
    size: int


@dataclass(frozen=True)
class Layer:
    """Attention and a feed-forward block, each added to its input. qkv_bias: queries, keys and values have biases. fused: files hold
    queries, keys and values as one matrix "qkv", and gate and up as "gate_up"."""

    attention: Attention
    mlp: GatedMLP
    norms: Norms = "before"
    qkv_bias: bool = False
    fused: bool = False

    def at(self, place: Place, hidden: int) -> Block:
        sizes = {"hidden_size": hidden, "intermediate_size": self.mlp.size, "heads * head_dim": self.attention.query_size}
        odd = [f"{name} is {size}" for name, size in sizes.items() if size % 32]
        if odd:
            raise UnsupportedArchitecture(f"Sizes that are not multiples of 32: {', '.join(odd)}", "Weights are in blocks of 32.")
        return _TransformerLayer(self, place, hidden)


class _TransformerLayer:
    def __init__(self, layer: Layer, place: Place, hidden: int) -> None:
        self.layer = layer
        attention, inner = layer.attention, layer.mlp.size
        heads, kv_heads, head_dim = attention.heads, attention.kv_heads, attention.head_dim
        qkv = [Part("q", heads * head_dim, heads), Part("k", kv_heads * head_dim, kv_heads), Part("v", kv_heads * head_dim)]
        gate_up = [Part("gate", inner), Part("up", inner)]
        if layer.fused:
            qkv, gate_up = [Part("qkv", attention.qkv_size)], [Part("gate_up", 2 * inner)]
        order = qkv_row_order(heads, kv_heads, head_dim, attention.rope.turned)
        self.attention_norm = place.norm("attention_norm", [Part("attention_norm", hidden)])
        self.qkv = place.matrix("qkv", qkv, hidden, order)
        self.qkv_bias = place.bias("qkv_bias", qkv, order) if layer.qkv_bias else None
        self.qk_norm = None
        if attention.qk_norm is not None:
            self.qk_norm = place.norm(
                "qk_norm", [Part("q_norm", head_dim), Part("k_norm", head_dim)], adjacent_rotary_pairs(2, head_dim, attention.rope.turned)
            )
        self.o = place.matrix("o", [Part("o", hidden)], attention.query_size)
        self.mlp_norm = place.norm("mlp_norm", [Part("mlp_norm", hidden)])
        self.gate_up = place.matrix("gate_up", gate_up, hidden, interleaved_halves(2 * inner))
        self.down = place.matrix("down", [Part("down", hidden)], inner)
        self.attention_out_norm = self.mlp_out_norm = None
        if layer.norms == "around":
            self.attention_out_norm = place.norm("attention_out_norm", [Part("attention_out_norm", hidden)])
            self.mlp_out_norm = place.norm("mlp_out_norm", [Part("mlp_out_norm", hidden)])
        self.state = Pages(f"kv{place.layer}", heads, kv_heads, head_dim, attention.window)

    @property
    def weights(self) -> tuple[Weight, ...]:
        attention = (self.attention_norm, self.qkv, self.qkv_bias, self.qk_norm, self.o, self.attention_out_norm)
        mlp = (self.mlp_norm, self.gate_up, self.down, self.mlp_out_norm)
        return tuple(weight for weight in (*attention, *mlp) if weight is not None)

    @property
    def states(self) -> tuple[State, ...]:
        return (self.state,)

    @property
    def ropes(self) -> tuple[Rope, ...]:
        return (self.layer.attention.rope,)

    def __call__(self, ops: Operators[Tensor], x: Tensor) -> Tensor:
        qkv = ops.linear(x, self.qkv, norm=self.attention_norm, bias=self.qkv_bias)
        x = _add(ops, ops.attention(qkv, self.layer.attention, self.state.name, self.qk_norm), self.o, self.attention_out_norm, x)
        channels = ops.linear(x, self.gate_up, norm=self.mlp_norm, activation=self.layer.mlp.activation)
        return _add(ops, channels, self.down, self.mlp_out_norm, x)


def _add(ops: Operators[Tensor], x: Tensor, weight: Weight, norm: Weight | None, residual: Tensor) -> Tensor:
    """residual + x times the weight, normalised where there is a norm."""
    return ops.linear(x, weight, residual=residual) if norm is None else ops.add_norm(ops.linear(x, weight), norm, residual)
