"""Models of more than text, of which the text is a model of its own: what its config and its tensors are called among the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from webllm_build.errors import MalformedFile, UnsupportedArchitecture, warn
from webllm_build.model.bookkeeping import BOOKKEEPING
from webllm_build.model.config import with_defaults
from webllm_build.source import fast_vlm
from webllm_build.source.checkpoint import Checkpoint

TIED = "tie_word_embeddings"
TIES = ("tie_embedding", TIED)  # the first is LFM2's
# Of the text's tensors, as files begin them → as those of a model of text alone do. transformers 5 reads both spellings.
PREFIXES = {
    "language_model.model.": "model.",
    "language_model.lm_head.": "lm_head.",
    "model.language_model.": "model.",
    "model.text_model.": "model.",
}


@dataclass(frozen=True)
class Wrapper:
    """texts: model_types that its text may have, the first where text_config does not say. others: first parts of the names of tensors that
    text does not need. ignored: keys beside text_config that say nothing about text. tied: tie_word_embeddings where it is not said.
    defaults: what text_config means where it says nothing, if not what the model of text alone means. inside: keys in text_config that say
    nothing about text. flat: older files have the text's keys beside the others. either: tie_word_embeddings counts where text_config has
    it, too.
    """

    texts: tuple[str, ...]
    others: tuple[str, ...]
    ignored: frozenset[str]
    tied: bool = True
    defaults: Mapping[str, object] = field(default_factory=dict)
    inside: frozenset[str] = frozenset()
    flat: bool = False
    either: bool = False


# Of images, and of what joins them to text.
VISION_TENSORS = ("vision_tower.", "multi_modal_projector.")
AUDIO_TENSORS = ("audio_tower.", "embed_audio.")  # of sounds
AUDIO_TENSORS_GGUF = ("a.", "mm.a.")
VISION_KEYS = frozenset({"vision_config", "image_token_id", "image_token_index", "initializer_range"})
QWEN_KEYS = VISION_KEYS | {"video_token_id", "vision_start_token_id", "vision_end_token_id"}
LLAVA_KEYS = VISION_KEYS | {
    *("ignore_index", "image_grid_pinpoints", "image_seq_length", "multimodal_projector_bias", "projector_hidden_act", "vocab_size"),
    *("use_image_newline_parameter", "video_token_index", "vision_aspect_ratio", "vision_feature_layer", "vision_feature_select_strategy"),
}
LFM_KEYS = VISION_KEYS | {
    *("do_image_splitting", "downsample_factor", "encoder_patch_size", "max_image_tokens", "max_num_patches", "max_pixels_tolerance"),
    *("max_tiles", "min_image_tokens", "min_tiles", "projector_bias", "projector_hidden_act", "projector_hidden_size"),
    *("projector_use_layernorm", "tile_size", "use_image_special_tokens", "use_thumbnail", "vision_feature_layer"),
    *("video_token_id", "vision_start_token_id", "vision_end_token_id"),
}
QWEN2_VL = Wrapper(
    ("qwen2_vl_text", "qwen2_5_vl_text"),
    ("visual.",),
    QWEN_KEYS | {"vision_token_id"},
    tied=False,
    defaults={
        "vocab_size": 152064,
        "hidden_size": 8192,
        "intermediate_size": 29568,
        "num_hidden_layers": 80,
        "num_attention_heads": 64,
        "num_key_value_heads": 8,
        "rms_norm_eps": 1e-5,
        "rope_theta": 1e6,
        "max_window_layers": 80,
    },
    flat=True,
    either=True,
)
LLAVA = Wrapper(
    ("llama", "mistral", "qwen2", "granite"),
    (*VISION_TENSORS, "image_newline"),
    LLAVA_KEYS,
    tied=False,
    inside=frozenset({"logits_scaling"}),  # Granite's, which these models take no notice of
    either=True,
)
MINICPM_V = Wrapper(
    ("qwen3_5_text",),
    ("vision_tower.", "merger."),
    VISION_KEYS
    | {"downsample_mode", "drop_vision_last_layer", "image_size", "insert_layer_id", "merge_kernel_size", "merger_times", "patch_size"}
    | {"video_token_id"}
    | {"image_end_id", "image_start_id", "newline_id", "slice_end_id", "slice_start_id"},
    tied=False,
)
# FastVLM's makers' with another tower: the text's keys among those of images.
LLAVA_QWEN2 = Wrapper(
    ("qwen2",),
    ("vision_tower.", "mm_projector."),
    fast_vlm.KEYS,
    tied=False,
    flat=True,
)
GEMMA4 = Wrapper(
    ("gemma4_text",),
    ("vision_tower.", "embed_vision.", *AUDIO_TENSORS),
    VISION_KEYS
    | {"audio_config", "video_token_id", "boi_token_id", "eoi_token_id", "boa_token_id", "eoa_token_id", "eoa_token_index"}
    | {"audio_token_id", "vision_soft_tokens_per_image"},
)
QWEN3_5 = Wrapper(("qwen3_5_text",), ("visual.",), QWEN_KEYS | {"language_model_only"}, tied=False)
IDEFICS3 = Wrapper(
    ("llama",),
    ("vision_model.", "connector."),
    VISION_KEYS | {"scale_factor", "use_reentrant_checkpointing", "vocab_size", "_pad_token_id"},
    tied=False,
    inside=frozenset({"freeze_config", "perceiver_config", "pixel_shuffle_factor", "qk_layer_norms", "use_resampler", "vision_config"}),
)

WRAPPERS: Mapping[str, Wrapper] = {
    "fast_vlm": replace(LLAVA, texts=("qwen2",), others=VISION_TENSORS, ignored=LLAVA_KEYS | fast_vlm.KEYS),
    "gemma3": Wrapper(
        ("gemma3_text",),
        VISION_TENSORS,
        VISION_KEYS | {"mm_tokens_per_image", "boi_token_id", "boi_token_index", "eoi_token_id", "eoi_token_index"},
        inside=frozenset({"final_logit_softcapping"}),
    ),
    "gemma4": GEMMA4,
    "gemma4_unified": replace(GEMMA4, texts=("gemma4_unified_text",), others=(*GEMMA4.others, "vision_embedder.")),
    "idefics3": IDEFICS3,
    "internvl": Wrapper(("qwen2", "qwen3", "llama"), VISION_TENSORS, LLAVA_KEYS | {"downsample_ratio"}),
    "lfm2_vl": Wrapper(("lfm2", "lfm2_moe"), VISION_TENSORS, LFM_KEYS),
    "lfm3_vl": Wrapper(("lfm3",), VISION_TENSORS, LFM_KEYS),
    "llava": LLAVA,
    "llava_qwen2": LLAVA_QWEN2,
    "llava_next": replace(LLAVA, either=False),
    "llava_onevision": replace(LLAVA, texts=("qwen2", "llama", "mistral")),
    "minicpmv4_6": MINICPM_V,
    "minicpmv4_7": MINICPM_V,
    "mistral3": Wrapper(
        ("mistral", "ministral3"),
        VISION_TENSORS,
        VISION_KEYS | {"multimodal_projector_bias", "projector_hidden_act", "spatial_merge_size", "vision_feature_layer"},
    ),
    "qwen2_5_vl": replace(QWEN2_VL, texts=("qwen2_5_vl_text", "qwen2_vl_text")),
    "qwen2_vl": QWEN2_VL,
    "qwen3_5": QWEN3_5,
    "qwen3_5_moe": replace(QWEN3_5, texts=("qwen3_5_moe_text",)),
    "qwen3_vl": Wrapper(("qwen3_vl_text",), ("visual.",), QWEN_KEYS, tied=False, defaults={"rope_theta": 5e5}),
    "smolvlm": IDEFICS3,
}


def text_config(name: str, config: Mapping[str, object]) -> Mapping[str, object]:
    """The config of a model's text: the config itself where it is one of text alone. Raises UnsupportedArchitecture.

    Whether head and embedding are one is said beside text_config, as transformers reads it.
    """
    kind = config.get("model_type")
    wrapper = WRAPPERS.get(kind) if isinstance(kind, str) else None
    if wrapper is None:
        return config
    inner = config.get("text_config") or {}
    if not isinstance(inner, Mapping):
        raise UnsupportedArchitecture(f"text_config of {name} is not an object", "It must be the config of the model of text.")
    known = BOOKKEEPING | wrapper.ignored | {"text_config", *TIES}
    if wrapper.flat and not inner:
        inner = {key: value for key, value in config.items() if key not in known}
        config = {key: value for key, value in config.items() if key in known}
    unknown = sorted(key for key, value in config.items() if value is not None and key not in known)
    if unknown:
        raise UnsupportedArchitecture(
            f"config.json has keys beside text_config that are not known: {', '.join(map(repr, unknown[:20]))}",
            "They might change the mathematics. If they do not, remove them from a local copy of the model and build from that.",
        )
    text = wrapper.texts[0] if inner.get("model_type") is None else inner["model_type"]
    if text not in wrapper.texts:
        raise UnsupportedArchitecture(f"The text of {name} has the model_type {text!r}", f"Supported: {', '.join(wrapper.texts)}.")
    said = next((config[key] for key in TIES if config.get(key) is not None), wrapper.tied)
    tied = said or bool(wrapper.either and inner.get(TIED))
    given = {key: value for key, value in inner.items() if key not in wrapper.inside | {*TIES}}
    return {**with_defaults(given, wrapper.defaults), "model_type": text, TIED: tied}


def text_of(checkpoint: Checkpoint, *, sees: bool = False) -> Checkpoint:
    """A model's text as a checkpoint of its own, with a warning of what is left out, unless that is built too (sees); one of text alone as
    it is.

    Raises UnsupportedArchitecture, MalformedFile for a tensor that is there in two spellings.
    """
    if checkpoint.format != "hugging_face":
        return checkpoint
    kind = checkpoint.config.get("model_type")
    wrapper = WRAPPERS.get(kind) if isinstance(kind, str) else None
    if wrapper is None and not any(name.startswith(tuple(PREFIXES)) for name in checkpoint.tensors):
        return checkpoint
    # A config of text may lie beside the tensors of a whole model.
    others = wrapper.others if wrapper is not None else _others_beside(kind)
    config, tensors = text_config(checkpoint.name, checkpoint.config), {}
    left_out = 0
    for name, tensor in checkpoint.tensors.items():
        if name.removeprefix("model.").startswith(others):
            left_out += 1
            continue
        prefix = next((prefix for prefix in PREFIXES if name.startswith(prefix)), None)
        text = name if prefix is None else PREFIXES[prefix] + name.removeprefix(prefix)
        if text in tensors:
            raise MalformedFile(f"{checkpoint.name} has the tensor {text} twice, one of them as {name}", "Remove one of them.")
        tensors[text] = tensor
    if left_out and not sees:
        warn(f"{checkpoint.name} understands more than text, which is all that is built: {left_out} tensors of other parts are left out.")
    return replace(checkpoint, config=config, tensors=tensors)


def _others_beside(text: object) -> tuple[str, ...]:
    """What the tensors that text does not need begin with in models whose text is of this model_type."""
    return tuple(dict.fromkeys(first for wrapper in WRAPPERS.values() if text in wrapper.texts for first in wrapper.others))
