"""Apertus (https://arxiv.org/abs/2509.14233): as Qwen3, with plain feed-forward blocks whose activation (xIELU,
https://arxiv.org/abs/2411.13010) learns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from webllm_build.model import common, gguf
from webllm_build.model.attention import Rope
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.feed_forward import MLP
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, QK_NORMS, QK_NORMS_GGUF, FileNames, Names, Part, Place, in_blocks
from webllm_build.model.ops import Operators, Tensor
from webllm_build.model.state import State
from webllm_build.model.weights import Weight
from webllm_build.source.gguf import XIELU

LEARNT = "xielu"
SOFTENED = frozenset({"alpha_p", "alpha_n"})
NAMES = Names(
    hugging_face=FileNames(
        {
            **HUGGING_FACE,
            **QK_NORMS,
            "attention_norm": "model.layers.{}.attention_layernorm",
            "mlp_norm": "model.layers.{}.feedforward_layernorm",
            **{number: f"model.layers.{{}}.mlp.act_fn.{number}" for number in XIELU},
        },
        softened=SOFTENED,
    ),
    gguf=FileNames({**GGUF, **QK_NORMS_GGUF, **{number: f"blk.{{}}.xielu.{number}" for number in XIELU}}, softened=SOFTENED),
)
GGUF_KEYS = gguf.KEYS
IGNORED = common.IGNORED
DEFAULTS = {
    "vocab_size": 131072,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "max_position_embeddings": 65536,
    "rms_norm_eps": 1e-5,
    "rope_theta": 12e6,
    "rope_parameters": {
        "rope_type": "llama3",
        "factor": 8.0,
        "original_max_position_embeddings": 8192,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
    },
}


@dataclass(frozen=True)
class LearntMLP:
    """down(xielu(up)). size: of up."""

    size: int

    @property
    def sizes(self) -> Mapping[str, int]:
        return {}

    def at(self, place: Place, hidden: int) -> _LearntMLP:
        return _LearntMLP(self, place, hidden)


class _LearntMLP:
    states: tuple[State, ...] = ()
    ropes: tuple[Rope, ...] = ()

    def __init__(self, description: LearntMLP, place: Place, hidden: int) -> None:
        padded = (description.size, in_blocks(description.size))
        self._up = place.matrix("up", [Part("up", description.size, padded=padded)], hidden)
        self._xielu = place.vector("xielu", [Part(number, 1, suffix="") for number in XIELU])
        self._down = place.matrix("down", [Part("down", hidden)], description.size, padded=padded)

    @property
    def weights(self) -> tuple[Weight, ...]:
        return (self._up, self._xielu, self._down)

    def __call__(self, ops: Operators[Tensor], x: Tensor, norm: Weight | None, residual: Tensor | None) -> Tensor:
        return ops.linear(ops.xielu(ops.linear(x, self._up, norm=norm), self._xielu), self._down, residual=residual)


def read(config: Reader) -> Decoder:
    for key, only in {"qk_norm": True, "mlp_bias": False, "post_norm": False}.items():
        config.must_be(key, only)
    attention = common.read_self_attention(config, common.read_attention(config, qk_norm=True))
    name, size = config.one_of("hidden_act", (LEARNT, *common.FUNCTIONS), default=LEARNT), config.integer("intermediate_size")
    layer = Layer(attention, LearntMLP(size) if name == LEARNT else MLP(common.FUNCTIONS[name], size))
    return common.read_decoder(config, NAMES, [layer] * config.integer("num_hidden_layers"))
