"""OLMo 2 (https://arxiv.org/abs/2501.00656): norms behind the blocks, and of queries and keys over all heads. In GGUF files it is an
Olmo 3 without a window."""

from __future__ import annotations

from webllm_build.model import common
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, OUT_NORMS, OUT_NORMS_GGUF, QK_NORMS, QK_NORMS_GGUF, FileNames, Names

NAMES = Names(
    hugging_face=FileNames(
        {
            **HUGGING_FACE,
            **QK_NORMS,
            **OUT_NORMS,
        }
    ),
    gguf=FileNames(
        {
            **GGUF,
            **QK_NORMS_GGUF,
            **OUT_NORMS_GGUF,
        }
    ),
)
IGNORED = common.IGNORED
DEFAULTS = {
    "vocab_size": 50304,
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "max_position_embeddings": 2048,
    "rms_norm_eps": 1e-05,
}


def read(config: Reader) -> Decoder:
    attention = common.read_self_attention(config, common.read_attention(config), whole_norm=True)
    layer = Layer(attention, common.read_mlp(config), norms="after")
    return common.read_decoder(config, NAMES, [layer] * config.integer("num_hidden_layers"))
