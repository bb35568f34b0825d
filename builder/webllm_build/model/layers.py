"""A layer of a decoder: what mixes tokens, and a feed-forward block. A difference between models is an argument, not a copy.

An architecture describes its layers; a description makes the layer itself, with its weights, where the decoder puts it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from webllm_build.errors import UnsupportedArchitecture
from webllm_build.model.attention import Rope
from webllm_build.model.layer_inputs import LayerInput
from webllm_build.model.names import Part, Place
from webllm_build.model.norms import Norm, NormKind
from webllm_build.model.ops import Operators, Tensor
from webllm_build.model.state import State
from webllm_build.model.weights import Weight

# Of a block: on its input; on its input and on its output; on its output; on the sum of its output and the residual; on its input, unless
# it is a mixer.
Norms = Literal["before", "around", "after", "sum", "before_mlp"]


class Block(Protocol):
    """A half of a layer with its weights, in the order of the plan, the states that it reads and writes, and its rotary tables."""

    @property
    def weights(self) -> tuple[Weight, ...]: ...

    @property
    def states(self) -> tuple[State, ...]: ...

    @property
    def ropes(self) -> tuple[Rope, ...]: ...

    def __call__(self, ops: Operators[Tensor], x: Tensor, norm: Weight | None, residual: Tensor | None) -> Tensor:
        """What it makes of x[m, hidden], normalised by `norm` first, added to the residual: [m, hidden]."""


@runtime_checkable
class Remembering(Protocol):
    """A block whose state does not depend on what it gives."""

    def remember(self, ops: Operators[Tensor], x: Tensor, norm: Weight | None) -> Tensor:
        """Leaves in its state what it leaves when it is called, and gives that."""


class Description(Protocol):
    """What makes a block: a mixer of tokens or a feed-forward block, as a frozen dataclass."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """By their names in messages: the lengths of rows of its matrices, beside the hidden size."""

    def at(self, place: Place, hidden: int) -> Block:
        """The block at a place, over `hidden` features."""


@dataclass(frozen=True)
class Layer:
    """A mixer (attention, a recurrence) and a feed-forward block, each added to its input. norm: of what kind its norms are. parallel: both
    blocks have the same input, behind one norm, or (own_norms) each behind its own. input: what becomes of the vector that the layer gets
    beside its input, where it does. scaled: all is times a learnt number in the end; norms are then "around" blocks."""

    mixer: Description
    feed_forward: Description
    norms: Norms = "before"
    norm: NormKind = "rms"
    parallel: bool = False
    own_norms: bool = False
    input: LayerInput | None = None
    scaled: bool = False

    def at(self, place: Place, hidden: int) -> PlacedLayer:
        """Raises UnsupportedArchitecture for sizes that kernels do not have."""
        sizes = {"hidden_size": hidden, **self.feed_forward.sizes, **self.mixer.sizes}
        if self.input is not None:
            sizes["hidden_size_per_layer_input"] = self.input.size
        odd = [f"{name} is {size}" for name, size in sizes.items() if place.size(size) % 32]
        if odd:
            raise UnsupportedArchitecture(f"Sizes that are not multiples of 32: {', '.join(odd)}", "Weights are packed in blocks of 32.")
        return PlacedLayer(self, place, hidden)


class PlacedLayer:
    """A layer with its weights, in the order of the plan, the states that it reads and writes, and its rotary tables."""

    def __init__(self, layer: Layer, place: Place, hidden: int) -> None:
        self._parallel = layer.parallel
        self._input = None if layer.input is None else layer.input.at(place, hidden)
        self._scalar = place.vector("scalar", [Part("scalar", 1, suffix="")]) if layer.scaled else None
        self._mixer = _Half("attention", layer.mixer.at(place, hidden), layer, place, hidden)
        self._feed_forward = _Half("mlp", layer.feed_forward.at(place, hidden), layer, place, hidden)

    @property
    def weights(self) -> tuple[Weight, ...]:
        inputs = () if self._input is None else self._input.weights
        scalar = () if self._scalar is None else (self._scalar,)
        return (*self._mixer.weights, *self._feed_forward.weights, *inputs, *scalar)

    @property
    def states(self) -> tuple[State, ...]:
        return tuple(state for half in (self._mixer, self._feed_forward) for state in half.block.states)

    @property
    def ropes(self) -> tuple[Rope, ...]:
        return tuple(rope for half in (self._mixer, self._feed_forward) for rope in half.block.ropes)

    @property
    def remembers(self) -> bool:
        """Whether it can leave what later tokens see without computing the rest."""
        return isinstance(self._mixer.block, Remembering)

    def remember(self, ops: Operators[Tensor], x: Tensor) -> Tensor:
        """The state that it leaves for later tokens."""
        return self._mixer.remember(ops, x)

    def __call__(self, ops: Operators[Tensor], x: Tensor, vector: Tensor | None = None) -> Tensor:
        """vector[m, .]: what the layer gets beside x[m, hidden]."""
        if self._parallel and self._mixer.norm is not None:
            normed, norm = self._mixer.norm.before(ops, x)
            mixed = self._mixer.block(ops, normed, norm, x)
            if self._feed_forward.norm is not None:
                normed, norm = self._feed_forward.norm.before(ops, x)
            return self._feed_forward.block(ops, normed, norm, mixed)
        x = self._mixer(ops, x)
        if self._input is None or vector is None:
            return self._feed_forward(ops, x, self._scalar)
        return self._input(ops, self._feed_forward(ops, x), vector, self._scalar)


def states_of(layers: Sequence[PlacedLayer]) -> tuple[State, ...]:
    """Each state once, in the layers' order."""
    return tuple(dict.fromkeys(state for layer in layers for state in layer.states))


def ropes_of(layers: Sequence[PlacedLayer]) -> tuple[Rope, ...]:
    """Each different rotary table once, in the layers' order."""
    return tuple(dict.fromkeys(rope for layer in layers for rope in layer.ropes))


class _Half:
    """A block with its norms. name: of these."""

    def __init__(self, name: str, block: Block, layer: Layer, place: Place, hidden: int) -> None:
        def norm(name: str) -> Norm:
            return Norm.at(place, name, layer.norm, hidden)

        is_mixer, norms = name == "attention", layer.norms
        self.block, self.is_of_sum = block, norms == "sum"
        shares = layer.parallel and not layer.own_norms and not is_mixer
        has_none = norms in ("sum", "after") or (norms == "before_mlp" and is_mixer) or shares
        self.norm = None if has_none else norm(f"{name}_norm")
        self._out_norm = norm(f"{name}_out_norm") if norms in ("around", "after", "sum") else None

    @property
    def weights(self) -> tuple[Weight, ...]:
        return tuple(weight for part in (self.norm, self.block, self._out_norm) if part is not None for weight in part.weights)

    def remember(self, ops: Operators[Tensor], x: Tensor) -> Tensor:
        if not isinstance(self.block, Remembering):
            raise ValueError("a block whose state depends on all that it computes")
        normed, norm = (x, None) if self.norm is None else self.norm.before(ops, x)
        return self.block.remember(ops, normed, norm)

    def __call__(self, ops: Operators[Tensor], x: Tensor, scalar: Weight | None = None) -> Tensor:
        normed, norm = (x, None) if self.norm is None else self.norm.before(ops, x)
        if self._out_norm is None:
            return self.block(ops, normed, norm, x)
        if self.is_of_sum:
            return self._out_norm(ops, self.block(ops, normed, norm, x))
        return ops.add_norm(self.block(ops, normed, norm, None), self._out_norm.weight, x, scalar)
