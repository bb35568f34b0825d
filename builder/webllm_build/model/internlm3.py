"""InternLM 3 (https://github.com/InternLM/InternLM): Llama, with other names of its biases. In GGUF files it is a llama."""

from __future__ import annotations

from webllm_build.model import llama
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder

IGNORED = llama.IGNORED
ALIASES = {"qkv_bias": "attention_bias", "bias": "mlp_bias"}
DEFAULTS = {
    "vocab_size": 128512,
    "hidden_size": 4096,
    "intermediate_size": 10240,
    "num_hidden_layers": 48,
    "num_attention_heads": 32,
    "num_key_value_heads": 2,
    "head_dim": 128,
    "max_position_embeddings": 32768,
    "rms_norm_eps": 1e-5,
}


def read(config: Reader) -> Decoder:
    return llama.read(config)
