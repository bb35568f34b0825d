"""BERT (https://arxiv.org/abs/1810.04805), as embedding models are made of it: learnt positions, attention to both sides, and norms behind
each sum."""

from __future__ import annotations

from collections.abc import Mapping

from webllm_build.model import common, gguf
from webllm_build.model.attention import Attention, Rope
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.entry import Entry
from webllm_build.model.feed_forward import MLP
from webllm_build.model.layers import Layer
from webllm_build.model.names import FileNames, Names
from webllm_build.model.self_attention import SelfAttention
from webllm_build.source.checkpoint import Tensor

NAMES = Names(
    hugging_face=FileNames(
        {
            "embedding": "embeddings.word_embeddings",
            "positions": "embeddings.position_embeddings",
            "token_types": "embeddings.token_type_embeddings",
            "embedding_norm": "embeddings.LayerNorm",
            "q": "encoder.layer.{}.attention.self.query",
            "k": "encoder.layer.{}.attention.self.key",
            "v": "encoder.layer.{}.attention.self.value",
            "o": "encoder.layer.{}.attention.output.dense",
            "attention_out_norm": "encoder.layer.{}.attention.output.LayerNorm",
            "up": "encoder.layer.{}.intermediate.dense",
            "down": "encoder.layer.{}.output.dense",
            "mlp_out_norm": "encoder.layer.{}.output.LayerNorm",
        }
    ),
    gguf=FileNames(
        {
            "embedding": "token_embd",
            "positions": "position_embd",
            "token_types": "token_types",
            "embedding_norm": "token_embd_norm",
            "q": "blk.{}.attn_q",
            "k": "blk.{}.attn_k",
            "v": "blk.{}.attn_v",
            "o": "blk.{}.attn_output",
            "attention_out_norm": "blk.{}.attn_output_norm",
            "up": "blk.{}.ffn_up",
            "down": "blk.{}.ffn_down",
            "mlp_out_norm": "blk.{}.layer_output_norm",
        }
    ),
)
OF_ROPES = ("head_dim", "num_key_value_heads", "rope_theta")
GGUF_KEYS = {
    **{key: name for key, name in gguf.LAYER_NORM_KEYS.items() if key not in OF_ROPES},
    "is_decoder": "attention.causal",
}
IGNORED = common.IGNORED
# Of what checkpoints were trained by: predictions of tokens and of sentences.
SKIPPED = ("pooler.", "cls.", "embeddings.position_ids")
DEFAULTS = {
    "vocab_size": 30522,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "max_position_embeddings": 512,
}


def of_gguf_tensors(tensors: Mapping[str, Tensor]) -> dict[str, object]:
    types = tensors.get("token_types.weight")
    return {} if types is None else {"type_vocab_size": types.shape[0]}


def read(config: Reader) -> Decoder:
    return read_from(config, 0)


def read_from(config: Reader, first_position: int) -> Decoder:
    """first_position: that of the first token."""
    config.must_be("is_decoder", False)
    config.must_be("position_embedding_type", "absolute")
    heads = config.integer("num_attention_heads")
    head_dim = config.quotient("hidden_size", "num_attention_heads")
    attention = Attention(heads, heads, head_dim, head_dim**-0.5, Rope((0.0,) * (head_dim // 2)), causal=False)
    mlp = MLP(common.read_activation(config, default="gelu"), config.integer("intermediate_size"), bias=True)
    layer = Layer(SelfAttention(attention, qkv_bias=True, out_bias=True), mlp, norms="sum", norm="layer_bias")
    positions = config.within(config.integer("max_position_embeddings") - first_position, "max_position_embeddings")
    entry = Entry("layer_bias", positions, first_position, token_types=config.integer("type_vocab_size", default=2))
    layers = [layer] * config.integer("num_hidden_layers")
    return common.read_encoder(config, NAMES, layers, entry, norm=None, norm_eps=config.number("layer_norm_eps", default=1e-12))
