"""What files say of a model that makes vectors of texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Pooling = Literal["cls", "mean", "last"]  # the first token's state, the mean of all, the last token's


@dataclass(frozen=True)
class Dense:
    """A linear layer behind the pooling. name: of its tensors, before ".weight" and ".bias"."""

    name: str
    inputs: int
    outputs: int
    bias: bool


@dataclass(frozen=True)
class Embedding:
    """max_tokens: of a text, where that is less than the model's positions. prompts: what comes before a text, by what it is for;
    default_prompt: the one of them that a text gets where nobody says."""

    pooling: Pooling
    dense: tuple[Dense, ...] = ()
    max_tokens: int | None = None
    prompts: Mapping[str, str] = field(default_factory=dict)
    default_prompt: str | None = None
