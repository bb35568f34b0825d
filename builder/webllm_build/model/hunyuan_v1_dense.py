"""Hunyuan, dense (https://github.com/Tencent-Hunyuan/Hunyuan-7B): as Llama, with queries and keys normalised head by head after they
turn, and rotary frequencies of a larger base where the config has an `alpha`."""

from __future__ import annotations

from dataclasses import replace

from webllm_build.model import common, gguf
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, QK_NORMS_GGUF, FileNames, Names
from webllm_build.model.self_attention import SelfAttention

NAMES = Names(
    hugging_face=FileNames(
        {**HUGGING_FACE, "q_norm": "model.layers.{}.self_attn.query_layernorm", "k_norm": "model.layers.{}.self_attn.key_layernorm"},
    ),
    gguf=FileNames({**GGUF, **QK_NORMS_GGUF}),
)
GGUF_KEYS = gguf.KEYS
# What the models' own code has in their configs, of tokens, of training, and of traits that these models lack.
IGNORED = common.IGNORED | {
    "add_classification_head", "cla_share_factor", "class_num", "dense_list", "eod_token_id", "im_end_id", "im_newline_id", "im_start_id",
    "mask_init_id", "org_vocab_size", "pad_id", "sep_token_id", "text_end_id", "text_start_id", "use_rotary_pos_emb",
}  # fmt: skip
DEFAULTS = {
    "vocab_size": 290943,
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "max_position_embeddings": 2048,
    "rms_norm_eps": 1e-05,
}


def read(config: Reader) -> Decoder:
    biased = config.flag("attention_bias", default=False)
    for key, only in {"use_qk_norm": True, "use_cla": False, "mlp_bias": False, "norm_type": "rms"}.items():
        config.must_be(key, only)
    attention, eps = common.read_attention(config, qk_norm=True, alpha=True), config.number("rms_norm_eps")
    # Norms behind the turning do not notice that it scales, but for their epsilon.
    unscaled = replace(attention.rope, scale=1.0)
    attention = replace(attention, rope=unscaled, qk_norm=eps / attention.rope.scale**2, turn_first=True)
    layer = Layer(SelfAttention(attention, qkv_bias=biased, out_bias=biased), common.read_mlp(config))
    return common.read_decoder(config, NAMES, [layer] * config.integer("num_hidden_layers"))
