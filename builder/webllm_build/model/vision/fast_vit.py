"""FastViT (https://arxiv.org/abs/2303.14189) as MobileCLIP's larger towers are: stages of convolutions over the grid of a picture, each
stage at half the side of the one before, the last ones with attention of all places; and squeeze and excitation behind them. Branches of
training are joined in files already; norms of batches and layers' scales are joined with what they follow as weights are read."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from webllm_build.errors import UnsupportedArchitecture
from webllm_build.model.names import Names, Part, Place
from webllm_build.model.ops import Function, Tensor
from webllm_build.model.vision.ops import Convolution, TowerOperators
from webllm_build.model.vision.projector import Projector
from webllm_build.model.vision.scaled import Scaled, normed, normed_bias, scaled
from webllm_build.model.vision.tower import BLOCK, Batch, Patches, Tower
from webllm_build.model.weights import Weight, taps_first

HEAD = 32  # numbers of an attention head
EPS = 1e-5
SMALL, LARGE = 3, 7  # sides of convolutions
STEM = 4  # pixels a side that the first stage has a place of
SQUEEZED = 16  # channels for each of the vector that is excited by
CHANNELS = 3
MOST_PIXELS = 1 << 20  # of a call: of each, what comes of it takes some 400 bytes twice


@dataclass(frozen=True)
class Stage:
    """depth: blocks. ratio: channels of a feed-forward block for each of its input. attends: places see each other."""

    depth: int
    channels: int
    ratio: int
    attends: bool


class _Convolved:
    """A convolution with its weights. before: the tensors' part; batch_norm: of the one behind it."""

    def __init__(
        self, place: Place, name: str, convolution: Convolution, activation: Function | None, batch_norm: str | None = None
    ) -> None:
        self.convolution, self.activation = convolution, activation
        outputs, taps = convolution.outputs, convolution.taps
        self.weight = place.vector(name, [Part(name, outputs, columns=taps)], taps_first(outputs, taps, bias=False))
        if batch_norm is None:
            self.bias = place.bias(f"{name}_bias", [Part(name, outputs)])
            return
        bias = place.bias(f"{name}_bias", [Part(batch_norm, outputs)])
        scale, variance, mean = (
            place.vector("norm", [Part(batch_norm, outputs, suffix=suffix)]).sources[0]
            for suffix in ("weight", "running_var", "running_mean")
        )
        self.weight = replace(self.weight, sources=(Scaled(self.weight.sources[0], (scale, variance), normed),))
        self.bias = replace(bias, sources=(Scaled(bias.sources[0], (scale, variance, mean), normed_bias),))

    @property
    def weights(self) -> tuple[Weight, ...]:
        return self.weight, self.bias

    def __call__(self, ops: TowerOperators[Tensor], x: Tensor | None) -> Tensor:
        return ops.convolve(x, self.convolution, self.weight, self.bias, self.activation)


class _Linear:
    """A product of places' channels, as a convolution over one place or (plain) as a matrix, with a bias unless it has none. scale: the
    part that its outputs are scaled by."""

    def __init__(
        self, place: Place, name: str, rows: int, columns: int, activation: Function | None = None, *,
        plain: bool = False, bias: bool = True, scale: str | None = None,
    ) -> None:  # fmt: skip
        self.activation = activation
        self.matrix = place.matrix(name, [Part(name, rows)], columns) if plain else place.patches(name, rows, (columns, 1, 1))
        self.bias = place.bias(f"{name}_bias", [Part(name, rows)]) if bias else None
        if scale is not None:
            (behind,) = place.vector("scale", [Part(scale, rows, suffix="")]).sources
            self.matrix = replace(self.matrix, sources=(Scaled(self.matrix.sources[0], (behind,), scaled),))
            self.bias = None if self.bias is None else replace(self.bias, sources=(Scaled(self.bias.sources[0], (behind,), scaled),))

    @property
    def weights(self) -> tuple[Weight, ...]:
        return (self.matrix,) if self.bias is None else (self.matrix, self.bias)

    def __call__(self, ops: TowerOperators[Tensor], x: Tensor, residual: Tensor | None = None) -> Tensor:
        return ops.linear(x, self.matrix, bias=self.bias, residual=residual, activation=self.activation or "none")


class _FeedForward:
    """x + what two products make of each place, and a convolution before them of the places around it."""

    def __init__(self, place: Place, prefix: str, side: int, stage: Stage) -> None:
        channels, inner = stage.channels, stage.channels * stage.ratio
        around = Convolution(side, LARGE, 1, channels, channels)
        self.around = _Convolved(place, f"{prefix}around", around, None, f"{prefix}around_norm")
        self.up = _Linear(place, f"{prefix}up", inner, channels, "gelu")
        self.down = _Linear(place, f"{prefix}down", channels, inner, scale=f"{prefix}mlp_scale")

    @property
    def weights(self) -> tuple[Weight, ...]:
        return (*self.around.weights, *self.up.weights, *self.down.weights)

    def __call__(self, ops: TowerOperators[Tensor], x: Tensor) -> Tensor:
        return self.down(ops, self.up(ops, self.around(ops, x)), residual=x)


class _Block:
    """A mixer of places, and a feed-forward block."""

    def __init__(self, place: Place, prefix: str, side: int, stage: Stage) -> None:
        channels = stage.channels
        self.mixer: _Attention | _Convolved = (
            _Attention(place, prefix, side, channels)
            if stage.attends
            else _Convolved(place, f"{prefix}mixer", Convolution(side, SMALL, 1, channels, channels), None)
        )
        self.feed_forward = _FeedForward(place, prefix, side, stage)

    @property
    def weights(self) -> tuple[Weight, ...]:
        return (*self.mixer.weights, *self.feed_forward.weights)

    def __call__(self, ops: TowerOperators[Tensor], x: Tensor) -> Tensor:
        return self.feed_forward(ops, self.mixer(ops, x))


class _Attention:
    """x + the attention of all places of a picture."""

    def __init__(self, place: Place, prefix: str, side: int, channels: int) -> None:
        self.count, self.heads = side**2, channels // HEAD
        norm = f"{prefix}norm"
        self.norm, self.norm_bias = place.norm(norm, [Part(norm, channels)]), place.bias(f"{norm}_bias", [Part(norm, channels)])
        self.qkv = _Linear(place, f"{prefix}qkv", 3 * channels, channels, plain=True, bias=False)
        self.out = _Linear(place, f"{prefix}out", channels, channels, plain=True, scale=f"{prefix}out_scale")

    @property
    def weights(self) -> tuple[Weight, ...]:
        return (self.norm, self.norm_bias, *self.qkv.weights, *self.out.weights)

    def __call__(self, ops: TowerOperators[Tensor], x: Tensor) -> Tensor:
        qkv = self.qkv(ops, ops.layer_norm(x, self.norm, self.norm_bias))
        return self.out(ops, ops.attend(qkv, self.heads, self.count), residual=x)


_Part = _Convolved | _Linear | _Block


class FastVit(Tower):
    """Its patches are the squares of pixels of which it makes a vector each. Raises UnsupportedArchitecture."""

    whole = True

    def __init__(self, names: Names, stages: Sequence[Stage], projector: Projector, batch: Batch) -> None:
        patch = STEM * 2 ** (len(stages) - 1)
        grid = math.isqrt(batch.picture or batch.patches)
        hidden = 2 * stages[-1].channels
        odd = [size for stage in stages for size in (stage.channels, stage.channels * stage.ratio) if size % BLOCK]
        grows = all(after.channels % before.channels == 0 for before, after in itertools.pairwise(stages))
        if odd or not grows or projector.columns % BLOCK:
            sizes = ", ".join(str(stage.channels) for stage in stages)
            raise UnsupportedArchitecture(
                f"A FastViT of {sizes} channels has sizes that kernels do not have", f"Weights are in blocks of {BLOCK}."
            )
        self.description = repr(("fast_vit", tuple(stages), projector, grid))
        self.names, self.patches, self.projector, self.spans = names, Patches(CHANNELS, patch), projector, 1
        self.picture = grid**2
        self.most = min(max(batch.patches, self.picture), self.picture * max(1, MOST_PIXELS // (grid * patch) ** 2))
        self.taps, self.skipped, self.newline, self.layers = 1, (), None, ()
        self.hidden_size, self.norm_eps, self.project_eps = hidden, EPS, EPS
        self._features, self._deep, self._convolves = (), {}, False
        whole = Place(names, precision="table")
        pixels, channels = grid * patch, stages[0].channels
        self._stem = _Convolved(whole, "stem0", Convolution(pixels, SMALL, 2, CHANNELS, channels, patch), "gelu")
        self._parts = tuple(_parts(whole, stages, pixels // 2))
        self._last = _Convolved(whole, "final", Convolution(grid, SMALL, 1, hidden // 2, hidden), None)
        padded, squeezed = replace(whole, padded=True), round(hidden / SQUEEZED)
        self._squeeze = _Linear(padded, "squeeze", squeezed, hidden, "relu")
        self._excite = _Linear(padded, "excite", hidden, squeezed, "sigmoid")
        self._projector = projector.at(whole, hidden)

    @property
    def weights(self) -> tuple[Weight, ...]:
        parts = (weight for part in (self._stem, *self._parts, self._last, self._squeeze, self._excite) for weight in part.weights)
        return (*parts, *self._projector.weights)

    def hidden(self, ops: TowerOperators[Tensor], layers: int | None = None) -> Tensor:
        """layers: a block is one, and leaves the places of its own grid."""
        x, left = self._stem(ops, None), layers
        for part in self._parts:
            x = part(ops, x)
            left = left - 1 if left is not None and isinstance(part, _Block) else left
            if left == 0:
                return x
        x = self._last(ops, x)
        gates = self._excite(ops, self._squeeze(ops, ops.squeeze(x, self.picture)))
        return ops.activate(ops.excite(x, gates, self.picture), "gelu")


def _parts(whole: Place, stages: Sequence[Stage], side: int) -> list[_Part]:
    """From behind the pixels' convolution up to the last stage, in order. side: of the grid that comes in."""
    channels = stages[0].channels
    parts: list[_Part] = [
        _Convolved(whole, "stem1", Convolution(side, SMALL, 2, channels, channels), "gelu"),
        _Linear(whole, "stem2", channels, channels, "gelu"),
    ]
    side //= 2
    before = 0
    for number, stage in enumerate(stages):
        prefix = f"stage{number}."
        if number > 0:
            parts.append(_Convolved(whole, f"{prefix}halve", Convolution(side, LARGE, 2, channels, stage.channels), "gelu"))
            channels, side = stage.channels, side // 2
            parts.append(_Linear(whole, f"{prefix}halved", channels, channels, "gelu"))
        if stage.attends:
            parts.append(_Convolved(whole, f"{prefix}positions", Convolution(side, LARGE, 1, channels, channels), None))
        parts += [_Block(replace(whole, layer=block, before=before), prefix, side, stage) for block in range(stage.depth)]
        before += stage.depth
    return parts
