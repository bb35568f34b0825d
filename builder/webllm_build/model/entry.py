"""What becomes of embeddings before the first layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from webllm_build.model.names import Place
from webllm_build.model.norms import Norm, NormKind
from webllm_build.model.ops import Operators, Tensor
from webllm_build.model.weights import Weight


@dataclass(frozen=True)
class Entry:
    """norm: of the sum. positions: rows of a table of learnt positions, behind `first_position` others that are not used. token_types: rows
    of another table, whose first row all tokens get."""

    norm: NormKind | None = None
    positions: int | None = None
    first_position: int = field(default=0, repr=False)  # says nothing to the compiler
    token_types: int | None = None

    def at(self, place: Place, hidden: int) -> PlacedEntry:
        return PlacedEntry(self, place, hidden)


class PlacedEntry:
    """An entry with its weights."""

    def __init__(self, entry: Entry, place: Place, hidden: int) -> None:
        self._positions = self._token_type = None
        if entry.positions is not None:
            end = entry.first_position + entry.positions
            self._positions = place.rows("positions", end, hidden, entry.first_position, end)
        if entry.token_types is not None:
            self._token_type = place.rows("token_types", entry.token_types, hidden, 0, 1)
        self._norm = None if entry.norm is None else Norm.at(place, "embedding_norm", entry.norm, hidden)

    @property
    def weights(self) -> Sequence[Weight]:
        tables = [weight for weight in (self._positions, self._token_type) if weight is not None]
        return [*tables, *(self._norm.weights if self._norm is not None else ())]

    def __call__(self, ops: Operators[Tensor], x: Tensor, *, whole: bool) -> Tensor:
        """whole: a text comes in one call."""
        if self._positions is not None:
            x = ops.add_positions(x, self._positions, self._token_type, whole=whole)
        return x if self._norm is None else self._norm(ops, x)
