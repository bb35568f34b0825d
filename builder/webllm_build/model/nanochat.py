"""nanochat (https://github.com/karpathy/nanochat): norms without weights, of embeddings, too, and of queries and keys behind their
turn, which is to the other side; squared ReLU without a gate, and logits within a softcap."""

from __future__ import annotations

from dataclasses import replace

from webllm_build.model import common
from webllm_build.model.attention import Attention
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.entry import Entry
from webllm_build.model.feed_forward import MLP
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, FileNames, Names

NAMES = Names(
    hugging_face=FileNames({**HUGGING_FACE, "up": "model.layers.{}.mlp.fc1", "down": "model.layers.{}.mlp.fc2"}),
    gguf=FileNames(GGUF),
    ones=frozenset({"embedding_norm", "attention_norm", "q_norm", "k_norm", "mlp_norm", "norm"}),
)
IGNORED = common.IGNORED
DEFAULTS = {
    "vocab_size": 50304,
    "hidden_size": 768,
    "intermediate_size": 8192,
    "num_hidden_layers": 12,
    "num_attention_heads": 6,
    "max_position_embeddings": 2048,
    "rms_norm_eps": 1e-6,
    "final_logit_softcapping": 15.0,
}


def read(config: Reader) -> Decoder:
    attention = common.read_self_attention(config, _turned_back(common.read_attention(config), config.number("rms_norm_eps")))
    mlp = MLP(common.read_activation(config, default="relu2"), config.integer("intermediate_size"))
    return common.read_decoder(
        config,
        NAMES,
        [Layer(attention, mlp)] * config.integer("num_hidden_layers"),
        logit_softcap=config.number_or_none("final_logit_softcapping", default=None),
        entry=Entry(norm="rms"),
    )


def _turned_back(attention: Attention, eps: float) -> Attention:
    """A factor of the rope is one of what is normalised, which notices it beside its epsilon alone."""
    rope = attention.rope
    long = None if rope.long_inv_freq is None else tuple(-frequency for frequency in rope.long_inv_freq)
    back = replace(rope, inv_freq=tuple(-frequency for frequency in rope.inv_freq), long_inv_freq=long, scale=1.0)
    return replace(attention, rope=back, qk_norm=eps / rope.scale**2, turn_first=True)
