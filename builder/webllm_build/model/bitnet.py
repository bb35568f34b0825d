"""BitNet b1.58 (https://arxiv.org/abs/2504.12285): matrices of -1, 0 and 1 times a number, before whose sums come norms of their own, and a
gate of squared ReLU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from webllm_build.model import common, gguf
from webllm_build.model.attention import Rope
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, FileNames, Names, Part, Place
from webllm_build.model.ops import Function, Operators, Tensor
from webllm_build.model.self_attention import SelfAttention
from webllm_build.model.state import State
from webllm_build.model.weights import Weight

NAMES = Names(
    hugging_face=FileNames(
        {**HUGGING_FACE, "heads_norm": "model.layers.{}.self_attn.attn_sub_norm", "down_norm": "model.layers.{}.mlp.ffn_sub_norm"}
    ),
    gguf=FileNames({**GGUF, "heads_norm": "blk.{}.attn_sub_norm", "down_norm": "blk.{}.ffn_sub_norm"}),
)
GGUF_KEYS = gguf.KEYS
IGNORED = common.IGNORED
DEFAULTS = {
    "vocab_size": 128256,
    "hidden_size": 2560,
    "intermediate_size": 6912,
    "num_hidden_layers": 30,
    "num_attention_heads": 20,
    "num_key_value_heads": 5,
    "max_position_embeddings": 2048,
    "rms_norm_eps": 1e-5,
    "rope_theta": 5e5,
}


def of_gguf_keys(config: Mapping[str, object]) -> dict[str, object]:
    """llama.cpp computes the first models of this kind alone."""
    return {"hidden_act": "silu"}


@dataclass(frozen=True)
class NormedMLP:
    """down(norm(activation(gate) * up)). size: of gate and of up."""

    activation: Function
    size: int

    @property
    def sizes(self) -> Mapping[str, int]:
        return {"intermediate_size": self.size}

    def at(self, place: Place, hidden: int) -> _NormedMLP:
        return _NormedMLP(self, place, hidden)


class _NormedMLP:
    """Gate and up are matrices of their own: of both at once kernels would give codes, which have no norm behind them."""

    states: tuple[State, ...] = ()
    ropes: tuple[Rope, ...] = ()

    def __init__(self, description: NormedMLP, place: Place, hidden: int) -> None:
        size = description.size
        self._activation = description.activation
        self._gate, self._up = (place.matrix(name, [Part(name, size)], hidden) for name in ("gate", "up"))
        self._norm = place.norm("down_norm", [Part("down_norm", size)])
        self._down = place.matrix("down", [Part("down", hidden)], size)

    @property
    def weights(self) -> tuple[Weight, ...]:
        return (self._gate, self._up, self._norm, self._down)

    def __call__(self, ops: Operators[Tensor], x: Tensor, norm: Weight | None, residual: Tensor | None) -> Tensor:
        up = ops.linear(x, self._up, norm=norm)
        channels = ops.linear(x, self._gate, norm=norm, activation=self._activation, factor=up)
        return ops.linear(channels, self._down, norm=self._norm, residual=residual)


def read(config: Reader) -> Decoder:
    bias = config.flag("attention_bias", default=False)
    attention = replace(common.read_attention(config), normed=True)
    mlp = NormedMLP(common.read_activation(config, default="relu2"), config.integer("intermediate_size"))
    layer = Layer(SelfAttention(attention, qkv_bias=bias, out_bias=bias), mlp)
    return common.read_decoder(config, NAMES, [layer] * config.integer("num_hidden_layers"))
