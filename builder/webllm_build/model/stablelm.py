"""StableLM (https://huggingface.co/papers/2402.17834): as Llama, with layer normalisation, and heads of which a part turns. Queries
and keys of 12B have norms of each head."""

from __future__ import annotations

from collections.abc import Mapping

from webllm_build.model import common, gguf
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, QK_NORMS_GGUF, FileNames, Names
from webllm_build.model.self_attention import SelfAttention
from webllm_build.model.stacks import EXPERT
from webllm_build.source.checkpoint import Tensor

# Of each head; GGUF files have those of all heads in one tensor.
_QK_NORMS = {part: f"model.layers.{{}}.self_attn.{part[0]}_layernorm.norms.{{{EXPERT}}}" for part in QK_NORMS_GGUF}
NAMES = Names(hugging_face=FileNames({**HUGGING_FACE, **_QK_NORMS}), gguf=FileNames({**GGUF, **QK_NORMS_GGUF}))
GGUF_KEYS = {**gguf.LAYER_NORM_KEYS, "partial_rotary_factor": gguf.TURNED, "use_parallel_residual": "use_parallel_residual"}
IGNORED = common.IGNORED
DEFAULTS = {
    "vocab_size": 50304,
    "hidden_size": 2560,
    "intermediate_size": 6912,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "max_position_embeddings": 4096,
}


def of_gguf_tensors(tensors: Mapping[str, Tensor]) -> dict[str, object]:
    """Converters write use_parallel_residual also where a config.json says nothing, which is that there is none."""
    return {
        "use_qkv_bias": not gguf.QUERY_BIASES.isdisjoint(tensors),
        "qk_layernorm": "blk.0.attn_q_norm.weight" in tensors,
        "use_parallel_residual": "blk.0.ffn_norm.weight" not in tensors,
    }


def read(config: Reader) -> Decoder:
    has_norms = config.flag("qk_layernorm", default=False)
    attention = SelfAttention(
        common.read_attention(config, partial=0.25),
        qkv_bias=config.flag("use_qkv_bias", default=False),
        head_norm=config.number("layer_norm_eps", default=1e-5) if has_norms else None,
    )
    layer = Layer(
        attention,
        common.read_mlp(config),
        norm="layer_bias",
        parallel=config.flag("use_parallel_residual", default=False),
    )
    return common.read_decoder(config, NAMES, [layer] * config.integer("num_hidden_layers"), norm="layer_bias")
