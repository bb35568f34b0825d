"""Llama (https://arxiv.org/abs/2407.21783) and everything that calls itself so: SmolLM2, TinyLlama and others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from webllm_build.model.config import Reader
from webllm_build.model.layers import Decoder, Dimensions

# Keys that say nothing about the mathematics of inference.
IGNORED = frozenset({"pretraining_tp", "is_llama_config", "rope_interleaved", "initializer_range", "attention_dropout"})


@dataclass(frozen=True)
class Config:
    dims: Dimensions
    tied: bool

    @staticmethod
    def parse(config: Mapping[str, object]) -> Config:
        """Reads a Hugging Face config.json.

        Raises:
            UnsupportedArchitecture: keys that are missing, out of range, or unknown and might change the mathematics.
        """
        read = Reader("llama", config, IGNORED)
        hidden = read.integer("hidden_size")
        heads = read.integer("num_attention_heads")
        head_dim = read.integer("head_dim", default=hidden // max(heads, 1))
        dims = Dimensions(
            vocab_size=read.integer("vocab_size"),
            hidden_size=hidden,
            intermediate_size=read.integer("intermediate_size"),
            num_layers=read.integer("num_hidden_layers"),
            num_heads=heads,
            num_kv_heads=read.integer("num_key_value_heads", default=heads),
            head_dim=head_dim,
            context_length=read.integer("max_position_embeddings"),
            norm_eps=read.number("rms_norm_eps"),
            inv_freq=tuple(read.rope(default_theta=10000.0).inverse_frequencies(head_dim).tolist()),
        )
        read.must_be("hidden_act", "silu")
        read.must_be("attention_bias", False)
        read.must_be("mlp_bias", False)
        tied = read.flag("tie_word_embeddings", default=False)
        read.finish()
        return Config(dims, tied)


class Model(Decoder):
    def __init__(self, config: Config) -> None:
        super().__init__(config.dims, tied=config.tied)
