"""Gemma (https://arxiv.org/abs/2403.08295): as Llama, with scaled embeddings, GELU, and norms that are stored as the difference from 1."""

from __future__ import annotations

from webllm_build.model import common, gguf
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.feed_forward import GatedMLP
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, FileNames, Names
from webllm_build.model.ops import GATED

NAMES = Names(hugging_face=FileNames(HUGGING_FACE, norm_offset=1.0), gguf=FileNames(GGUF))
GGUF_KEYS = gguf.KEYS
# transformers takes hidden_act, and the tanh approximation whatever the files call it.
IGNORED = common.IGNORED | {"hidden_activation"}
DEFAULTS = {
    "vocab_size": 256000,
    "hidden_size": 3072,
    "intermediate_size": 24576,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 16,
    "head_dim": 256,
    "max_position_embeddings": 8192,
    "rms_norm_eps": 1e-06,
}


def read(config: Reader) -> Decoder:
    function = common.read_activation(config, default="gelu_pytorch_tanh")
    mlp = GatedMLP(GATED["gelu_tanh" if function == "gelu" else function], config.integer("intermediate_size"))
    layer = Layer(common.read_self_attention(config, common.read_attention(config)), mlp)
    scale = config.integer("hidden_size") ** 0.5
    return common.read_decoder(config, NAMES, [layer] * config.integer("num_hidden_layers"), tied=True, embedding_scale=scale)
