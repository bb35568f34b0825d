"""Blocks of layers whose matrices clip what they take and what they give, by bounds that are learnt (Gemma 4's towers)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from webllm_build.model.attention import Attention, Rope
from webllm_build.model.names import Part, Place
from webllm_build.model.ops import Function, Operators, Tensor
from webllm_build.model.state import Pages, State
from webllm_build.model.weights import RowOrder, Weight, adjacent_rotary_pairs

BOUNDS = ("input_min", "input_max", "output_min", "output_max")


def bounds_of(tensors: Mapping[str, str]) -> dict[str, str]:
    """What files call the bounds of matrices of these names."""
    return {f"{part}.{bound}": f"{name.removesuffix('.linear')}.{bound}" for part, name in tensors.items() for bound in BOUNDS}


class ClippedLinear:
    """y = W x, of x and y within the matrix's bounds; without these where it is not clipped."""

    def __init__(self, place: Place, part: Part, columns: int, order: RowOrder | None = None, *, clipped: bool = True) -> None:
        self.matrix = place.matrix(part.name, [part], columns, order)
        bounds = [Part(f"{part.name}.{bound}", 1, suffix="") for bound in BOUNDS]
        self.bounds = replace(place, padded=False).vector(f"{part.name}_bounds", bounds) if clipped else None

    @property
    def weights(self) -> tuple[Weight, ...]:
        return (self.matrix,) if self.bounds is None else (self.matrix, self.bounds)

    def __call__(self, ops: Operators[Tensor], x: Tensor, activation: Function | None = None) -> Tensor:
        if self.bounds is None:
            return ops.linear(x, self.matrix, activation=activation or "none")
        y = ops.clamp(ops.linear(ops.clamp(x, self.bounds, 0), self.matrix), self.bounds, 2)
        return y if activation is None else ops.activate(y, activation)


@dataclass(frozen=True)
class ClippedAttention:
    """As SelfAttention without biases."""

    attention: Attention

    @property
    def sizes(self) -> Mapping[str, int]:
        return {"heads * head_dim": self.attention.query_size}

    def at(self, place: Place, hidden: int) -> _ClippedAttention:
        return _ClippedAttention(self.attention, place, hidden)


class _ClippedAttention:
    def __init__(self, attention: Attention, place: Place, hidden: int) -> None:
        self.attention = attention.must_fit()
        heads, kv_heads, head_dim, rope = attention.heads, attention.kv_heads, attention.head_dim, attention.rope

        def turned(count: int) -> RowOrder:
            return adjacent_rotary_pairs(count, head_dim, rope.turned, rope.parts)

        self._inputs = (
            ClippedLinear(place, Part("q", heads * head_dim, heads, rope.turned), hidden, turned(heads)),
            ClippedLinear(place, Part("k", kv_heads * head_dim, kv_heads, rope.turned), hidden, turned(kv_heads)),
            ClippedLinear(place, Part("v", kv_heads * head_dim), hidden),
        )
        self._qk_norm = None
        if attention.qk_norm is not None:
            self._qk_norm = place.norm("qk_norm", [Part("q_norm", head_dim), Part("k_norm", head_dim)], turned(2))
        self._out = ClippedLinear(place, Part("o", hidden), attention.query_size)
        self._state = Pages(f"kv{heads}x{kv_heads}x{head_dim}", heads, kv_heads, head_dim)

    @property
    def weights(self) -> tuple[Weight, ...]:
        norms = () if self._qk_norm is None else (self._qk_norm,)
        return (*(weight for linear in (*self._inputs, self._out) for weight in linear.weights), *norms)

    @property
    def states(self) -> tuple[State, ...]:
        return (self._state,)

    @property
    def ropes(self) -> tuple[Rope, ...]:
        return (self.attention.rope,)

    def __call__(self, ops: Operators[Tensor], x: Tensor, norm: Weight | None, residual: Tensor | None) -> Tensor:
        x = x if norm is None else ops.norm(x, norm)
        qkv = ops.join([linear(ops, x) for linear in self._inputs])
        y = self._out(ops, ops.attention(qkv, self.attention, self._state.name, self._qk_norm))
        return y if residual is None else ops.add(residual, y)


@dataclass(frozen=True)
class ClippedMLP:
    """As GatedMLP. activation: of gates, which multiply ups."""

    activation: Function
    size: int

    @property
    def sizes(self) -> Mapping[str, int]:
        return {"intermediate_size": self.size}

    def at(self, place: Place, hidden: int) -> _ClippedMLP:
        return _ClippedMLP(self, place, hidden)


class _ClippedMLP:
    states: tuple[State, ...] = ()
    ropes: tuple[Rope, ...] = ()

    def __init__(self, description: ClippedMLP, place: Place, hidden: int) -> None:
        self._activation = description.activation
        self._gate, self._up = (ClippedLinear(place, Part(name, description.size), hidden) for name in ("gate", "up"))
        self._down = ClippedLinear(place, Part("down", hidden), description.size)

    @property
    def weights(self) -> tuple[Weight, ...]:
        return tuple(weight for linear in (self._gate, self._up, self._down) for weight in linear.weights)

    def __call__(self, ops: Operators[Tensor], x: Tensor, norm: Weight | None, residual: Tensor | None) -> Tensor:
        x = x if norm is None else ops.norm(x, norm)
        y = self._down(ops, ops.activate(self._gate(ops, x), self._activation, factor=self._up(ops, x)))
        return y if residual is None else ops.add(residual, y)
