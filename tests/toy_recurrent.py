"""An architecture that only tests know: a layer with a recurrence, then one with attention, so that a model has both kinds of states.

The recurrence is h = decay * h + gain * x, y = out * h, channel by channel. Its kernel is in toy_kernel.py.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import save_file

from webllm_build import model as models
from webllm_build.model import common, numpy_operators
from webllm_build.model.attention import Attention, Rope
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.feed_forward import GatedMLP
from webllm_build.model.layers import Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, FileNames, Names, Part, Place
from webllm_build.model.ops import Operators, Tensor
from webllm_build.model.self_attention import SelfAttention
from webllm_build.model.state import Slots, State
from webllm_build.model.weights import Weight

Array = npt.NDArray[np.floating[Any]]

KIND = "toy_recurrent"  # its model_type
PARAMETERS = ("decay", "gain", "out")
PARTS = ("mix_in", *PARAMETERS, "mix_out")
NAMES = Names(
    hugging_face=FileNames({**HUGGING_FACE, **{part: f"model.layers.{{}}.{part}" for part in PARTS}}),
    gguf=FileNames({**GGUF, **{part: f"blk.{{}}.{part}" for part in PARTS}}),
)
GGUF_KEYS: Mapping[str, str] = {}
IGNORED = common.IGNORED
VOCABULARY, HIDDEN, CHANNELS, INNER, HEADS, KV_HEADS, HEAD_DIM, CONTEXT, EPS, THETA = 300, 64, 96, 64, 2, 1, 32, 512, 1e-5, 1e4


@dataclass(frozen=True)
class Decay:
    size: int

    @property
    def state_shape(self) -> tuple[int, ...]:
        return (self.size,)


def in_numpy(decay: Decay, inputs: Sequence[Array], weights: Sequence[Array]) -> Array:
    (x,), (keep, gain, out) = inputs, np.split(weights[0], 3)
    state, states = np.zeros(decay.size, x.dtype), []
    for token in x:
        state = keep * state + gain * token
        states.append(state)
    y: Array = out * np.array(states)
    return y


@dataclass(frozen=True)
class Mixer:
    """out(recurrence(in(x)))."""

    channels: int

    @property
    def sizes(self) -> Mapping[str, int]:
        return {"channels": self.channels}

    def at(self, place: Place, hidden: int) -> _Mixer:
        return _Mixer(self, place, hidden)


class _Mixer:
    ropes: tuple[Rope, ...] = ()

    def __init__(self, mixer: Mixer, place: Place, hidden: int) -> None:
        self.decay = Decay(mixer.channels)
        self.mix_in = place.matrix("mix_in", [Part("mix_in", mixer.channels)], hidden)
        self.parameters = place.norm("decay", [Part(name, mixer.channels) for name in PARAMETERS])
        self.mix_out = place.matrix("mix_out", [Part("mix_out", hidden)], mixer.channels)
        self.state = Slots(f"mix{place.layer}", self.decay.state_shape)

    @property
    def weights(self) -> tuple[Weight, ...]:
        return (self.mix_in, self.parameters, self.mix_out)

    @property
    def states(self) -> tuple[State, ...]:
        return (self.state,)

    def __call__(self, ops: Operators[Tensor], x: Tensor, norm: Weight | None, residual: Tensor | None) -> Tensor:
        mixed = ops.recur(self.decay, self.state.name, ops.linear(x, self.mix_in, norm=norm), weights=[self.parameters])
        return ops.linear(mixed, self.mix_out, residual=residual)


def read(config: Reader) -> Decoder:
    rope = Rope.of(config.rope(default_theta=THETA), HEAD_DIM)
    attention = Attention(HEADS, KV_HEADS, HEAD_DIM, scale=HEAD_DIM**-0.5, rope=rope)
    mlp = GatedMLP("silu_mul", INNER)
    return common.read_decoder(config, NAMES, [Layer(Mixer(CHANNELS), mlp), Layer(SelfAttention(attention), mlp)])


@contextmanager
def registered() -> Iterator[None]:
    """The architecture, as if this file were in webllm_build/model, and its operator in NumPy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, f"webllm_build.model.{KIND}", sys.modules[__name__])
        patch.setitem(models.ARCHITECTURES, KIND, KIND)
        patch.setitem(numpy_operators.RECURRENCES, Decay, in_numpy)
        yield


def tensors() -> dict[str, npt.NDArray[np.float16]]:
    """Random weights by their names in the checkpoint, so large that every token of a text matters for what follows."""
    random = np.random.default_rng(11)

    def matrix(rows: int, columns: int) -> Array:
        values: Array = random.standard_normal((rows, columns)) * 1.5 / np.sqrt(columns)
        return values

    def norm() -> Array:
        return random.uniform(0.5, 1.5, HIDDEN)

    def mlp(layer: str) -> dict[str, Array]:
        return {
            f"{layer}.post_attention_layernorm": norm(),
            f"{layer}.mlp.gate_proj": matrix(INNER, HIDDEN),
            f"{layer}.mlp.up_proj": matrix(INNER, HIDDEN),
            f"{layer}.mlp.down_proj": matrix(HIDDEN, INNER),
        }

    recurrent, attention = "model.layers.0", "model.layers.1"
    values = {
        "model.embed_tokens": random.standard_normal((VOCABULARY, HIDDEN)),
        f"{recurrent}.input_layernorm": norm(),
        f"{recurrent}.mix_in": matrix(CHANNELS, HIDDEN),
        f"{recurrent}.decay": random.uniform(0.8, 0.99, CHANNELS),
        f"{recurrent}.gain": random.uniform(0.2, 0.6, CHANNELS),
        f"{recurrent}.out": random.standard_normal(CHANNELS),
        f"{recurrent}.mix_out": matrix(HIDDEN, CHANNELS),
        **mlp(recurrent),
        f"{attention}.input_layernorm": norm(),
        f"{attention}.self_attn.q_proj": matrix(HEADS * HEAD_DIM, HIDDEN),
        f"{attention}.self_attn.k_proj": matrix(KV_HEADS * HEAD_DIM, HIDDEN),
        f"{attention}.self_attn.v_proj": matrix(KV_HEADS * HEAD_DIM, HIDDEN),
        f"{attention}.self_attn.o_proj": matrix(HIDDEN, HEADS * HEAD_DIM),
        **mlp(attention),
        "model.norm": norm(),
        "lm_head": matrix(VOCABULARY, HIDDEN),
    }
    return {f"{name}.weight": value.astype(np.float16) for name, value in values.items()}


def write(folder: Path) -> Path:
    """A checkpoint, as Hugging Face's are, with tiny-llama's tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(Path(__file__).parent / "fixtures" / "tiny-llama" / name, folder)
    config = {
        "model_type": KIND, "vocab_size": VOCABULARY, "hidden_size": HIDDEN, "max_position_embeddings": CONTEXT, "rms_norm_eps": EPS,
        "rope_theta": THETA, "tie_word_embeddings": False,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    save_file(tensors(), str(folder / "model.safetensors"))
    return folder


class Reference:
    """The model written out once more, in float64 and with no cache, from the checkpoint's tensors: what all else is compared with."""

    def __init__(self) -> None:
        self._weights = {name.removesuffix(".weight"): value.astype(np.float64) for name, value in tensors().items()}

    def logits(self, tokens: Sequence[int]) -> Array:
        """After each token: [tokens, vocabulary]."""
        w = self._weights
        x = self._attention_layer(self.first_layer(tokens))
        logits: Array = _rms(x) * w["model.norm"] @ w["lm_head"].T
        return logits

    def greedy(self, prompt: Sequence[int], count: int) -> list[int]:
        tokens = list(prompt)
        for _ in range(count):
            tokens.append(int(self.logits(tokens)[-1].argmax()))
        return tokens[len(prompt) :]

    def first_layer(self, tokens: Sequence[int]) -> Array:
        """The hidden states behind it: [tokens, HIDDEN]."""
        w = self._layer(0)
        x: Array = self._weights["model.embed_tokens"][list(tokens)]
        u = _rms(x) * w["input_layernorm"] @ w["mix_in"].T
        # In closed form: h[t] is the sum of decay^(t - s) * gain * u[s] over s <= t.
        ages = np.arange(len(x))[:, None] - np.arange(len(x))
        powers = np.where(ages[..., None] >= 0, w["decay"] ** np.maximum(ages, 0)[..., None], 0)
        h = np.einsum("tsc,sc->tc", powers, w["gain"] * u)
        return self._mlp(0, x + w["out"] * h @ w["mix_out"].T)

    def _layer(self, index: int) -> dict[str, Array]:
        prefix = f"model.layers.{index}."
        return {name.removeprefix(prefix): value for name, value in self._weights.items() if name.startswith(prefix)}

    def _mlp(self, index: int, x: Array) -> Array:
        w = self._layer(index)
        b = _rms(x) * w["post_attention_layernorm"]
        gate, up = b @ w["mlp.gate_proj"].T, b @ w["mlp.up_proj"].T
        out: Array = x + gate / (1 + np.exp(-gate)) * up @ w["mlp.down_proj"].T
        return out

    def _attention_layer(self, x: Array) -> Array:
        w = self._layer(1)
        a = _rms(x) * w["input_layernorm"]
        q = _turn((a @ w["self_attn.q_proj"].T).reshape(-1, HEADS, HEAD_DIM))
        k = _turn((a @ w["self_attn.k_proj"].T).reshape(-1, KV_HEADS, HEAD_DIM))[:, [0] * HEADS]
        v = (a @ w["self_attn.v_proj"].T).reshape(-1, KV_HEADS, HEAD_DIM)[:, [0] * HEADS]
        scores = np.einsum("thd,shd->hts", q, k) / np.sqrt(HEAD_DIM)
        scores[:, np.triu(np.ones((len(x), len(x)), bool), 1)] = -np.inf
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        return self._mlp(1, x + np.einsum("hts,shd->thd", weights, v).reshape(len(x), -1) @ w["self_attn.o_proj"].T)


def _rms(x: Array) -> Array:
    normalised: Array = x / np.sqrt((x * x).mean(-1, keepdims=True) + EPS)
    return normalised


def _turn(x: Array) -> Array:
    """Rotary embedding of x[tokens, heads, HEAD_DIM], whose pairs are half a head apart."""
    angles = np.arange(len(x))[:, None] * THETA ** (-np.arange(0, HEAD_DIM, 2) / HEAD_DIM)
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    first, second = np.split(x, 2, axis=-1)
    turned: Array = np.concatenate([first * cos - second * sin, first * sin + second * cos], axis=-1)
    return turned
