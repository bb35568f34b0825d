"""A tower: what makes vectors of pictures, which a model of text takes in the place of embeddings. A model of its own to the compiler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from webllm_build.errors import UnsupportedArchitecture
from webllm_build.model.attention import Rope
from webllm_build.model.layers import Layer, PlacedLayer, ropes_of, states_of
from webllm_build.model.names import Names, Part, Place
from webllm_build.model.norms import Norm, NormKind
from webllm_build.model.ops import Tensor
from webllm_build.model.state import State
from webllm_build.model.vision.grid_convolution import TAPS, GridConvolution
from webllm_build.model.vision.ops import TowerOperators
from webllm_build.model.vision.projector import Projector
from webllm_build.model.weights import Weight

NO_DEEP: Mapping[int, Projector] = {}
BLOCK = 32  # numbers of a row that share a scale


@dataclass(frozen=True)
class Batch:
    """Of a call: at most so many patches; taps: rows of the table of positions that one patch's is made of. picture: patches of the largest
    picture, where a call may have several of them."""

    patches: int
    taps: int = 1
    picture: int | None = None


@dataclass(frozen=True)
class Patches:
    """How a picture comes in. channels, size: of a patch, whose numbers are in the order channel, row, column. positions: rows of the table
    of learnt ones, 0 for none, in files as so many `tables`. bias: their matrix has one. classed: the table begins with the embedding of a
    token that is no patch, behind which are zeros up to a whole block; that token comes as a patch of zeros."""

    channels: int
    size: int
    positions: int = 0
    bias: bool = True
    classed: bool = False
    tables: int = 1

    @property
    def inner(self) -> tuple[int, ...]:
        return (self.channels, self.size, self.size)

    @property
    def width(self) -> int:
        """Numbers of a patch, with zeros behind them up to a whole block."""
        return -(-self.channels * self.size**2 // BLOCK) * BLOCK


class Tower:
    """What the compiler runs for pictures. batch: what of them comes in a call. norm: of what kind the one behind the layers is.
    entry_norm: the one of the layers' input, where there is such. end_eps: of the one behind them, where it is not norm_eps.
    spans: kinds of how far a patch sees. norm_eps, project_eps: of the norms of layers, and of the projector. deep: of
    what else vectors are made, states behind a layer, by its number. skipped: how the names of tensors begin that it does not need.
    features: behind how many layers states are taken that stand before the last ones in what the projector reads. newline: there is a
    learnt vector, as the projector's, that ends a picture's rows: no kernel reads it, and the page puts it there.

    Patches come in groups: the ones that become one vector are one behind the other, row by row. How far each of them sees is an io
    buffer's (`Attention.span`). Raises UnsupportedArchitecture for sizes that kernels do not have.
    """

    vocab_size = 1  # of no tokens
    whole = False  # a call has pictures of one size alone, each whole

    def __init__(
        self,
        names: Names,
        layers: Sequence[Layer],
        projector: Projector,
        *,
        patches: Patches,
        hidden_size: int,
        norm: NormKind | None,
        norm_eps: float,
        project_eps: float,
        batch: Batch,
        spans: int = 1,
        entry_norm: NormKind | None = None,
        end_eps: float | None = None,
        skipped: tuple[str, ...] = (),
        deep: Mapping[int, Projector] = NO_DEEP,
        features: tuple[int, ...] = (),
        newline: bool = False,
    ) -> None:
        if hidden_size % BLOCK or projector.columns % BLOCK:
            odd = f"{hidden_size} features of a picture's patches, {projector.columns} of its vectors"
            raise UnsupportedArchitecture(f"Sizes that are not multiples of {BLOCK}: {odd}", f"Weights are in blocks of {BLOCK}.")
        sizes = (patches, hidden_size, norm, norm_eps, project_eps, batch, spans, entry_norm, end_eps)
        self.description = repr((sizes, projector, tuple(deep.items()), tuple(layers), features, newline))
        self.names, self.patches, self.projector, self.spans = names, patches, projector, spans
        self.skipped, self._features = skipped, features
        self._convolves = any(isinstance(layer.mixer, GridConvolution) for layer in layers)
        self.picture = (batch.picture or batch.patches) + patches.classed
        self.most, self.taps = max(batch.patches, self.picture), batch.taps
        self.hidden_size, self.norm_eps, self.project_eps = hidden_size, norm_eps, project_eps
        whole = Place(names, precision="table", padded=True)  # errors of 4 bits are seen in what is said of a picture
        self._patch = whole.patches("patch", hidden_size, patches.inner)
        self._patch_bias = whole.bias("patch_bias", [Part("patch", hidden_size)]) if patches.bias else None
        table = [*([Part("class", 1)] if patches.classed else []), Part("positions", patches.positions)]
        self._positions = whole.exact("positions", table, hidden_size, patches.tables) if patches.positions else None
        self._entry_norm = None if entry_norm is None else Norm.at(whole, "entry_norm", entry_norm, hidden_size)
        places = (replace(whole, layer=index) for index in range(len(layers)))
        self.layers: tuple[PlacedLayer, ...] = tuple(layer.at(place, hidden_size) for layer, place in zip(layers, places, strict=True))
        self._norm = None if norm is None else Norm.at(whole, "norm", norm, hidden_size, end_eps)
        self._projector = projector.at(whole, hidden_size * (1 + len(features)))
        self._deep = {layer: each.at(whole, hidden_size, f"deep{number}_") for number, (layer, each) in enumerate(deep.items())}
        row_end = Part("newline", projector.columns, suffix="")
        self.newline = replace(whole, padded=False).vector("newline", [row_end]) if newline else None

    @property
    def weights(self) -> tuple[Weight, ...]:
        """Every weight once, in the order of the plan."""
        entry = (weight for weight in (self._patch, self._patch_bias, self._positions) if weight is not None)
        entry_norm = () if self._entry_norm is None else self._entry_norm.weights
        layers = (weight for layer in self.layers for weight in layer.weights)
        deep = (weight for projector in self._deep.values() for weight in projector.weights)
        norm = () if self._norm is None else self._norm.weights
        return (*entry, *entry_norm, *layers, *norm, *self._projector.weights, *deep, *(() if self.newline is None else (self.newline,)))

    @property
    def states(self) -> tuple[State, ...]:
        return states_of(self.layers)

    @property
    def ropes(self) -> tuple[Rope, ...]:
        return ropes_of(self.layers)

    @property
    def neighbours(self) -> int:
        """Of a patch, itself among them: 0 where no convolution takes them."""
        return TAPS if self._convolves else 0

    @property
    def states_size(self) -> int:
        """Of what is kept of a patch: its state, and those behind some layers that are projected, too."""
        return self.hidden_size * (1 + len(self._deep) + len(self._features))

    @property
    def columns(self) -> int:
        """Of a vector."""
        return self.projector.columns * (1 + len(self._deep))

    def hidden(self, ops: TowerOperators[Tensor], layers: int | None = None) -> Tensor:
        """States of the patches of a call, [m, states_size], or those behind the first layers, [m, hidden]."""
        x = ops.linear(ops.patches(), self._patch, bias=self._patch_bias)
        if self._positions is not None:
            x = ops.add_taps(x, self._positions)
        x = x if self._entry_norm is None else self._entry_norm(ops, x)
        deep, features = [], []
        for number, layer in enumerate(self.layers[:layers]):
            x = layer(ops, x)
            deep += [x] if number in self._deep else []
            features += [x] if number + 1 in self._features else []
        if layers is not None:
            return x
        x = x if self._norm is None else self._norm(ops, x)
        return ops.join([*features, x, *deep]) if features or deep else x

    def pictures(self, ops: TowerOperators[Tensor], x: Tensor) -> Tensor:
        """Vectors [groups, columns] of the states of as many groups of patches, [groups, group * states_size]."""
        if not self._deep:
            return self._projector(ops, x)
        projectors = (self._projector, *self._deep.values())
        parts = (ops.part(x, number, len(projectors), self.projector.group) for number in range(len(projectors)))
        return ops.join([projector(ops, part) for projector, part in zip(projectors, parts, strict=True)])
