"""Gemma 4, text (https://ai.google.dev/gemma/docs/core/model_card_4): layers with a window have smaller heads than those without; the last
ones attend to what earlier ones of their kind left in the cache; values are normalised, too; and each layer gets a vector of each token
beside its input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from webllm_build.errors import UnsupportedArchitecture
from webllm_build.model import common, gemma3_text, gguf
from webllm_build.model.attention import Attention, Rope
from webllm_build.model.config import FULL, SLIDING, Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.dense_and_experts import DenseAndExperts
from webllm_build.model.experts import Experts
from webllm_build.model.feed_forward import GatedMLP
from webllm_build.model.layer_inputs import LayerInput, LayerInputs
from webllm_build.model.layers import Layer
from webllm_build.model.names import FileNames, Names
from webllm_build.model.routing import Routing
from webllm_build.model.self_attention import SelfAttention
from webllm_build.model.stacks import Form, Scaled
from webllm_build.source.checkpoint import Tensor

NAMES = Names(
    hugging_face=FileNames(
        {
            **gemma3_text.NAMES.hugging_face.tensors,
            "layer_table": "model.embed_tokens_per_layer",
            "layer_projection": "model.per_layer_model_projection",
            "layer_projection_norm": "model.per_layer_projection_norm",
            "input_gate": "model.layers.{}.per_layer_input_gate",
            "input_out": "model.layers.{}.per_layer_projection",
            "input_out_norm": "model.layers.{}.post_per_layer_input_norm",
            "scalar": "model.layers.{}.layer_scalar",
            "dense_out_norm": "model.layers.{}.post_feedforward_layernorm_1",
            "experts_norm": "model.layers.{}.pre_feedforward_layernorm_2",
            "experts_out_norm": "model.layers.{}.post_feedforward_layernorm_2",
            "router": "model.layers.{}.router.proj",
            "router_norm": "model.layers.{}.router.scale",
        },
        experts={
            "experts_gate": (Form("model.layers.{}.experts.gate_up_proj", half=0),),
            "experts_up": (Form("model.layers.{}.experts.gate_up_proj", half=1),),
            "experts_down": (Scaled("model.layers.{}.experts.down_proj", factors="model.layers.{}.router.per_expert_scale"),),
        },
    ),
    gguf=FileNames(
        {
            **gemma3_text.NAMES.gguf.tensors,
            "layer_table": "per_layer_token_embd",
            "layer_projection": "per_layer_model_proj",
            "layer_projection_norm": "per_layer_proj_norm",
            "input_gate": "blk.{}.inp_gate",
            "input_out": "blk.{}.proj",
            "input_out_norm": "blk.{}.post_norm",
            "scalar": "blk.{}.layer_output_scale.weight",
            "dense_out_norm": "blk.{}.post_ffw_norm_1",
            "experts_norm": "blk.{}.pre_ffw_norm_2",
            "experts_out_norm": "blk.{}.post_ffw_norm_2",
            "router": "blk.{}.ffn_gate_inp",
            "router_norm": "blk.{}.ffn_gate_inp.scale",
        },
        experts={
            **gguf.EXPERTS,
            "experts_down": (Scaled("blk.{}.ffn_down_exps.weight", factors="blk.{}.ffn_down_exps.scale"),),
        },
    ),
)
# What a GGUF says in other words than config.json.
FULL_THETA, SLIDING_THETA, FULL_HEAD = "full_theta", "sliding_theta", "global_head_dim"
ITS_OWN = {
    FULL_THETA: "rope.freq_base",
    SLIDING_THETA: gguf.BASE_OF_SLIDING,
    "full_value": "attention.value_length",
    "sliding_value": "attention.value_length_swa",
    "full_turned": gguf.TURNED,
    "sliding_turned": "rope.dimension_count_swa",
}
GGUF_KEYS = {
    **{key: name for key, name in gguf.KEYS.items() if key != "rope_theta"},
    **ITS_OWN,
    "head_dim": "attention.key_length_swa",
    FULL_HEAD: "attention.key_length",
    "sliding_window": gguf.WINDOW,
    "sliding_window_pattern": gguf.PATTERN,
    "num_kv_shared_layers": "attention.shared_kv_layers",
    "hidden_size_per_layer_input": "embedding_length_per_layer_input",
    "final_logit_softcapping": "final_logit_softcapping",
    "num_experts": "expert_count",
    "top_k_experts": "expert_used_count",
    "moe_intermediate_size": "expert_feed_forward_length",
}
GGUF_DEFAULTS = {"final_logit_softcapping": 30.0}
# Of experts, where there are none.
IGNORED = common.IGNORED | {"num_experts", "top_k_experts", "moe_intermediate_size"}
ROPES: Mapping[str, Mapping[str, object]] = {
    SLIDING: {"rope_type": "default", "rope_theta": 1e4},
    FULL: {"rope_type": "proportional", "rope_theta": 1e6, "partial_rotary_factor": 0.25},
}
DEFAULTS = {
    "vocab_size": 262144,
    "hidden_size": 2304,
    "intermediate_size": 9216,
    "num_hidden_layers": 30,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "max_position_embeddings": 131072,
    "rms_norm_eps": 1e-6,
}
HEAD_KEYS = ("head_dim", "num_key_value_heads")


def of_gguf_tensors(tensors: Mapping[str, Tensor]) -> dict[str, object]:
    """How much of a full layer's heads turns, whether their keys are their values, and rows of the table of layers' vectors."""
    keys = [name for name in tensors if name.endswith(".attn_k.weight")]
    found: dict[str, object] = {"attention_k_eq_v": any(name.replace("attn_k", "attn_v") not in tensors for name in keys)}
    if (table := tensors.get("per_layer_token_embd.weight")) is not None:
        found["vocab_size_per_layer_input"] = table.shape[0]
    else:
        found["use_bidirectional_attention"] = "vision"
    divisors = tensors.get(gguf.ROPE_DIVISORS)
    if divisors is not None and len(divisors.shape) == 1:
        values = divisors.dequantize()
        turned = int((values == 1).sum())
        if not (values[:turned] == 1).all() or not (values[turned:] > 1e20).all():
            raise UnsupportedArchitecture(f"{gguf.ROPE_DIVISORS} has other numbers than 1 and huge ones", "Convert the model again.")
        found["rope_parameters"] = {FULL: {**ROPES[FULL], "partial_rotary_factor": turned / len(values)}}
    return found


def of_gguf_keys(config: Mapping[str, object]) -> dict[str, object]:
    """Sizes of layers one by one, and ropes beside each other. Of full layers a GGUF says what a config.json says of others."""
    kinds, heads, sizes = (config.get(key) for key in ("layer_types", "num_key_value_heads", "intermediate_size"))
    full, sliding = config.get(FULL_HEAD), config.get("head_dim")
    for name, expected in (("full_value", full), ("full_turned", full), ("sliding_value", sliding), ("sliding_turned", sliding)):
        if config.get(name, expected) != expected:
            raise UnsupportedArchitecture(f"{ITS_OWN[name]} is {config[name]}, and not {expected}", "Heads have one size, and turn whole.")
    kinds = kinds if isinstance(kinds, list) else []
    of_layers = heads if isinstance(heads, list) else [heads] * len(kinds)
    overrides = {
        str(layer): {"head_dim": full, "num_key_value_heads": count}
        for layer, (kind, count) in enumerate(zip(kinds, of_layers, strict=False))
        if kind == FULL
    }
    nearby = [count for kind, count in zip(kinds, of_layers, strict=False) if kind == SLIDING]
    found: dict[str, object] = {**dict.fromkeys(ITS_OWN), FULL_HEAD: None, "partial_rotary_factor": None, "per_layer_config": overrides}
    found["num_key_value_heads"] = nearby[0] if nearby else max(of_layers, default=None)
    found["enable_moe_block"] = bool(config.get("num_experts"))
    if isinstance(sizes, list) and sizes:
        shared = config.get("num_kv_shared_layers")
        first, own = sizes[0], len(sizes) - (shared if isinstance(shared, int) and 0 <= shared <= len(sizes) else 0)
        if sizes != [first] * own + [2 * first] * (len(sizes) - own):
            raise UnsupportedArchitecture("Feed-forward blocks differ in other ways than by twice the size", "Convert the model again.")
        found |= {"intermediate_size": first, "use_double_wide_mlp": True}
    ropes = config.get("rope_parameters")
    given = ropes if isinstance(ropes, Mapping) else {}
    theta, local = config.get(FULL_THETA) or 1e4, config.get(SLIDING_THETA) or 1e4
    found["rope_parameters"] = {
        FULL: {**given.get(FULL, {"rope_type": "default"}), "rope_theta": theta},
        SLIDING: {"rope_type": "default", "rope_theta": local},
    }
    return found


def skipped(model: Decoder) -> tuple[str, ...]:
    """How tensors begin of keys and values that layers do not have, because they read those of others."""
    own = {state.name for state in model.states}
    shared = [layer for layer in range(len(model.layers)) if f"kv{layer}" not in own]
    names = (file.tensors[part] for file in NAMES.formats.values() for part in ("k", "v", "k_norm"))
    return tuple(f"{name.format(layer)}." for name in names for layer in shared)


def read(config: Reader) -> Decoder:
    hidden, count = config.integer("hidden_size"), config.integer("num_hidden_layers")
    config.must_be("hidden_activation", "gelu_pytorch_tanh")
    kinds = (*config.layer_types(count, default=[FULL if layer % 6 == 5 else SLIDING for layer in range(count)])[:-1], FULL)
    shared = config.count("num_kv_shared_layers", default=0)
    own = kinds[: max(count - shared, 0)]
    if shared and set(own) != set(kinds):
        raise UnsupportedArchitecture(
            f"{shared} of {count} layers attend to the keys of others, of which not every kind has some",
            "num_kv_shared_layers does not fit layer_types.",
        )
    attention = read_attention(config, kinds)
    keys_are_values = config.flag("attention_k_eq_v", default=False)
    bias = config.flag("attention_bias", default=False)
    size, is_wide = config.integer("intermediate_size"), config.flag("use_double_wide_mlp", default=False)
    inputs, experts = read_inputs(config, count), read_experts(config)
    # The router's input is also divided by the root of the hidden size.
    names = Names(*(replace(file, multipliers={"router_norm": hidden**-0.5}) for file in NAMES.formats.values()))

    def layer(index: int) -> Layer:
        kind = kinds[index]
        keys_of = None if index < len(own) else len(own) - 1 - own[::-1].index(kind)
        mixer = SelfAttention(attention[kind], bias, out_bias=bias, keys_of=keys_of, keys_as_values=keys_are_values and kind == FULL)
        mlp = GatedMLP("gelu_tanh_mul", size * (2 if is_wide and keys_of is not None else 1))
        given = None if inputs is None else LayerInput(inputs.size, "gelu_tanh")
        block = mlp if experts is None else DenseAndExperts(mlp, experts)
        return Layer(mixer, block, norms="around", input=given, scaled=True)

    layers = [layer(index) for index in range(count)]
    softcap = config.number_or_none("final_logit_softcapping", default=None)
    return common.read_decoder(config, names, layers, tied=True, embedding_scale=hidden**0.5, logit_softcap=softcap, layer_inputs=inputs)


def read_attention(config: Reader, kinds: Sequence[str]) -> Mapping[str, Attention]:
    """Of each kind of layers. Where a config has per_layer_config, nothing else says how full layers differ."""
    heads, head_dim = config.integer("num_attention_heads"), config.integer("head_dim")
    kv_heads = config.integer("num_key_value_heads")
    full_head, full_kv_heads = config.integer(FULL_HEAD, default=512), config.integer("num_global_key_value_heads", default=kv_heads)
    overrides = config.layer_overrides("per_layer_config", len(kinds), HEAD_KEYS)
    if overrides is None:
        of_keys = {"num_key_value_heads": full_kv_heads} if config.flag("attention_k_eq_v", default=False) else {}
        overrides = [{"head_dim": full_head, **of_keys} if kind == FULL else {} for kind in kinds]
    window, found = config.integer("sliding_window", default=512), {}
    is_both_ways = config.one_of("use_bidirectional_attention", ("vision", ""), default="") == "vision"  # of pictures alone
    sees_both_ways = is_both_ways and config.pictures is not None and config.pictures.whole > 0
    for kind in dict.fromkeys(kinds):
        own = [overrides[layer] for layer, its in enumerate(kinds) if its == kind]
        sizes = {(said.get("head_dim", head_dim), said.get("num_key_value_heads", kv_heads)) for said in own}
        if len(sizes) > 1:
            raise UnsupportedArchitecture(f"Layers of the kind {kind} have heads of several sizes", "All of a kind share a rope.")
        ((size, kv_count),) = sizes
        rope = config.layer_rope(kind, default_theta=1e4, default=ROPES[kind])
        found[kind] = Attention(
            heads=heads,
            kv_heads=kv_count,
            head_dim=size,
            scale=1.0,
            rope=Rope.of(rope, size),
            window=window if kind == SLIDING else None,
            ends=kind == SLIDING and sees_both_ways,
            qk_norm=config.number("rms_norm_eps"),
            value_norm=True,
        )
    return found


def read_experts(config: Reader) -> Experts | None:
    """Of all layers, beside their MLPs."""
    if not config.flag("enable_moe_block", default=False):
        return None
    routing = Routing(config.integer("num_experts"), config.integer("top_k_experts"))
    return Experts(routing, "gelu_tanh_mul", config.integer("moe_intermediate_size"), router_norm=True)


def read_inputs(config: Reader, layers: int) -> LayerInputs | None:
    """What layers get beside their input."""
    size, vocab_size = config.count("hidden_size_per_layer_input", default=256), config.integer("vocab_size")
    rows = config.integer("vocab_size_per_layer_input", default=262144)
    if size and rows < vocab_size:
        raise UnsupportedArchitecture(
            f"vocab_size_per_layer_input is {rows}, but there are {vocab_size} tokens", "Each token needs a row of that table."
        )
    return LayerInputs(size, layers, rows) if size else None
