"""What the configs of most decoders say in the same words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from webllm_build.model.attention import Attention, Rope
from webllm_build.model.config import FULL, SLIDING, Reader
from webllm_build.model.decoder import NO_ENTRY, Decoder
from webllm_build.model.entry import Entry
from webllm_build.model.feed_forward import GatedMLP
from webllm_build.model.layer_inputs import LayerInputs
from webllm_build.model.layers import Layer
from webllm_build.model.names import Names
from webllm_build.model.norms import NormKind
from webllm_build.model.ops import GATED, Activation, Function
from webllm_build.model.pool import Pool
from webllm_build.model.self_attention import SelfAttention
from webllm_build.source.embedding import Embedding

# Keys that say nothing about the mathematics of inference.
IGNORED = frozenset({"initializer_range"})
# By transformers' names.
FUNCTIONS: Mapping[str, Function] = {
    **dict.fromkeys(("gelu", "gelu_python"), "gelu"),
    "gelu_10": "gelu_10",
    **dict.fromkeys(("gelu_new", "gelu_fast", "gelu_accurate", "gelu_pytorch_tanh", "gelu_python_tanh"), "gelu_tanh"),
    "quick_gelu": "gelu_quick",
    "hardswish": "hard_swish",
    "laplace": "laplace",
    "leaky_relu": "leaky_relu",
    "linear": "linear",
    "mish": "mish",
    "relu": "relu",
    "relu2": "relu2",
    "relu6": "relu6",
    "sigmoid": "sigmoid",
    **dict.fromkeys(("silu", "swish"), "silu"),
    "tanh": "tanh",
}


def read_self_attention(config: Reader, attention: Attention, *, whole_norm: bool = False) -> SelfAttention:
    """With biases of all its matrices where the config says attention_bias."""
    bias = config.flag("attention_bias", default=False)
    return SelfAttention(attention, qkv_bias=bias, out_bias=bias, whole_norm=config.number("rms_norm_eps") if whole_norm else None)


def without_rope(attention: Attention) -> Attention:
    """Its queries and keys do not turn."""
    return replace(attention, rope=Rope((0.0,) * (attention.head_dim // 2)))


def read_attention(
    config: Reader,
    *,
    qk_norm: bool = False,
    partial: float | None = None,
    alpha: bool = False,
    gated: bool = False,
) -> Attention:
    """Attention with one rope. partial, alpha: as Reader.rope has them. gated: each element of the output by a sigmoid."""
    heads = config.integer("num_attention_heads")
    head_dim = config.integer("head_dim", default=config.integer("hidden_size") // heads)
    return Attention(
        heads=heads,
        kv_heads=config.integer("num_key_value_heads", default=heads),
        head_dim=head_dim,
        scale=head_dim**-0.5,
        rope=Rope.of(config.rope(default_theta=10000.0, partial=partial, alpha=alpha), head_dim),
        qk_norm=config.number("rms_norm_eps") if qk_norm else None,
        gate=head_dim if gated else 0,
    )


def read_mlp(config: Reader, *, size: int | None = None) -> GatedMLP:
    """size: where the config does not say."""
    return GatedMLP(read_gated_activation(config), config.integer("intermediate_size", default=size))


def read_expert_count(config: Reader, *, default: int) -> int:
    """Which some files call by one name and some by the other."""
    count = config.integer("num_experts", default=config.integer("num_local_experts", default=default))
    config.must_be("num_local_experts", count)
    return count


# Keys of a window that mean something only where it is switched on, and are there in every file.
OF_WINDOW = frozenset({"max_window_layers", "sliding_window"})


def read_switched_window(config: Reader, *, default: int | None = 4096) -> int | None:
    """A window that is none unless use_sliding_window says so. default: where no sliding_window is there."""
    return config.window(default=default) if config.flag("use_sliding_window", default=False) else None


def read_windows(config: Reader, slides: Callable[[int], bool], *, default: int | None = 4096) -> list[int | None]:
    """Of each layer: the window that is switched on, where layer_types, or else `slides`, say that the layer has one."""
    window, count = read_switched_window(config, default=default), config.integer("num_hidden_layers")
    usual = [SLIDING if window is not None and slides(layer) else FULL for layer in range(count)]
    is_on = config.flag("use_sliding_window", default=False)
    kinds = config.layer_types(count, default=usual, kinds=(FULL, SLIDING) if is_on else (FULL,))
    return [window if kind == SLIDING else None for kind in kinds]


def read_last_windows(config: Reader) -> list[int | None]:
    """Qwen's: layers have one from max_window_layers on."""
    first = config.count("max_window_layers", default=28)
    return read_windows(config, lambda layer: layer >= first)


def read_activation(config: Reader, key: str = "hidden_act", *, default: str) -> Function:
    """Of a plain feed-forward block, by transformers' names."""
    return FUNCTIONS[config.one_of(key, tuple(FUNCTIONS), default=default)]


def read_gated_activation(config: Reader, key: str = "hidden_act", *, default: str = "silu") -> Activation:
    """Of the gate of a feed-forward block."""
    return GATED[read_activation(config, key, default=default)]


def read_decoder(
    config: Reader,
    names: Names,
    layers: Sequence[Layer],
    *,
    tied: bool = False,
    embedding_scale: float = 1.0,
    norm: NormKind = "rms",
    head_bias: bool = False,
    causal: bool = True,
    residual_scale: float = 1.0,
    logit_scale: float = 1.0,
    logit_softcap: float | None = None,
    layer_inputs: LayerInputs | None = None,
    entry: Entry = NO_ENTRY,
) -> Decoder:
    """A decoder of these layers, or where files say so an embedding model. tied: whether the output head is the embedding where the config
    does not say. residual_scale: a factor on what each block adds. It needs no kernel: what is kept is the sum divided by it, and RMS norms
    notice a factor only beside their epsilon."""
    norm_eps = config.number("rms_norm_eps") if norm == "rms" else config.number("layer_norm_eps", default=1e-5)
    return Decoder(
        names,
        layers,
        vocab_size=config.integer("vocab_size"),
        hidden_size=config.integer("hidden_size"),
        context_length=config.integer("max_position_embeddings"),
        norm_eps=norm_eps / residual_scale**2,
        tied=config.flag("tie_word_embeddings", default=tied),
        embedding_scale=embedding_scale / residual_scale,
        norm=norm,
        head_bias=head_bias,
        logit_scale=logit_scale,
        logit_softcap=logit_softcap,
        layer_inputs=layer_inputs,
        entry=entry,
        pictures=config.pictures,
        pool=Pool.of(config.embedding or Embedding("mean"), causal=causal) if config.embedding is not None or not causal else None,
    )


def read_pool(config: Reader) -> Pool:
    """Of a model whose tokens see the whole text: of the mean where no file says what of."""
    return Pool.of(config.embedding or Embedding("mean"), causal=False)


def read_encoder(config: Reader, names: Names, layers: Sequence[Layer], entry: Entry, *, norm: NormKind | None, norm_eps: float) -> Decoder:
    """A model whose tokens see the whole text: an embedding model."""
    return Decoder(
        names,
        layers,
        vocab_size=config.integer("vocab_size"),
        hidden_size=config.integer("hidden_size"),
        context_length=config.integer("max_position_embeddings") - entry.first_position,
        norm_eps=norm_eps,
        tied=config.flag("tie_word_embeddings", default=True),
        norm=norm,
        entry=entry,
        pool=read_pool(config),
    )
