"""Tokens that are never drawn, as generation_config.json and GGUF files name them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from webllm_build.model.weights import RowSource
from webllm_build.source.checkpoint import Checkpoint, Raw, Tensor

NEVER = -1e4  # on a logit: far below all others, also where these are scaled; of those that are capped it is the least


@dataclass(frozen=True)
class Suppressed:
    """A bias of logits: that of a source, or none, and of some tokens NEVER. So they cost no step and no kernel of their own."""

    tokens: tuple[int, ...]
    length: int
    source: RowSource | None

    def names(self, checkpoint: Checkpoint) -> tuple[str, ...]:
        return () if self.source is None else self.source.names(checkpoint)

    def tensor(self, checkpoint: Checkpoint) -> Tensor:
        """float32[length]. Raises what the source raises."""
        bias = None if self.source is None else self.source.tensor(checkpoint)

        def rows(first: int, end: int) -> Raw:
            values = np.zeros(self.length, np.float32) if bias is None else np.array(bias.dequantize())
            values[list(self.tokens)] = NEVER
            return values.view(np.uint8).reshape(1, -1)

        return Tensor("suppressed", (self.length,), "f32", rows)
