"""What a model makes of a few tokens in its first layer, computed here from its packed weights: what a page holds its GPU against."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from webllm_build.model.decoder import Decoder
from webllm_build.model.numpy_operators import NumpyOperators
from webllm_build.model.weights import Weight
from webllm_build.quantize.scheme import Scheme
from webllm_build.source.checkpoint import Checkpoint

TOKENS = 8
CHANNELS = 64

Array = npt.NDArray[np.floating[Any]]
# Of a weight, by its name, and of its buffers, by their numbers: the bytes from one to another.
Contents = Callable[[str, int, int, int], npt.NDArray[np.uint8]]


@dataclass(frozen=True)
class Probe:
    """tokens: ids of a prompt. values: the hidden state of the last of them behind the first layer, at evenly spaced channels."""

    tokens: tuple[int, ...]
    values: tuple[float, ...]


def probe(model: Decoder, checkpoint: Checkpoint, schemes: Mapping[str, Scheme], contents: Contents) -> Probe:
    # Neighbours from the middle of the vocabulary, which are words; those at its ends may be reserved and mean nothing.
    first = model.vocab_size // 2 // TOKENS * TOKENS
    tokens = tuple(range(first, min(first + TOKENS, model.vocab_size)))
    operators = _PackedOperators(model, checkpoint, schemes, contents, tokens)
    hidden = model.hidden(operators, layers=1)[-1]
    count = min(CHANNELS, len(hidden))
    return Probe(tokens, tuple(float(f"{hidden[i * len(hidden) // count]:.6g}") for i in range(count)))


class _PackedOperators(NumpyOperators):
    """On weights as they are packed."""

    def __init__(
        self, model: Decoder, checkpoint: Checkpoint, schemes: Mapping[str, Scheme], contents: Contents, tokens: Sequence[int]
    ) -> None:
        super().__init__(checkpoint, model.norm_eps, tokens)
        self._schemes, self._contents = schemes, contents

    def embed(self, table: Weight, *, scale: float = 1.0) -> Array:
        rows: Array = self._rows(table, int(self.tokens[0]), len(self.tokens)) * np.float64(scale)
        return rows

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
