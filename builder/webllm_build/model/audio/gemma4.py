"""What hears of Gemma 4: a conformer whose tokens see the latest twelve, with relative positions."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from webllm_build.model import clipped, common
from webllm_build.model.audio.conformer import Conformer, ConformerLayer
from webllm_build.model.audio.ops import LocalAttention
from webllm_build.model.config import Reader
from webllm_build.model.names import FileNames, Names
from webllm_build.model.weights import Derivation, Floats

TOWER = "audio_tower.layers.{}."
MATRICES = {
    **{part: f"{TOWER}self_attn.{part}_proj.linear" for part in ("q", "k", "v")},
    "o": f"{TOWER}self_attn.post.linear",
    **{f"{name}_{part}": f"{TOWER}feed_forward{number}.ffw_layer_{layer}.linear" for name, number in {"first": 1, "last": 2}.items()
       for part, layer in {"up": 1, "down": 2}.items()},
    "conv_in": f"{TOWER}lconv1d.linear_start.linear",
    "conv_gate": f"{TOWER}lconv1d.linear_start.linear",
    "conv_end": f"{TOWER}lconv1d.linear_end.linear",
}  # fmt: skip
TENSORS = {
    **MATRICES,
    **clipped.bounds_of(MATRICES),
    **{f"subsample{number}": f"audio_tower.subsample_conv_projection.layer{number}.conv" for number in range(2)},
    **{f"subsample{number}_norm": f"audio_tower.subsample_conv_projection.layer{number}.norm" for number in range(2)},
    "input": "audio_tower.subsample_conv_projection.input_proj_linear",
    **{f"{name}_norm": f"{TOWER}feed_forward{number}.pre_layer_norm" for name, number in {"first": 1, "last": 2}.items()},
    **{f"{name}_out_norm": f"{TOWER}feed_forward{number}.post_layer_norm" for name, number in {"first": 1, "last": 2}.items()},
    "attention_norm": f"{TOWER}norm_pre_attn",
    "attention_out_norm": f"{TOWER}norm_post_attn",
    "conv_norm": f"{TOWER}lconv1d.pre_layer_norm",
    "conv_out_norm": f"{TOWER}lconv1d.conv_norm",
    "out_norm": f"{TOWER}norm_out",
    "scale": f"{TOWER}self_attn.per_dim_scale",
    "relative": f"{TOWER}self_attn.relative_k_proj",
    "conv": f"{TOWER}lconv1d.depthwise_conv1d",
    "output": "audio_tower.output_proj",
    "project": "embed_audio.embedding_projection",
}
LAYER_GGUF = "a.blk.{}."
MATRICES_GGUF = {
    **{part: f"{LAYER_GGUF}attn_{name}" for part, name in {"q": "q", "k": "k", "v": "v", "o": "out"}.items()},
    **{f"{name}_{part}": f"{LAYER_GGUF}ffn_{part}{end}" for name, end in {"first": "", "last": "_1"}.items() for part in ("up", "down")},
    "conv_in": f"{LAYER_GGUF}conv_pw1",
    "conv_gate": f"{LAYER_GGUF}conv_pw1",
    "conv_end": f"{LAYER_GGUF}conv_pw2",
}
TENSORS_GGUF = {
    **MATRICES_GGUF,
    **clipped.bounds_of(MATRICES_GGUF),
    **{f"subsample{number}": f"a.conv1d.{number}" for number in range(2)},
    **{f"subsample{number}_norm": f"a.conv1d.{number}.norm" for number in range(2)},
    "input": "a.input_projection",
    **{f"{name}_norm": f"{LAYER_GGUF}ffn_norm{end}" for name, end in {"first": "", "last": "_1"}.items()},
    **{f"{name}_out_norm": f"{LAYER_GGUF}ffn_post_norm{end}" for name, end in {"first": "", "last": "_1"}.items()},
    "attention_norm": f"{LAYER_GGUF}attn_pre_norm",
    "attention_out_norm": f"{LAYER_GGUF}attn_post_norm",
    "conv_norm": f"{LAYER_GGUF}conv_norm",
    "conv_out_norm": f"{LAYER_GGUF}norm_conv",
    "out_norm": f"{LAYER_GGUF}ln2",
    "scale": f"{LAYER_GGUF}per_dim_scale.weight",
    "relative": f"{LAYER_GGUF}attn_k_rel",
    "conv": f"{LAYER_GGUF}conv_dw",
    "output": "a.pre_encode.out",
    "project": "mm.a.input_projection",
}
# gradient_clipping, of 1e10, is beyond what activations become. What no token sees has no score.
IGNORED = frozenset({"attention_invalid_logits_value", "gradient_clipping", "initializer_range"})
BINS, MAX_TIME, EPS = 128, 10_000.0, 1e-6


def read(config: Reader, text: Reader, bins: int, most: int) -> Conformer:
    """bins: of a frame. most: tokens of the longest sound."""
    hidden, heads = config.integer("hidden_size", default=1024), config.integer("num_attention_heads", default=8)
    span, size = config.integer("attention_context_left", default=13) - 1, config.within(hidden // heads, "num_attention_heads")
    config.must_be("attention_context_right", 0)
    config.must_be("attention_chunk_size", span)
    config.must_be("rms_norm_eps", EPS)
    first, second = config.dimensions("subsampling_conv_channels", 2, default=(128, 32))
    config.must_be("subsampling_conv_channels", [bins, second])
    half = config.number("residual_weight", default=0.5)
    shared = FileNames(
        TENSORS_GGUF,
        bounds=frozenset(clipped.bounds_of(MATRICES)),
        halves={"conv_in": 0, "conv_gate": 1},
        multipliers={"first_out_norm": half, "last_out_norm": half},
    )
    key_scale = math.log(1 + math.e) / math.log(2)
    query_scale = size**-0.5 / math.log(2) * key_scale

    def relative(values: Floats) -> Floats:
        """Of how many tokens a key is behind, what is added to it, over its scale."""
        rates = np.exp(-np.arange(hidden // 2) * math.log(MAX_TIME) / max(hidden // 2 - 1, 1))
        angles = np.arange(span)[:, None] * rates
        return np.asarray(np.concatenate([np.sin(angles), np.cos(angles)], axis=1) @ values.T / key_scale, np.float32).reshape(-1)

    layer = ConformerLayer(
        LocalAttention(heads, size, span, config.number("attention_logit_cap", default=50.0)),
        common.read_activation(config, default="silu"),
        config.integer("conv_kernel_size", default=5),
        4 * hidden,
        config.flag("use_clipped_linears", default=True),
        Derivation(f"relative positions {span} {hidden} {heads}", relative),
        Derivation(f"scaled {query_scale}", lambda values: np.asarray(values * query_scale, np.float32).reshape(-1)),
    )
    return Conformer(
        Names(replace(shared, tensors=TENSORS, softened=frozenset({"scale"})), shared),
        [layer] * config.integer("num_hidden_layers", default=12),
        most=most,
        bins=bins,
        channels=(first, second),
        hidden_size=hidden,
        inner=config.integer("output_proj_dims", default=1536),
        columns=text.integer("hidden_size"),
        norm_eps=EPS,
    )
