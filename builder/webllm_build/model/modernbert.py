"""ModernBERT (https://arxiv.org/abs/2412.13663): tokens see the whole text in every third layer and what is near them in the others, each
kind with a rope of its own; gated feed-forward blocks; no norm before the first layer's attention, because the embeddings have one."""

from __future__ import annotations

from dataclasses import replace

from webllm_build.model import bert, common, gguf
from webllm_build.model.attention import Attention, Rope
from webllm_build.model.config import FULL, SLIDING, Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.entry import Entry
from webllm_build.model.feed_forward import GatedMLP
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, FileNames, Names
from webllm_build.model.norms import NormKind
from webllm_build.model.self_attention import SelfAttention

TENSORS = {
    "embedding": "embeddings.tok_embeddings",
    "embedding_norm": "embeddings.norm",
    "norm": "final_norm",
    "attention_norm": "layers.{}.attn_norm",
    "qkv": "layers.{}.attn.Wqkv",
    "o": "layers.{}.attn.Wo",
    "mlp_norm": "layers.{}.mlp_norm",
    "gate_up": "layers.{}.mlp.Wi",
    "down": "layers.{}.mlp.Wo",
}
NAMES = Names(
    hugging_face=FileNames(TENSORS),
    gguf=FileNames({**GGUF, "embedding_norm": "token_embd_norm", "qkv": "blk.{}.attn_qkv", "gate_up": "blk.{}.ffn_up"}),
)
GGUF_KEYS = {
    **{key: name for key, name in gguf.LAYER_NORM_KEYS.items() if key not in bert.OF_ROPES},
    "norm_eps": "attention.layer_norm_epsilon",
    "global_rope_theta": "rope.freq_base",
    "local_rope_theta": gguf.BASE_OF_SLIDING,
    "local_attention": gguf.WINDOW,
    "global_attn_every_n_layers": gguf.PATTERN,
    "hidden_activation": "hidden_activation",
    "classifier_pooling": "classifier.pooling_type",
    "is_decoder": "attention.causal",
}
GGUF_DEFAULTS = {"rope.freq_base": 10000.0}
IGNORED = common.IGNORED | {
    *("classifier_activation", "classifier_bias", "classifier_pooling", "cls_token_id", "decoder_bias"),
    *("deterministic_flash_attn", "initializer_cutoff_factor", "layer_norm_eps"),
    *("position_embedding_type", "reference_compile", "repad_logits_with_grad", "sparse_pred_ignore_index", "sparse_prediction"),
}
# Of what checkpoints were trained by: predictions of tokens, and classes.
SKIPPED = ("head.", "decoder.", "classifier.")
DEFAULTS = {
    "vocab_size": 50368,
    "hidden_size": 768,
    "intermediate_size": 1152,
    "num_hidden_layers": 22,
    "num_attention_heads": 12,
    "max_position_embeddings": 8192,
}


def read(config: Reader) -> Decoder:
    config.must_be("is_decoder", False)
    heads, count = config.integer("num_attention_heads"), config.integer("num_hidden_layers")
    head_dim = config.quotient("hidden_size", "num_attention_heads")
    ropes = {
        FULL: config.layer_rope(FULL, default_theta=160000.0, theta_key="global_rope_theta"),
        SLIDING: config.layer_rope(SLIDING, default_theta=10000.0, theta_key="local_rope_theta"),
    }
    everywhere = Attention(heads, heads, head_dim, head_dim**-0.5, Rope.of(ropes[FULL], head_dim), causal=False)
    # Half of it on either side, and the token itself.
    reach = config.integer("local_attention", default=128) // 2 + 1
    nearby = replace(everywhere, rope=Rope.of(ropes[SLIDING], head_dim), window=reach)
    every = config.integer("global_attn_every_n_layers", default=3)
    kinds = config.layer_types(count, default=[SLIDING if layer % every else FULL for layer in range(count)])
    activation = common.read_gated_activation(config, "hidden_activation", default="gelu")
    mlp = GatedMLP(activation, config.integer("intermediate_size"), fused=True, bias=config.flag("mlp_bias", default=False))
    bias = config.flag("attention_bias", default=False)
    norm: NormKind = "layer_bias" if config.flag("norm_bias", default=False) else "layer"
    mixers = [SelfAttention(everywhere if kind == FULL else nearby, bias, fused=True, out_bias=bias) for kind in kinds]
    layers = [Layer(mixer, mlp, norms="before" if index else "before_mlp", norm=norm) for index, mixer in enumerate(mixers)]
    return common.read_encoder(config, NAMES, layers, Entry(norm), norm=norm, norm_eps=config.number("norm_eps", default=1e-5))
