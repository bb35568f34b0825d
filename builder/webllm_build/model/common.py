"""What the configs of most decoders say in the same words."""

from __future__ import annotations

from collections.abc import Sequence

from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Description
from webllm_build.model.names import Names

# Keys that say nothing about the mathematics of inference.
IGNORED = frozenset({"attention_dropout", "initializer_range"})


def read_decoder(
    config: Reader, names: Names, layers: Sequence[Description], *, tied: bool = False, embedding_scale: float = 1.0
) -> Decoder:
    """A decoder of these layers. tied: whether the output head is the embedding where the config does not say."""
    return Decoder(
        names,
        layers,
        vocab_size=config.integer("vocab_size"),
        hidden_size=config.integer("hidden_size"),
        context_length=config.integer("max_position_embeddings"),
        norm_eps=config.number("rms_norm_eps"),
        tied=config.flag("tie_word_embeddings", default=tied),
        embedding_scale=embedding_scale,
    )
