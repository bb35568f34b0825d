"""Buffers that outlive a step, as a model declares them. The sequence manager owns their places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Pages:
    """Keys and values of all tokens of a layer, in pages that sequences may share.

    heads: that attend to them, kv_heads: that they are of. window: tokens further back than that are not read again.
    """

    name: str
    heads: int
    kv_heads: int
    head_dim: int
    window: int | None = None
    kind: Literal["pages"] = "pages"


@dataclass(frozen=True)
class Slots:
    """A state of fixed size, float32[shape], of a sequence after some number of tokens: a step reads one slot and writes another."""

    name: str
    shape: tuple[int, ...]
    kind: Literal["slots"] = "slots"


State = Pages | Slots
