"""Qwen3.5 (and Qwen3.6), text: three of four layers follow the gated delta rule, the others are attention whose output is gated."""

from __future__ import annotations

from collections.abc import Mapping

from webllm_build.model import common, gguf
from webllm_build.model.config import FULL, Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.gated_delta import GatedDeltaNet
from webllm_build.model.layers import Description, Layer
from webllm_build.model.names import GGUF, HUGGING_FACE, QK_NORMS, QK_NORMS_GGUF, FileNames, Names
from webllm_build.model.recurrence import GatedDelta

NAMES = Names(
    hugging_face=FileNames(
        {
            **HUGGING_FACE,
            **QK_NORMS,
            "delta_qkv": "model.layers.{}.linear_attn.in_proj_qkv",
            "delta_gate": "model.layers.{}.linear_attn.in_proj_z",
            "delta_beta": "model.layers.{}.linear_attn.in_proj_b",
            "delta_decay": "model.layers.{}.linear_attn.in_proj_a",
            "delta_conv": "model.layers.{}.linear_attn.conv1d",
            "delta_a": "model.layers.{}.linear_attn.A_log",
            "delta_dt": "model.layers.{}.linear_attn.dt_bias",
            "delta_norm": "model.layers.{}.linear_attn.norm",
            "delta_out": "model.layers.{}.linear_attn.out_proj",
        },
        norm_offset=1.0,
        logarithms=frozenset({"delta_a"}),
    ),
    gguf=FileNames(
        {
            **GGUF,
            **QK_NORMS_GGUF,
            "mlp_norm": "blk.{}.post_attention_norm",
            "delta_qkv": "blk.{}.attn_qkv",
            "delta_gate": "blk.{}.attn_gate",
            "delta_beta": "blk.{}.ssm_beta",
            "delta_decay": "blk.{}.ssm_alpha",
            "delta_conv": "blk.{}.ssm_conv1d",
            "delta_a": "blk.{}.ssm_a",
            "delta_dt": "blk.{}.ssm_dt.bias",
            "delta_norm": "blk.{}.ssm_norm",
            "delta_out": "blk.{}.ssm_out",
        }
    ),
)
_INNER, _RECURRENT, _DRAFTING = "inner_size", "recurrent_layers", "nextn_predict_layers"
_INTERVAL = "full_attention_interval"
GGUF_KEYS = {
    **gguf.KEYS,
    "partial_rotary_factor": gguf.TURNED,
    "linear_conv_kernel_dim": "ssm.conv_kernel",
    "linear_key_head_dim": "ssm.state_size",
    "linear_num_key_heads": "ssm.group_count",
    "linear_num_value_heads": "ssm.time_step_rank",
    _INNER: "ssm.inner_size",
    _RECURRENT: "attention.recurrent_layers",
    _DRAFTING: "nextn_predict_layers",
    _INTERVAL: "full_attention_interval",
}
DEFAULTS: Mapping[str, object] = {
    "vocab_size": 248320, "hidden_size": 4096, "intermediate_size": 12288, "num_hidden_layers": 32, "num_attention_heads": 16,
    "num_key_value_heads": 4, "head_dim": 256, "max_position_embeddings": 32768, "rms_norm_eps": 1e-6, "hidden_act": "silu",
}  # fmt: skip
# Of layers that draft tokens, and of training.
IGNORED = common.IGNORED | {"mtp_num_hidden_layers", "mtp_use_dedicated_embeddings", "mlp_only_layers", _INTERVAL}
SKIPPED = ("mtp.", "model.mtp.")
DELTA = "linear_attention"


def of_gguf_keys(config: Mapping[str, object]) -> dict[str, object]:
    """llama.cpp counts the layers that draft among the others, and says of each layer whether it is recurrent."""
    found: dict[str, object] = dict.fromkeys((_INNER, _RECURRENT, _DRAFTING))
    count, drafting = config.get("num_hidden_layers"), config.get(_DRAFTING, 0)
    if isinstance(count, int) and isinstance(drafting, int) and 0 <= drafting < count:
        found["num_hidden_layers"] = count = count - drafting
    recurrent = config.get(_RECURRENT)
    if recurrent is not None and isinstance(count, int):
        found["layer_types"] = [DELTA if each else FULL for each in gguf.of_layers(recurrent, config)[: max(count, 0)]]
    inner, heads = config.get(_INNER), config.get("linear_num_value_heads")
    if isinstance(inner, int) and isinstance(heads, int) and heads > 0:
        found["linear_value_head_dim"] = inner / heads
    return found


def read(config: Reader) -> Decoder:
    return read_as(config, NAMES, common.read_mlp(config))


def read_as(config: Reader, names: Names, feed_forward: Description) -> Decoder:
    config.must_be("attn_output_gate", True)
    config.must_be("hidden_act", "silu")  # of convolutions, too
    config.must_be("mamba_ssm_dtype", "float32")
    count, interval = config.integer("num_hidden_layers"), config.integer(_INTERVAL, default=4)
    key_heads = config.integer("linear_num_key_heads", default=16)
    value_heads = config.integer("linear_num_value_heads", default=32)
    delta = GatedDelta(
        key_heads=key_heads,
        value_heads=value_heads,
        key_dim=config.integer("linear_key_head_dim", default=128),
        value_dim=config.integer("linear_value_head_dim", default=128),
        kernel=config.integer("linear_conv_kernel_dim", default=4),
        eps=config.number("rms_norm_eps"),
        tiled=config.in_gguf and key_heads != value_heads,
    )
    attention = common.read_self_attention(config, common.read_attention(config, qk_norm=True, partial=0.25, gated=True))
    kinds = config.layer_types(count, default=[DELTA if (layer + 1) % interval else FULL for layer in range(count)], kinds=(FULL, DELTA))
    layers = [Layer(attention if kind == FULL else GatedDeltaNet(delta), feed_forward) for kind in kinds]
    return common.read_decoder(config, names, layers)
