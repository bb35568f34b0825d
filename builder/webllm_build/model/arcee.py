"""AFM (https://www.arcee.ai/blog/deep-dive-afm-4-5b-the-first-arcee-foundational-model): as Llama, with squared ReLU and no gate."""

from __future__ import annotations

from webllm_build.model import common, llama
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.feed_forward import MLP
from webllm_build.model.layers import Layer

NAMES, GGUF_KEYS = llama.NAMES, llama.GGUF_KEYS
IGNORED = common.IGNORED
DEFAULTS = {
    "vocab_size": 32000,
    "hidden_size": 2560,
    "intermediate_size": 18432,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "max_position_embeddings": 4096,
    "rms_norm_eps": 1e-5,
}


def read(config: Reader) -> Decoder:
    activation, bias = common.read_activation(config, default="relu2"), config.flag("mlp_bias", default=False)
    layer = Layer(
        common.read_self_attention(config, common.read_attention(config)),
        MLP(activation, config.integer("intermediate_size"), bias=bias),
    )
    return common.read_decoder(config, NAMES, [layer] * config.integer("num_hidden_layers"))
