"""How a model wants its pictures, where what sees is a GGUF file of llama.cpp's (`mmproj`). Its metadata (`clip.*`) say little: what they
do not is as the files of the family's published models have it, which the same reader then reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from webllm_build.errors import MalformedFile, UnsupportedArchitecture
from webllm_build.fields import Fields
from webllm_build.source.processor import HINT, PREPROCESSOR, Settings, read_processor

TYPE_KEYS = ("clip.projector_type", "clip.vision.projector_type")  # the second where a file hears, too
MOST_PIXELS = 1 << 28  # what a key may say, before the page's bound


@dataclass(frozen=True)
class Said:
    """What config.json, and the processor's file, of such a model say."""

    config: dict[str, object]
    processor: dict[str, object]


def read_gguf_processor(metadata: Mapping[str, object]) -> Settings:
    """`vision.processor` of a manifest. Raises UnsupportedArchitecture for a projector of another kind, MalformedFile for values that
    cannot be."""
    name = next((metadata[key] for key in TYPE_KEYS if key in metadata), None)
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise UnsupportedArchitecture(f"{TYPE_KEYS[0]}: pictures for {name!r:.60} are not made here", f"Known are {', '.join(KINDS)}.")
    fields = Fields(dict(metadata), "mmproj")
    try:
        said = kind(fields)
        mean, std = (list(fields.numbers(f"clip.vision.image_{key}")) for key in ("mean", "std"))
    except ValueError as error:
        raise MalformedFile(str(error), HINT) from error
    return read_processor(said.config, {PREPROCESSOR: {"image_mean": mean, "image_std": std, **said.processor}}, TOKENS.__getitem__)


def _shape(fields: Fields) -> tuple[int, int]:
    """(pixels a side of what the tower was made for, of a patch)."""
    return fields.integer("clip.vision.image_size", 1), fields.integer("clip.vision.patch_size", 1)


def _idefics3(fields: Fields) -> Said:
    image, patch = _shape(fields)
    vision = {"image_size": image, "patch_size": patch}
    config = {"image_token_id": _id("<image>"), "scale_factor": fields.count("clip.vision.projector.scale_factor"), "vision_config": vision}
    longest = fields.integer("clip.vision.preproc_image_size", 1)
    sizes = {"size": {"longest_edge": longest}, "max_image_size": {"longest_edge": image}}
    return Said(config, {"image_processor_type": "Idefics3ImageProcessor", **sizes})


def _gemma3(fields: Fields) -> Said:
    image, patch = _shape(fields)
    scale = fields.optional_count("clip.vision.projector.scale_factor") or 4
    tokens = {"boi": "<start_of_image>", "eoi": "<end_of_image>", "image": "<image_soft_token>"}
    ids = {f"{name}_token_index": _id(text) for name, text in tokens.items()}
    config = {**ids, "mm_tokens_per_image": (image // patch // scale) ** 2, "vision_config": {"image_size": image, "patch_size": patch}}
    return Said(config, {"image_processor_type": "Gemma3ImageProcessor", "size": {"width": image, "height": image}})


def _lfm2(fields: Fields) -> Said:
    image, patch = _shape(fields)
    config = {"image_token_id": _id("<image>"), "vision_config": {"num_patches": (image // patch) ** 2}}
    scale = fields.integer("clip.vision.projector.scale_factor", 1)
    return Said(config, {"image_processor_type": "Lfm2VlImageProcessor", "encoder_patch_size": patch, "downsample_factor": scale})


def _qwen2(fields: Fields) -> Said:
    vision = {"window_size": 112} if fields.optional_count("clip.vision.n_wa_pattern") else {}
    return _qwen(fields, {"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 16384}, vision)


def _qwen3(fields: Fields) -> Said:
    image, patch = _shape(fields)
    return _qwen(fields, {"shortest_edge": 1 << 16, "longest_edge": 1 << 24}, {"num_position_embeddings": (image // patch) ** 2})


def _qwen(fields: Fields, size: dict[str, int], vision: dict[str, int]) -> Said:
    for edge, key in (("shortest_edge", "min"), ("longest_edge", "max")):
        size[edge] = min(fields.optional_count(f"clip.vision.image_{key}_pixels") or size[edge], MOST_PIXELS)
    merge = fields.optional_count("clip.vision.spatial_merge_size") or 2
    shape = {"patch_size": _shape(fields)[1], "merge_size": merge}
    config = {"image_token_id": _id("<|image_pad|>"), "vision_config": vision}
    return Said(config, {"image_processor_type": "Qwen2VLImageProcessor", "size": size, **shape})


def _gemma4(fields: Fields) -> Said:
    tokens = {"boi": "<|image>", "eoi": "<image|>", "image": "<|image|>"}
    ids = {f"{name}_token_id": _id(text) for name, text in tokens.items()}
    pooling = fields.optional_count("clip.vision.projector.scale_factor") or 3
    shape = {"patch_size": _shape(fields)[1], "pooling_kernel_size": pooling}
    return Said({**ids, "vision_config": {"position_embedding_size": 10_240}}, {"image_processor_type": "Gemma4ImageProcessor", **shape})


# Numbers in the place of a vocabulary's, which the metadata of what sees do not know.
TOKENS = (
    *("<image>", "<|image_pad|>", "<start_of_image>", "<end_of_image>", "<image_soft_token>"),
    *("<|image>", "<image|>", "<|image|>"),
)
_id = TOKENS.index
KINDS: Mapping[str, Callable[[Fields], Said]] = {
    "idefics3": _idefics3,
    "gemma3": _gemma3,
    "lfm2": _lfm2,
    "qwen2vl_merger": _qwen2,
    "qwen2.5vl_merger": _qwen2,
    "qwen3vl_merger": _qwen3,
    "gemma4v": _gemma4,
}
