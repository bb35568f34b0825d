"""A conformer (https://arxiv.org/abs/2005.08100): what makes vectors of sounds, which a model of text takes in the place of embeddings. A
model of its own to the compiler."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from webllm_build.errors import UnsupportedArchitecture
from webllm_build.model.attention import Rope
from webllm_build.model.audio.ops import AudioOperators, LocalAttention, Subsampling
from webllm_build.model.clipped import ClippedLinear
from webllm_build.model.names import Names, Part, Place
from webllm_build.model.ops import Function, Tensor
from webllm_build.model.state import State
from webllm_build.model.weights import Derivation, Weight

BLOCK = 32  # numbers of a row that share a scale
STEPS = 4  # frames of a token
OUTPUTS_LAST = Derivation("outputs last", lambda values: values.T.reshape(-1))


@dataclass(frozen=True)
class ConformerLayer:
    """Half a feed-forward block, attention, a gated convolution over time, half a feed-forward block and a norm. taps: of the convolution.
    inner: channels of the blocks. clipped: matrices clip (model/clipped.py). relative, scale: how files' numbers become those of
    AudioOperators.local_attention."""

    attention: LocalAttention
    activation: Function
    taps: int
    inner: int
    clipped: bool
    relative: Derivation
    scale: Derivation

    def at(self, place: Place, hidden: int) -> _Layer:
        return _Layer(self, place, hidden)


class _FeedForward:
    def __init__(self, layer: ConformerLayer, place: Place, hidden: int, name: str) -> None:
        self._activation = layer.activation
        self._norms = tuple(place.norm(f"{name}_{part}", [Part(f"{name}_{part}", hidden)]) for part in ("norm", "out_norm"))
        self._up = ClippedLinear(place, Part(f"{name}_up", layer.inner), hidden, clipped=layer.clipped)
        self._down = ClippedLinear(place, Part(f"{name}_down", hidden), layer.inner, clipped=layer.clipped)

    @property
    def weights(self) -> tuple[Weight, ...]:
        return (*self._norms, *self._up.weights, *self._down.weights)

    def __call__(self, ops: AudioOperators[Tensor], x: Tensor) -> Tensor:
        before, behind = self._norms
        return ops.add_norm(self._down(ops, self._up(ops, ops.norm(x, before), self._activation)), behind, x)


class _Layer:
    def __init__(self, layer: ConformerLayer, place: Place, hidden: int) -> None:
        def linear(name: str, rows: int = hidden, columns: int = hidden) -> ClippedLinear:
            return ClippedLinear(place, Part(name, rows), columns, clipped=layer.clipped)

        def norm(name: str) -> Weight:
            return place.norm(name, [Part(name, hidden)])

        self._layer, (heads, size) = layer, (layer.attention.heads, layer.attention.head_dim)
        self._first, self._last = (_FeedForward(layer, place, hidden, name) for name in ("first", "last"))
        self._norm, self._attention_out_norm, self._conv_norm, self._conv_out_norm, self._out_norm = (
            norm(name) for name in ("attention_norm", "attention_out_norm", "conv_norm", "conv_out_norm", "out_norm")
        )
        self._inputs = tuple(linear(name, heads * size) for name in ("q", "k", "v"))
        self._o, self._conv_in, self._conv_gate = linear("o", columns=heads * size), linear("conv_in"), linear("conv_gate")
        self._conv_end = linear("conv_end")
        self._scale = place.derived("scale", Part("scale", size, suffix=""), 1, (size,), layer.scale)
        relative = (layer.attention.span * heads * size,)
        self._relative = place.derived("relative", Part("relative", heads * size), hidden, relative, layer.relative)
        self._taps = place.vector("conv", [Part("conv", hidden, columns=layer.taps)])

    @property
    def weights(self) -> tuple[Weight, ...]:
        matrices = (*self._inputs, self._o, self._conv_in, self._conv_gate, self._conv_end)
        norms = (self._norm, self._attention_out_norm, self._conv_norm, self._conv_out_norm, self._out_norm)
        of_matrices = (weight for linear in matrices for weight in linear.weights)
        return (*self._first.weights, *of_matrices, self._scale, self._relative, self._taps, *norms, *self._last.weights)

    def __call__(self, ops: AudioOperators[Tensor], x: Tensor) -> Tensor:
        x = self._first(ops, x)
        normed = ops.norm(x, self._norm)
        qkv = ops.join([linear(ops, normed) for linear in self._inputs])
        mixed = ops.local_attention(qkv, self._layer.attention, self._scale, self._relative)
        x = ops.add_norm(self._o(ops, mixed), self._attention_out_norm, x)
        normed = ops.norm(x, self._conv_norm)
        gated = ops.activate(self._conv_gate(ops, normed), "sigmoid", factor=self._conv_in(ops, normed))
        y = ops.norm(ops.depthwise(gated, self._taps, self._layer.taps), self._conv_out_norm)
        x = ops.add(x, self._conv_end(ops, ops.activate(y, self._layer.activation)))
        return ops.norm(self._last(ops, x), self._out_norm)


def _taps(place: Place, name: str, subsampling: Subsampling) -> Weight:
    inner = (subsampling.channels, 3, 3)
    columns = math.prod(inner)
    return place.derived(name, Part(name, subsampling.outputs), columns, (columns * subsampling.outputs,), OUTPUTS_LAST, inner)


class Conformer:
    """What the compiler runs for sounds. most: tokens of the longest. bins: bands of a frame. channels: of the two convolutions before the
    layers. inner: numbers of a token behind the layers. columns: of a vector, the text's hidden size.

    Raises UnsupportedArchitecture for sizes that kernels do not have.
    """

    vocab_size = 1  # of no tokens
    states: tuple[State, ...] = ()
    ropes: tuple[Rope, ...] = ()

    def __init__(
        self,
        names: Names,
        layers: Sequence[ConformerLayer],
        *,
        most: int,
        bins: int,
        channels: tuple[int, int],
        hidden_size: int,
        inner: int,
        columns: int,
        norm_eps: float,
    ) -> None:
        self.subsamplings = Subsampling(STEPS, bins, 1, channels[0]), Subsampling(STEPS // 2, -(-bins // 2), *channels)
        flat = self.subsamplings[1].places * channels[1]
        odd = [size for size in (hidden_size, inner, columns, flat, *(layer.inner for layer in layers)) if size % BLOCK]
        if odd or channels[0] % 4 or channels[1] % 4:
            sizes = ", ".join(map(str, odd or channels))
            raise UnsupportedArchitecture(f"What hears has sizes that kernels do not have: {sizes}", f"Weights are in blocks of {BLOCK}.")
        self.description = repr((most, bins, channels, hidden_size, inner, columns, norm_eps, tuple(layers)))
        self.names, self.most, self.bins, self.hidden_size, self.columns, self.norm_eps = names, most, bins, hidden_size, columns, norm_eps
        whole = Place(names, precision="table")
        self._subsample = tuple(
            (
                _taps(whole, f"subsample{number}", each),
                whole.norm(f"subsample{number}_norm", [Part(f"subsample{number}_norm", each.outputs)]),
            )
            for number, each in enumerate(self.subsamplings)
        )
        self._input = whole.matrix("input", [Part("input", hidden_size)], flat)
        self.layers = tuple(layer.at(replace(whole, layer=number), hidden_size) for number, layer in enumerate(layers))
        output = [Part("output", inner)]
        self._output, self._output_bias = whole.matrix("output", output, hidden_size), whole.bias("output_bias", output)
        self._project = whole.matrix("project", [Part("project", columns)], inner)

    @property
    def weights(self) -> tuple[Weight, ...]:
        """Every weight once, in the order of the plan."""
        layers = (weight for layer in self.layers for weight in layer.weights)
        entry = (weight for pair in self._subsample for weight in pair)
        return (*entry, self._input, *layers, self._output, self._output_bias, self._project)

    def vectors(self, ops: AudioOperators[Tensor]) -> Tensor:
        """Of a sound's tokens: [m, columns]."""
        x = ops.frames()
        for subsampling, (weight, norm) in zip(self.subsamplings, self._subsample, strict=True):
            x = ops.subsample(x, subsampling, weight, norm)
        x = ops.linear(x, self._input)
        for layer in self.layers:
            x = layer(ops, x)
        return ops.linear(ops.bare_norm(ops.linear(x, self._output, bias=self._output_bias)), self._project)
