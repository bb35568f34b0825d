"""Models of more than text, of which the text is a model of its own: what its config and its tensors are called among the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from webllm_build.errors import MalformedFile, UnsupportedArchitecture, warn
from webllm_build.model.bookkeeping import BOOKKEEPING
from webllm_build.source.checkpoint import Checkpoint

TIED = "tie_word_embeddings"
# Of the text's tensors, as files begin them → as those of a model of text alone do. transformers 5 reads both spellings.
PREFIXES = {"language_model.model.": "model.", "language_model.lm_head.": "lm_head.", "model.language_model.": "model."}


@dataclass(frozen=True)
class Wrapper:
    """texts: model_types that its text may have, the first where text_config does not say. others: first parts of the names of tensors that
    text does not need. ignored: keys beside text_config that say nothing about text. tied: tie_word_embeddings where it is not said.
    defaults: what text_config means where it says nothing, if not what the model of text alone means.
    """

    texts: tuple[str, ...]
    others: tuple[str, ...]
    ignored: frozenset[str]
    tied: bool = True
    defaults: Mapping[str, object] = field(default_factory=dict)


# Of images, and of what joins them to text.
VISION_TENSORS = ("vision_tower.", "multi_modal_projector.")
VISION_KEYS = frozenset({"vision_config", "image_token_id", "image_token_index", "initializer_range"})

WRAPPERS: Mapping[str, Wrapper] = {
    "gemma3": Wrapper(
        ("gemma3_text",),
        VISION_TENSORS,
        VISION_KEYS | {"mm_tokens_per_image", "boi_token_id", "boi_token_index", "eoi_token_id", "eoi_token_index"},
    ),
    "mistral3": Wrapper(
        ("mistral", "ministral3"),
        VISION_TENSORS,
        VISION_KEYS | {"multimodal_projector_bias", "projector_hidden_act", "spatial_merge_size", "vision_feature_layer"},
    ),
    "qwen3_5": Wrapper(
        ("qwen3_5_text",),
        ("visual.",),
        VISION_KEYS | {"video_token_id", "vision_start_token_id", "vision_end_token_id", "language_model_only"},
        tied=False,
    ),
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
        raise UnsupportedArchitecture(f"text_config of {name} is no object", "It must be the config of the model of text.")
    unknown = sorted(
        key for key, value in config.items() if value is not None and key not in BOOKKEEPING | wrapper.ignored | {"text_config", TIED}
    )
    if unknown:
        raise UnsupportedArchitecture(
            f"config.json has keys beside text_config that are not known: {', '.join(map(repr, unknown[:20]))}",
            "They might change the mathematics. If they do not, remove them from a local copy of the model and build from that.",
        )
    text = wrapper.texts[0] if inner.get("model_type") is None else inner["model_type"]
    if text not in wrapper.texts:
        raise UnsupportedArchitecture(f"The text of {name} has the model_type {text!r}", f"Supported: {', '.join(wrapper.texts)}.")
    said = config.get(TIED)
    return {**wrapper.defaults, **inner, "model_type": text, TIED: wrapper.tied if said is None else said}


def text_of(checkpoint: Checkpoint) -> Checkpoint:
    """A model's text as a checkpoint of its own, with a warning of what is left out; one of text alone as it is.

    Raises UnsupportedArchitecture, MalformedFile for a tensor that is there in two spellings.
    """
    kind = checkpoint.config.get("model_type")
    wrapper = WRAPPERS.get(kind) if isinstance(kind, str) and checkpoint.format == "hugging_face" else None
    if wrapper is None:
        return checkpoint
    config, tensors = text_config(checkpoint.name, checkpoint.config), {}
    left_out = 0
    for name, tensor in checkpoint.tensors.items():
        if name.removeprefix("model.").startswith(wrapper.others):
            left_out += 1
            continue
        prefix = next((prefix for prefix in PREFIXES if name.startswith(prefix)), None)
        text = name if prefix is None else PREFIXES[prefix] + name.removeprefix(prefix)
        if text in tensors:
            raise MalformedFile(f"{checkpoint.name} has the tensor {text} twice, one of them as {name}", "Remove one of them.")
        tensors[text] = tensor
    if left_out:
        warn(f"{checkpoint.name} understands more than text, which is all that is built: {left_out} tensors of other parts are left out.")
    return replace(checkpoint, config=config, tensors=tensors)
