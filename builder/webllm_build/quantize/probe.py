"""What a model makes of a few tokens in its first layer, and its head of a known state, computed here from its packed weights: what a page
holds its GPU against."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from webllm_build.model.decoder import Decoder
from webllm_build.model.numpy_operators import NumpyOperators
from webllm_build.model.vision.numpy_tower import NumpyTowerOperators, Pictures
from webllm_build.model.vision.tower import Tower
from webllm_build.model.weights import Weight
from webllm_build.quantize.scheme import Scheme
from webllm_build.source.checkpoint import Checkpoint

TOKENS = 8
CHANNELS = 64
PATCHES = 16

Array = npt.NDArray[np.floating[Any]]
# Of a weight, by its name, and of its buffers, by their numbers: the bytes from one to another.
Contents = Callable[[str, int, int, int], npt.NDArray[np.uint8]]


@dataclass(frozen=True)
class Probe:
    """tokens: ids of a prompt; patches: of a tower, how many of `probe_patches`. values: the hidden state of the last of them (of a tower
    of convolutions, of the place with its number) behind the first layer, at evenly spaced channels. logits: of a model that writes, what
    its head makes of known_state, at some tokens."""

    tokens: tuple[int, ...]
    values: tuple[float, ...]
    patches: int | None = None
    logits: tuple[float, ...] | None = None


def probe(model: Decoder, checkpoint: Checkpoint, schemes: Mapping[str, Scheme], contents: Contents) -> Probe:
    # Neighbours from the middle of the vocabulary, which are words; those at its ends may be reserved and mean nothing.
    first = model.vocab_size // 2 // TOKENS * TOKENS
    tokens = tuple(range(first, min(first + TOKENS, model.vocab_size)))
    operators = _PackedOperators(model, checkpoint, schemes, contents, tokens)
    logits = None if model.head is None else _shown(model.logits(operators, known_state(model.hidden_size))[0])
    return Probe(tokens, _shown(model.hidden(operators, layers=1)[-1]), logits=logits)


def known_state(size: int) -> Array:
    """A hidden state [1, size] of numbers from -1 to 1, as the page makes it (self_test.ts)."""
    return (17 * np.arange(size)[None] % 64 / 32 - 1).astype(np.float64)


def probe_tower(tower: Tower, checkpoint: Checkpoint, schemes: Mapping[str, Scheme], contents: Contents) -> Probe:
    operators = _PackedTowerOperators(tower, checkpoint, schemes, contents)
    count = _patch_count(tower)
    return Probe((), _shown(tower.hidden(operators, layers=1)[count - 1]), count)


def probe_patches(tower: Tower) -> Pictures:
    """One picture of some patches, all at its first position."""
    count = _patch_count(tower)
    rows, columns = np.arange(count)[:, None], np.arange(tower.patches.width)
    taps = np.zeros((count, tower.taps), np.int32)
    spans = np.tile(np.array([0, count - 1], np.int32), (count, 1))
    factors = np.full(taps.shape, 1 / tower.taps, np.float32)
    patches = ((31 * rows + 17 * columns) % 64 / 32 - 1).astype(np.float32)
    return Pictures(patches, taps, factors, [spans] * tower.spans, np.zeros((count, 2), np.int32))


def _patch_count(tower: Tower) -> int:
    return tower.picture if tower.whole else PATCHES


def _shown(hidden: Array) -> tuple[float, ...]:
    count = min(CHANNELS, len(hidden))
    return tuple(float(f"{hidden[i * len(hidden) // count]:.6g}") for i in range(count))


class _Packed(NumpyOperators):
    """On weights as they are packed."""

    _schemes: Mapping[str, Scheme]
    _contents: Contents

    def multiply(self, x: Array, weight: Weight) -> Array:
        step = max(4, (1 << 22) // weight.shape[1] // 4 * 4)
        parts = (self._rows(weight, first, min(step, weight.shape[0] - first)) for first in range(0, weight.shape[0], step))
        return np.concatenate([x @ rows.T.astype(np.float64) for rows in parts], axis=1)

    def rows_of_experts(self, weight: Weight, experts: Sequence[int]) -> Iterator[Array]:
        count = weight.shape[0] // weight.experts
        return (self._rows(weight, expert * count, count).astype(np.float64) for expert in experts)

    def vector(self, weight: Weight) -> Array:
        return self._rows(weight, 0, weight.shape[0]).reshape(-1).astype(np.float64)

    def _rows(self, weight: Weight, first: int, count: int) -> npt.NDArray[np.float32]:
        """float32[count, k]: rows from a multiple of four on, which begin at a whole word of every buffer."""
        scheme, k = self._schemes[weight.name], (*weight.shape, 1)[1]
        buffers = [
            taken.array(self._contents(weight.name, number, before.nbytes, before.nbytes + taken.nbytes))
            for number, (before, taken) in enumerate(zip(scheme.buffers(first, k), scheme.buffers(count, k), strict=True))
        ]
        return scheme.decode(buffers, count, k)


class _PackedOperators(_Packed):
    """Of neighbouring tokens."""

    def __init__(
        self, model: Decoder, checkpoint: Checkpoint, schemes: Mapping[str, Scheme], contents: Contents, tokens: Sequence[int]
    ) -> None:
        super().__init__(checkpoint, model.norm_eps, tokens)
        self._schemes, self._contents = schemes, contents

    def embed(self, table: Weight, *, scale: float = 1.0) -> Array:
        rows: Array = self._rows(table, int(self.tokens[0]), len(self.tokens)) * np.float64(scale)
        return rows


class _PackedTowerOperators(_Packed, NumpyTowerOperators):
    """Of the probe's patches."""

    def __init__(self, tower: Tower, checkpoint: Checkpoint, schemes: Mapping[str, Scheme], contents: Contents) -> None:
        NumpyTowerOperators.__init__(self, checkpoint, tower.norm_eps, probe_patches(tower))
        self._schemes, self._contents = schemes, contents

    def rows(self, table: Weight) -> Array:
        return self._rows(table, 0, table.shape[0]).astype(np.float64)
