"""How an embedding model makes one vector of a text: its states pooled, and what is behind that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from webllm_build.errors import UnsupportedArchitecture
from webllm_build.model.names import Part, Place
from webllm_build.model.ops import Operators, Tensor
from webllm_build.model.weights import Weight
from webllm_build.source.embedding import Dense, Embedding, Pooling


@dataclass(frozen=True)
class Pool:
    """kind: which states of a text's tokens. dense: linear layers behind that. whole: a text must come in one call, because its tokens see
    what is behind them, or not only the last one's state counts. several: a call may have several texts, whose tokens see their own."""

    kind: Pooling
    dense: tuple[Dense, ...] = ()
    whole: bool = True
    several: bool = False

    @staticmethod
    def of(embedding: Embedding, *, causal: bool) -> Pool:
        """What a checkpoint says."""
        return Pool(embedding.pooling, embedding.dense, whole=not causal or embedding.pooling != "last", several=not causal)

    def dimensions(self, hidden: int) -> int:
        """Of the vector, given those of a state."""
        return self.dense[-1].outputs if self.dense else hidden


class PlacedPool:
    """A pool with its weights. Raises UnsupportedArchitecture for sizes that do not fit together, or that kernels do not have."""

    def __init__(self, pool: Pool, place: Place, hidden: int) -> None:
        place = replace(place, names=place.names.plus({f"dense{index}": dense.name for index, dense in enumerate(pool.dense)}))
        self.pool = pool
        self._layers: list[tuple[Weight, Weight | None]] = []
        for index, dense in enumerate(pool.dense):
            if dense.inputs != hidden or dense.outputs % 32:
                raise UnsupportedArchitecture(
                    f"{dense.name} makes {dense.outputs} values of {dense.inputs}, behind {hidden}",
                    "Each takes what the one before gives, and weights are in blocks of 32.",
                )
            part, hidden = [Part(f"dense{index}", dense.outputs)], dense.outputs
            bias = place.bias(f"dense{index}_bias", part) if dense.bias else None
            self._layers.append((place.matrix(f"dense{index}", part, dense.inputs), bias))

    @property
    def weights(self) -> Sequence[Weight]:
        return [weight for layer in self._layers for weight in layer if weight is not None]

    def __call__(self, ops: Operators[Tensor], pooled: Tensor) -> Tensor:
        """The vector [1, dimensions] of a pooled state [1, hidden]."""
        for weight, bias in self._layers:
            pooled = ops.linear(pooled, weight, bias=bias)
        return pooled
