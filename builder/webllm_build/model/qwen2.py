"""Qwen2 and Qwen2.5 (https://arxiv.org/abs/2412.15115): as Llama, with biases on queries, keys and values."""

from __future__ import annotations

from webllm_build.model import common, gguf
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, FileNames, Names
from webllm_build.model.self_attention import SelfAttention

NAMES = Names(hugging_face=FileNames(HUGGING_FACE), gguf=FileNames(GGUF))
GGUF_KEYS = gguf.KEYS
# The window's keys are there in every file, and mean something only where it is switched on.
IGNORED = common.IGNORED | {"max_window_layers", "sliding_window"}


def read(config: Reader) -> Decoder:
    common.check_window(config)
    layer = Layer(SelfAttention(common.read_attention(config), qkv_bias=True), common.read_mlp(config))
    return common.read_decoder(config, NAMES, [layer] * config.integer("num_hidden_layers"))
