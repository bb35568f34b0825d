"""A GGUF's parts for pictures and sounds, which llama.cpp keeps in a file of its own (mmproj), in the words of the model's config.json and
of the files beside it. What such files do not say is as llama.cpp takes it."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from webllm_build.errors import MalformedFile, MissingFile, UnsupportedArchitecture
from webllm_build.limits_generated import MAX_LAYERS
from webllm_build.source.checkpoint import Checkpoint, Raw, Tensor
from webllm_build.source.files import sha256_file
from webllm_build.source.gguf_header import Metadata
from webllm_build.source.gguf_parts import read_parts
from webllm_build.source.processor import PREPROCESSOR
from webllm_build.source.sound import EXTRACTOR
from webllm_build.source.tokenizer_json import read_facts

BESIDE = "mmproj*.gguf"  # as llama.cpp calls them, in the folder of a model
# vision_config's keys → GGUF's.
KEYS = {
    "hidden_size": "embedding_length",
    "intermediate_size": "feed_forward_length",
    "num_hidden_layers": "block_count",
    "num_attention_heads": "attention.head_count",
    "patch_size": "patch_size",
    "image_size": "image_size",
}
EPS = "attention.layer_norm_epsilon"
WINDOW = 112  # pixels a side
SECTIONS = "rope.dimension_sections"
AUDIO_SIZES = ("hidden_size", "num_attention_heads", "num_hidden_layers")
LAYER_INPUTS = "embedding_length_per_layer_input"
SWAPPED = {"ffn_up": "ffn_down", "ffn_down": "ffn_up"}


@dataclass(frozen=True)
class _Found:
    """vision: of KEYS. scale: patches a side that become a vector, where the file says. tokens: ids by their texts. text: the
    metadata of the text's file."""

    metadata: Metadata
    vision: dict[str, object]
    tensors: dict[str, Tensor]
    scale: int | None
    tokens: Mapping[str, int]
    text: Mapping[str, object]

    def token(self, text: str) -> int:
        """Raises MissingFile."""
        if text in self.tokens:
            return self.tokens[text]
        hint = "Give the mmproj file of this model."
        raise MissingFile(f"The model's tokenizer has no token {text}, which stands for pictures", hint)

    def dimensions(self, name: str, count: int) -> tuple[int, ...]:
        """Raises MissingFile where there is no tensor of so many."""
        tensor = self.tensors.get(name)
        if tensor is None or len(tensor.shape) != count:
            raise MissingFile(f"{self.metadata.path} has no {name} of {count} dimensions", "Convert the model again.")
        return tensor.shape

    def rows(self, name: str) -> int:
        return self.dimensions(name, 2)[0]

    @property
    def side(self) -> int:
        """Pixels of a picture, or of a tile."""
        return self.metadata.natural("clip.vision.image_size") or 0


Parts = tuple[dict[str, object], dict[str, object]]  # keys of config.json, and of preprocessor_config.json


def _idefics3(found: _Found) -> Parts:
    longest = found.metadata.natural("clip.vision.preproc_image_size") or 4 * found.side
    image = found.token("<image>")
    sizes = {"max_image_size": {"longest_edge": found.side}, "size": {"longest_edge": longest}}
    config = {"model_type": "idefics3", "scale_factor": found.scale or 2, "image_token_id": image}
    return config, {"image_processor_type": "Idefics3ImageProcessor", **sizes}


def _gemma3(found: _Found) -> Parts:
    patch = found.metadata.natural("clip.vision.patch_size") or 1
    tokens = (found.side // patch // (found.scale or 4)) ** 2
    names = {"boi": "<start_of_image>", "image": "<image_soft_token>", "eoi": "<end_of_image>"}
    ids: dict[str, object] = {f"{name}_token_index": found.token(text) for name, text in names.items()}
    size = {"width": found.side, "height": found.side}
    return {"model_type": "gemma3", "mm_tokens_per_image": tokens, **ids}, {"image_processor_type": "Gemma3ImageProcessor", "size": size}


def _lfm2(found: _Found) -> Parts:
    positions = found.rows("v.position_embd.weight")
    found.vision.pop("image_size", None)
    found.vision["num_patches"] = positions
    config: dict[str, object] = {
        "model_type": "lfm2_vl",
        "downsample_factor": found.scale or 2,
        "image_token_id": found.token("<image>"),
        "projector_hidden_size": found.rows("mm.1.weight"),
        "projector_use_layernorm": "mm.input_norm.weight" in found.tensors,
    }
    return config, {"image_processor_type": "Lfm2VlImageProcessor", "encoder_patch_size": found.vision.get("patch_size")}


def _gemma4(found: _Found) -> Parts:
    """Whose file may have what hears, too. It says nothing of bounds but by their tensors. Only those that have no vectors of layers
    beside tokens see pictures both ways."""
    hidden, heads = (found.metadata.natural(f"clip.vision.{KEYS[key]}") or 1 for key in ("hidden_size", "num_attention_heads"))
    found.vision.update(
        head_dim=hidden // heads,
        num_key_value_heads=heads,
        pooling_kernel_size=found.scale or 3,
        position_embedding_size=found.dimensions("v.position_embd.weight", 3)[1],
        rms_norm_eps=found.vision.pop("layer_norm_eps"),
        standardize="v.std_bias" in found.tensors,
        use_clipped_linears="v.blk.0.attn_q.input_max" in found.tensors,
        hidden_activation=found.vision.pop("hidden_act"),
    )
    found.vision.pop("image_size", None)
    names = {"boi": "<|image>", "image": "<|image|>", "eoi": "<image|>"}
    ids: dict[str, object] = {f"{name}_token_id": found.token(text) for name, text in names.items()}
    files = {"image_processor_type": "Gemma4ImageProcessor", "patch_size": found.vision["patch_size"]}
    heard, sounds = _gemma4_audio(found) if found.metadata.text("clip.audio.projector_type") == "gemma4a" else ({}, {})
    return {"model_type": "gemma4", **ids, **heard}, {**files, "pooling_kernel_size": found.scale or 3, **sounds}


def _gemma4_audio(found: _Found) -> Parts:
    sizes: dict[str, object] = {name: found.metadata.natural(f"clip.audio.{KEYS[name]}") for name in AUDIO_SIZES}
    config = {
        **sizes,
        "subsampling_conv_channels": [found.dimensions(f"a.conv1d.{number}.weight", 4)[0] for number in range(2)],
        "output_proj_dims": found.rows("a.pre_encode.out.weight"),
        "conv_kernel_size": found.dimensions("a.blk.0.conv_dw.weight", 2)[1],
        "use_clipped_linears": "a.blk.0.attn_q.input_max" in found.tensors,
    }
    names = {"boa": "<|audio>", "audio": "<|audio|>", "eoa": "<audio|>"}
    ids = {f"{name}_token_id": found.token(text) for name, text in names.items()}
    bins = found.metadata.natural("clip.audio.num_mel_bins")
    return {"audio_config": config, **ids}, {"feature_extractor_type": EXTRACTOR, **({} if bins is None else {"feature_size": bins})}


def _qwen2_5(found: _Found) -> Parts:
    """Of its layers each pattern-th sees all of a picture."""
    pattern, count = found.metadata.natural("clip.vision.n_wa_pattern"), found.metadata.natural("clip.vision.block_count") or 0
    if not pattern:
        raise MissingFile(f"{found.metadata.path} has no clip.vision.n_wa_pattern", "Convert the model again.")
    everywhere = list(range(pattern - 1, min(count, MAX_LAYERS), pattern))
    return _qwen(found, "qwen2_5_vl", {"fullatt_block_indexes": everywhere, "window_size": WINDOW}, (56**2, 3584**2))


def _qwen3(found: _Found) -> Parts:
    """Qwen3-VL, whose text takes states behind some layers, by whose numbers files call their projectors; or Qwen3.5."""
    of_layer = {name: int(match[1]) for name in found.tensors if (match := re.match(r"v\.deepstack\.(\d{1,4})\.", name))}
    deep = sorted(set(of_layer.values()))
    moved = {name: found.tensors.pop(name) for name in of_layer}
    found.tensors.update({f"v.deepstack.{deep.index(of_layer[name])}.{name.split('.', 3)[3]}": tensor for name, tensor in moved.items()})
    positions = found.rows("v.position_embd.weight")
    kind = {"qwen35": "qwen3_5", "qwen35moe": "qwen3_5_moe"}.get(str(found.text.get("general.architecture")), "qwen3_vl")
    return _qwen(found, kind, {"deepstack_visual_indexes": deep, "num_position_embeddings": positions}, (256**2, 4096**2))


def _qwen(found: _Found, kind: str, own: Mapping[str, object], pixels: tuple[int, int]) -> Parts:
    """pixels: the least and the most of a picture, as published files of the family have them."""
    _fuse(found.tensors)
    merge, patch = found.metadata.natural("clip.vision.spatial_merge_size") or 2, found.vision["patch_size"]
    sizes = {"depth": "num_hidden_layers", "num_heads": "num_attention_heads"}
    named = (*sizes, "hidden_size", "intermediate_size", "patch_size")
    vision = {key: found.vision.get(sizes.get(key, key)) for key in named}
    found.vision.clear()
    found.vision.update({**vision, "spatial_merge_size": merge, **own})
    edges = zip(("shortest_edge", "longest_edge"), ("min", "max"), pixels, strict=True)
    size = {edge: found.metadata.natural(f"clip.vision.image_{key}_pixels") or usual for edge, key, usual in edges}
    files = {"image_processor_type": "Qwen2VLImageProcessor", "patch_size": patch, "merge_size": merge, "size": size}
    return {"model_type": kind, "image_token_id": found.token("<|image_pad|>")}, files


PROJECTORS: Mapping[str, Callable[[_Found], Parts]] = {
    "gemma3": _gemma3,
    "gemma4v": _gemma4,
    "idefics3": _idefics3,
    "lfm2": _lfm2,
    "qwen2.5vl_merger": _qwen2_5,
    "qwen3vl_merger": _qwen3,
}


def find_mmproj(model: Path) -> Path | None:
    """The file beside a GGUF that has its part for pictures; of several the one with most bytes, whose weights have lost least."""
    found = sorted((path for path in model.parent.glob(BESIDE) if path.is_file()), key=lambda path: path.stat().st_size)
    return found[-1] if found else None


def open_mmproj(path: Path, text: Checkpoint) -> Checkpoint:
    """A file's parts for pictures and sounds as a checkpoint of its own, whose config is as a config.json of the whole model. text: the
    model's.

    Raises MissingFile, MalformedFile, UnsupportedArchitecture for one of a kind that is not built.
    """
    if text.format != "gguf":
        raise UnsupportedArchitecture(f"{path} belongs to a GGUF file, and {text.name} is not one", "Leave --mmproj out.")
    header, _ = read_parts(path)
    metadata = header.metadata
    kind = metadata.text("clip.vision.projector_type") or metadata.text("clip.projector_type")
    if metadata.text("general.architecture") != "clip" or kind is None:
        raise UnsupportedArchitecture(f"{path} is not a part for pictures (mmproj)", "Give the mmproj file that belongs to the model.")
    if kind not in PROJECTORS:
        raise UnsupportedArchitecture(f"{path} has a projector of the kind {kind!r:.40}", f"Built are {', '.join(PROJECTORS)}.")
    vision: dict[str, object] = {name: metadata.natural(f"clip.vision.{key}") for name, key in KEYS.items()}
    vision |= {"layer_norm_eps": metadata.number(f"clip.vision.{EPS}"), "hidden_act": "gelu_pytorch_tanh"}
    tensors = {name: Tensor(name, info.shape, info.encoding, info.read) for name, info in header.tensors.items()}
    tensors = _unswapped(tensors, metadata.natural(f"clip.vision.{KEYS['intermediate_size']}"))
    scale, tokens = metadata.natural("clip.vision.projector.scale_factor"), read_facts(text.tokenizer).ids
    found = _Found(metadata, vision, tensors, scale, tokens, text.config)
    config, files = PROJECTORS[kind](found)
    means = {f"image_{name}": _floats(metadata, f"clip.vision.image_{name}") for name in ("mean", "std")}
    said = {name: value for name, value in means.items() if value is not None}
    return replace(
        text,
        config={**config, "text_config": _text(text.config), "vision_config": found.vision},
        tensors=found.tensors,
        processor={PREPROCESSOR: {**files, **said}},
        identify=functools.cache(lambda: sha256_file(path)),
        fetch=lambda: None,
    )


def _text(config: Mapping[str, object]) -> dict[str, object]:
    """What a tower is told of its text, of a GGUF's metadata."""
    kind = config.get("general.architecture")
    sections = config.get(f"{kind}.{SECTIONS}")
    turned = {} if sections is None else {"rope_scaling": {"mrope_section": np.asarray(sections).tolist()[:3]}}
    seen = {"use_bidirectional_attention": "vision"} if kind == "gemma4" and not config.get(f"{kind}.{LAYER_INPUTS}") else {}
    return {"hidden_size": config.get(f"{kind}.embedding_length"), **turned, **seen}


def _fuse(tensors: dict[str, Tensor]) -> None:
    """Makes one tensor of queries, keys and values, which only some files have apart."""
    for name in [name for name in tensors if ".attn_q." in name]:
        whole, parts = name.replace(".attn_q.", ".attn_qkv."), [name.replace(".attn_q.", f".attn_{part}.") for part in "qkv"]
        if missing := [part for part in parts if part not in tensors]:
            raise MissingFile(f"The file has {name}, and no {missing[0]}", "Convert the model again.")
        tensors[whole] = _joined(whole, [tensors.pop(part) for part in parts])


def _joined(name: str, parts: Sequence[Tensor]) -> Tensor:
    """The values of vectors, or the rows of matrices, one behind the other. Raises MalformedFile."""
    first, *others = parts
    if any((part.encoding, part.shape) != (first.encoding, first.shape) for part in others):
        raise MalformedFile(f"The parts of {name} differ in shape or encoding", "Convert the model again.")
    count = first.shape[0]

    def rows(begin: int, end: int) -> Raw:
        if len(first.shape) == 1:
            return np.concatenate([part.read() for part in parts], axis=1)
        within = ((part, range(max(0, begin - i * count), min(count, end - i * count))) for i, part in enumerate(parts))
        return np.concatenate([part.rows(taken.start, taken.stop) for part, taken in within if taken])

    return replace(first, name=name, shape=(len(parts) * count, *first.shape[1:]), rows=rows)


def _unswapped(tensors: dict[str, Tensor], inner: int | None) -> dict[str, Tensor]:
    """Early files call the two matrices of a feed-forward block by each other's names."""
    first = tensors.get("v.blk.0.ffn_down.weight")
    if first is None or inner is None or first.shape[0] != inner or first.shape[-1] == inner:
        return tensors

    def name(given: str) -> str:
        return ".".join(SWAPPED.get(part, part) for part in given.split("."))

    return {name(given): replace(tensor, name=name(given)) for given, tensor in tensors.items()}


def _floats(metadata: Metadata, key: str) -> Sequence[float] | None:
    values = metadata.numbers(key)
    found = [] if values is None else [round(float(value), 8) for value in values.tolist()]
    return found if len(found) == 3 and all(map(math.isfinite, found)) else None
