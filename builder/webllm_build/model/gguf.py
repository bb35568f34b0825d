"""A GGUF's metadata as the config that architectures read: Hugging Face's keys.

Which key is which belongs to an architecture. A key of the architecture that nobody knows stops the build, unless its value asks for
nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from webllm_build.errors import MalformedFile, MissingFile, UnsupportedArchitecture
from webllm_build.limits_generated import MAX_LAYERS
from webllm_build.model.attention import MAX_HEAD_DIM
from webllm_build.model.config import FULL, SLIDING
from webllm_build.model.rope import MAX_PAIRS, YARN, Array
from webllm_build.model.stacks import Form
from webllm_build.source.checkpoint import Checkpoint, Tensor

EMBEDDING, HEAD = "token_embd.weight", "output.weight"
ROPE_DIVISORS = "rope_freqs.weight"  # of Llama 3: what rotary frequencies are divided by, float32[head_dim / 2]

# Hugging Face's keys → GGUF's, without "<architecture>." before it. What most architectures have: they add their own.
KEYS: Mapping[str, str] = {
    "max_position_embeddings": "context_length",
    "hidden_size": "embedding_length",
    "num_hidden_layers": "block_count",
    "intermediate_size": "feed_forward_length",
    "num_attention_heads": "attention.head_count",
    "num_key_value_heads": "attention.head_count_kv",
    "head_dim": "attention.key_length",
    "rms_norm_eps": "attention.layer_norm_rms_epsilon",
    "rope_theta": "rope.freq_base",
}
LAYER_NORM_KEYS = {**{key: gguf for key, gguf in KEYS.items() if key != "rms_norm_eps"}, "layer_norm_eps": "attention.layer_norm_epsilon"}
# Of mixtures of experts.
EXPERT_KEYS: Mapping[str, str] = {
    "num_experts": "expert_count",
    "num_experts_per_tok": "expert_used_count",
    "moe_intermediate_size": "expert_feed_forward_length",
}
QUERY_BIASES = frozenset({"blk.0.attn_q.bias", "blk.0.attn_qkv.bias"})  # by either of which a file shows that it has such
_FUSED = "blk.{}.ffn_gate_up_exps.weight"  # as a converter may be told to write them
EXPERTS: Mapping[str, Sequence[Form]] = {
    "experts_gate": (Form("blk.{}.ffn_gate_exps.weight"), Form(_FUSED, half=0)),
    "experts_up": (Form("blk.{}.ffn_up_exps.weight"), Form(_FUSED, half=1)),
    "experts_down": (Form("blk.{}.ffn_down_exps.weight"),),
}
# Of LongRoPE: what rotary frequencies are divided by in sequences up to the original length, and beyond it.
LONG_FACTORS = {"short_factor": "rope_factors_short.weight", "long_factor": "rope_factors_long.weight"}
ATTENTION_FACTOR = "rope.scaling.attn_factor"
TURNED = "rope.dimension_count"
BASE_OF_SLIDING = "rope.freq_base_swa"
WINDOW = "attention.sliding_window"
NEEDS_WINDOW = frozenset({"cohere2", "gemma-embedding", "gemma4", "gpt-oss", "granite_swa"})  # which llama.cpp refuses to read without one
BOTH_WAYS = frozenset({"gemma-embedding"})  # whose tokens see the whole text, whatever a file says
PATTERN = "attention.sliding_window_pattern"
SECTIONS = "rope.dimension_sections"
# Without which llama.cpp reads no file of an architecture that has them.
DEMANDED = frozenset(
    {"attention.layer_norm_epsilon", "attention.layer_norm_rms_epsilon", "context_length", "expert_gating_func", "shortconv.l_cache"}
    | {f"ssm.{size}" for size in ("conv_kernel", "group_count", "inner_size", "state_size", "time_step_rank")}
)
DEMANDED_OF: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("cohere2", "granite", "granite_swa", "granitemoe"), frozenset({"logit_scale"})),
    "gemma4": frozenset({PATTERN}),
    "gptneox": frozenset({"use_parallel_residual"}),
}
SCALING = "rope.scaling.type"
KINDS_OF_SCALING = ("none", "linear", YARN, "longrope")
YARN_BETAS = {"beta_fast": "rope.scaling.yarn_beta_fast", "beta_slow": "rope.scaling.yarn_beta_slow"}
NOT_OF_YARN = ("rope.scaling.yarn_attn_factor", "rope.scaling.yarn_ext_factor")  # which llama.cpp does not read
FACTORS = ("rope.scaling.factor", "rope.scale_linear")  # of which llama.cpp takes the first, too
BOOKKEEPING = frozenset(
    {"vocab_size", "tensor_data_layout", "rope.scaling.original_context_length", "rope.scaling.finetuned", "attention.layer_norm_epsilon"}
    | {SECTIONS, "n_deepstack_layers"}  # of positions in several directions, which are alike for text, and of images
    | {"attention.layer_norm_rms_epsilon"}  # of architectures that have other norms
    | {"pooling_type", *(f"dense_{layer}_feat_{end}" for layer in (2, 3) for end in ("in", "out"))}  # which source/gguf.py reads
)
# Values that ask for nothing. So does 0, or false, of any other key: llama.cpp starts from that where a file does not say.
NEUTRAL: Mapping[str, object] = {
    "attention.causal": True,
    "embedding_scale": 1,
    "expert_count": 1,  # as Hunyuan's dense models say; where it is true, the file has a router too many
    "expert_used_count": 1,
    "expert_weights_scale": 1,
    "logit_scale": 1,
    "residual_scale": 1,
    "rope.scaling.attn_factor": 1,
    "rope.scaling.factor": 1,
}
# Keys of which llama.cpp takes 0 for no such step.
NONE_AT_0 = frozenset({"attention.clamp_kqv", "attention.scale", "embedding_scale", "final_logit_softcapping", "residual_scale"})
STARTS_OTHERWISE = ("attention.causal", "attention.value_length", TURNED)


def hugging_face_config(
    checkpoint: Checkpoint, model_type: str, keys: Mapping[str, str], defaults: Mapping[str, object]
) -> dict[str, object]:
    """keys: the architecture's, from Hugging Face to GGUF. defaults: what llama.cpp takes for the file's keys in this architecture alone.
    Raises MissingFile for a file without embeddings, MalformedFile for one without what its architecture always has,
    UnsupportedArchitecture."""
    embedding = checkpoint.tensors.get(EMBEDDING)
    if embedding is None or len(embedding.shape) != 2:
        raise MissingFile(f"{checkpoint.name} has no {EMBEDDING}", "Is it a whole model, and not an adapter or a vocabulary?")
    prefix = f"{checkpoint.config['general.architecture']}."
    given = {key.removeprefix(prefix): _plain(key, value) for key, value in checkpoint.config.items() if key.startswith(prefix)}
    given = {**defaults, **given}
    heads, hidden = (_of_all_layers(given.get(keys[key])) for key in ("num_attention_heads", "hidden_size"))
    if usual := hidden // heads if isinstance(heads, int) and isinstance(hidden, int) and heads > 0 else None:
        given.setdefault("attention.key_length", usual)
    demanded = (DEMANDED & {*keys.values()}) | DEMANDED_OF.get(prefix[:-1], frozenset())
    demanded |= {"expert_used_count"} if given.get("expert_count") and "expert_used_count" in keys.values() else set()
    if missing := sorted(demanded - given.keys()):
        raise _silent(checkpoint.name, f"{prefix}{missing[0]}")
    config: dict[str, object] = {name: _of_all_layers(given[key]) for name, key in keys.items() if key in given}
    config |= {name: None for name, key in keys.items() if key in NONE_AT_0 and _same(given.get(key), 0)}
    # What llama.cpp takes where a file does not say; a config.json has its own defaults.
    config = {key: value for key, value in {"num_key_value_heads": heads, "rope_theta": 10000.0}.items() if key in keys} | config
    config |= {"model_type": model_type, "vocab_size": embedding.shape[0], "tie_word_embeddings": HEAD not in checkpoint.tensors}
    turned, head_dim = config.get("partial_rotary_factor"), config.get("head_dim")
    if isinstance(turned, int) and isinstance(head_dim, int) and head_dim > 0:
        config["partial_rotary_factor"] = turned / head_dim  # a file says how many elements turn
    elif TURNED in keys.values():
        config["partial_rotary_factor"] = 1.0
    factors = {name: checkpoint.tensors[tensor] for name, tensor in LONG_FACTORS.items() if tensor in checkpoint.tensors}
    if factors or given.get(SCALING) == "longrope":
        if missing := [tensor for name, tensor in LONG_FACTORS.items() if name not in factors]:
            raise MalformedFile(f"{checkpoint.name} has LongRoPE, and no tensor {missing[0]}", "Convert the model again.")
        config["rope_scaling"] = _longrope(given, factors)
    else:
        config["rope_scaling"] = _rope_scaling(given)
    neutral = {**NEUTRAL, **dict.fromkeys(("attention.value_length", TURNED), config.get("head_dim", usual))}
    neutral |= {"attention.key_length": usual, "embedding_length_out": hidden, BASE_OF_SLIDING: config.get("rope_theta")}
    known = {*keys.values(), *BOOKKEEPING, SCALING, *YARN_BETAS.values(), *([ATTENTION_FACTOR] if factors else FACTORS)}
    known |= {*NOT_OF_YARN, ATTENTION_FACTOR} if given.get(SCALING) == YARN else set()
    known |= {
        key for key, value in given.items() if _same(value, neutral.get(key, 0)) or (key not in STARTS_OTHERWISE and _is_nothing(value))
    }
    known |= {"attention.causal"} if checkpoint.config["general.architecture"] in BOTH_WAYS else set()
    window, context = given.get(WINDOW), config.get("max_position_embeddings")
    if isinstance(window, int) and isinstance(context, int) and window >= context:
        known.add(WINDOW)  # nothing is ever so far back
    pattern, count = given.get(PATTERN), config.get("num_hidden_layers")
    if isinstance(pattern, int) and pattern > 0 and isinstance(count, int) and keys.get("sliding_window_pattern") == PATTERN:
        pattern = [(layer + 1) % pattern for layer in range(min(count, MAX_LAYERS))]  # each pattern-th layer sees all
    if PATTERN in keys.values() and isinstance(pattern, list):  # a flag for each layer
        config["layer_types"] = [SLIDING if flag else FULL for flag in pattern]
        config = {key: value for key, value in config.items() if keys.get(key) != PATTERN}
    if WINDOW in keys.values() and not window:
        if checkpoint.config["general.architecture"] in NEEDS_WINDOW:
            raise _silent(checkpoint.name, f"{prefix}{WINDOW}")
        config["layer_types"] = [FULL] * count if isinstance(count, int) and 0 < count <= MAX_LAYERS else None
        config["sliding_window"] = None
    unknown = sorted(given.keys() - known)
    if unknown:
        shown = ", ".join(f"{prefix}{key} = {_shown(given[key])}" for key in unknown[:20])
        raise UnsupportedArchitecture(f"{checkpoint.name} has metadata that is not known: {shown}", "A newer webllm-build may know it.")
    return config


def _silent(name: str, key: str) -> MalformedFile:
    return MalformedFile(f"{name} does not say {key}", "llama.cpp refuses it, too. Convert the model again.")


def rope_divisors(checkpoint: Checkpoint) -> Array | None:
    """What the file divides rotary frequencies by, float64[head_dim / 2]. Raises MalformedFile for more than any head has."""
    tensor = checkpoint.tensors.get(ROPE_DIVISORS)
    if tensor is not None and math.prod(tensor.shape) > MAX_HEAD_DIM // 2:
        raise MalformedFile(f"{ROPE_DIVISORS} is {list(tensor.shape)}: no head is so large", "Convert the model again.")
    return None if tensor is None else tensor.dequantize().astype(np.float64)


def _rope_scaling(given: Mapping[str, object]) -> dict[str, object] | None:
    factor = next((given[key] for key in FACTORS if key in given), None)
    kind = given.get(SCALING, "linear")
    if kind == "none" or (kind == "linear" and (factor is None or _same(factor, 0) or _same(factor, 1))):
        return None
    if kind not in KINDS_OF_SCALING:
        raise UnsupportedArchitecture(f"The kind of rotary scaling is {_shown(kind)}", f"GGUF files have {', '.join(KINDS_OF_SCALING)}.")
    original = given.get("rope.scaling.original_context_length") if kind != "linear" else None
    factor = factor or 1.0  # as llama.cpp takes 0 and none
    found = {"rope_type": kind, "factor": factor, "original_max_position_embeddings": original}
    if kind == YARN:
        found |= {name: given.get(key) for name, key in YARN_BETAS.items()}
        attention = given.get(ATTENTION_FACTOR, 1.0)
        if attention != 1 and isinstance(attention, (int, float)) and isinstance(factor, (int, float)) and factor >= 1:  # of the usual
            found["attention_factor"] = attention * (1 + 0.1 * math.log(factor))
    return found


def _longrope(given: Mapping[str, object], factors: Mapping[str, Tensor]) -> dict[str, object]:
    """Its own factor of cosines and sines only where it is not the usual one, which float32 has rounded."""
    if given.get(SCALING, "longrope") not in ("longrope", "linear", "none"):
        raise UnsupportedArchitecture(f"The kind of rotary scaling is {_shown(given[SCALING])}", "There are factors of LongRoPE beside it.")
    lists = {name: [] if math.prod(tensor.shape) > MAX_PAIRS else tensor.dequantize().tolist() for name, tensor in factors.items()}
    context = given.get("context_length")
    original = given.get("rope.scaling.original_context_length", context)
    attention = given.get(ATTENTION_FACTOR)
    if isinstance(attention, float) and isinstance(original, int) and isinstance(context, int) and context > original > 1:
        usual = math.sqrt(1 + math.log(context / original) / math.log(original))
        attention = None if abs(attention - usual) < 1e-6 else attention
    return {"rope_type": "longrope", "original_max_position_embeddings": original, "attention_factor": attention, **lists}


def _plain(key: str, value: object) -> object:
    """An array as a list, which compares with anything. Raises UnsupportedArchitecture where it is longer than any model has layers."""
    if isinstance(value, (np.ndarray, list)) and len(value) > MAX_LAYERS:
        raise UnsupportedArchitecture(f"{key} has {len(value)} values", f"Expected one, or one for each of up to {MAX_LAYERS} layers.")
    return value.tolist() if isinstance(value, np.ndarray) else value


def _of_all_layers(value: object) -> object:
    """The one number of a list that has a number for each layer, where they are equal."""
    return value[0] if isinstance(value, list) and value and value.count(value[0]) == len(value) else value


def of_layers(value: object, config: Mapping[str, object]) -> list[object]:
    """The other way round: a number for each layer, of one for all."""
    count = config.get("num_hidden_layers")
    return value if isinstance(value, list) else [value] * (min(count, MAX_LAYERS) if isinstance(count, int) else 0)


def _same(value: object, expected: object) -> bool:
    return isinstance(value, (bool, int, float, str)) and value == expected


def _is_nothing(value: object) -> bool:
    return all(map(_is_nothing, value)) if isinstance(value, list) else _same(value, 0)


def _shown(value: object) -> str:
    return repr(value)[:40] if isinstance(value, (bool, int, float, str)) else "a list"
