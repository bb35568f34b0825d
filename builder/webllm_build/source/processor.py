"""How a model wants its pictures: what transformers' image processors are told by a model's own files, as the manifest tells the page.

The page reads the result (runtime_js/src/media/settings.ts), and has the same bounds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from webllm_build.errors import MalformedFile, MissingFile, UnsupportedArchitecture, warn
from webllm_build.fields import Fields
from webllm_build.limits_generated import (
    MAX_PATCH,
    MAX_PICTURE_SIDE,
    MAX_PICTURE_TAPS,
    MAX_PICTURE_TEXT,
    MAX_PICTURE_TILES,
    MAX_PICTURE_TOKENS,
)

PREPROCESSOR, PROCESSOR = "preprocessor_config.json", "processor_config.json"
PINPOINTS = "image_grid_pinpoints"
MAX_TABLE = 256  # entries a side of one that is resized
FILES = (PREPROCESSOR, PROCESSOR)
FAST_PATCH = 64  # pixels a side that FastVLM's tower makes a vector of
FILTERS = {1: "lanczos", 2: "bilinear", 3: "bicubic"}  # Pillow's numbers
HALF = [0.5, 0.5, 0.5]
IMAGENET = {"image_mean": HALF, "image_std": HALF}
CLIP = {"image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711]}
USUAL = {"do_resize": True, "do_rescale": True, "do_normalize": True, "rescale_factor": 1 / 255, "do_pan_and_scan": False}
BOUNDS: Mapping[str, tuple[float, float]] = {
    "patch": (1, MAX_PATCH),
    "merge": (1, MAX_PATCH),
    "window": (1, MAX_PATCH),
    "rescale": (1e-6, 1),
    "tolerance": (0, 1000),
    **dict.fromkeys(("tile", "width", "height"), (1, MAX_PICTURE_SIDE)),
    **dict.fromkeys(("least_tokens", "most_tokens"), (1, MAX_PICTURE_TOKENS)),
    **dict.fromkeys(("least_tiles", "most_tiles"), (2, MAX_PICTURE_TILES)),
}
HINT = "See the file, or build the model for text alone with --no-vision."

Settings = dict[str, object]
Text = Callable[[int], str]  # of a token


@dataclass(frozen=True)
class Kind:
    """One of transformers' image processors. defaults: its own, for what files do not say. read: (files' keys, config.json, texts of
    tokens) → what our settings have beside what all have. unheeded: keys of which it takes no notice."""

    defaults: Mapping[str, object]
    read: Callable[[Fields, Fields, Text], Settings]
    unheeded: frozenset[str] = frozenset()


def read_processor(config: Mapping[str, object], files: Mapping[str, Mapping[str, object]], text: Text) -> Settings:
    """`vision.processor` of a manifest.

    config: config.json. files: those of FILES that the model has. text: gives the text of a token.
    Raises MissingFile where no file tells of pictures, MalformedFile for values that cannot be, UnsupportedArchitecture for what the page
    does not do.
    """
    where, said = _said(files)
    name = said.get("image_processor_type") or said.get("feature_extractor_type")
    model = str(config.get("model_type"))
    kind = KINDS.get(name.removesuffix("Fast").removesuffix("Pil") if isinstance(name, str) else BY_MODEL.get(model, ""))
    if kind is None:
        raise UnsupportedArchitecture(f"{where}: pictures for {name or model} are not made here", f"Known are {', '.join(KINDS)}.")
    given = {key: value for key, value in said.items() if value is not None and key not in kind.unheeded}
    fields = Fields({**USUAL, **kind.defaults, **given}, where)
    try:
        settings = _common(fields) | kind.read(fields, Fields(dict(config), "config.json"), text)
        _check(settings)
    except ValueError as error:
        raise MalformedFile(str(error), HINT) from error
    return settings


def _said(files: Mapping[str, Mapping[str, object]]) -> tuple[str, Mapping[str, object]]:
    """(name of the file, its keys): transformers 5 writes those of all processors into one file, which counts where it has them."""
    nested = files.get(PROCESSOR, {}).get("image_processor")
    if isinstance(nested, dict):
        return PROCESSOR, nested
    if PREPROCESSOR not in files:
        raise MissingFile(f"The model takes pictures, and has no {PREPROCESSOR}", f"Download it from where the model came. {HINT}")
    return PREPROCESSOR, files[PREPROCESSOR]


def _common(fields: Fields) -> Settings:
    _must_be(fields, do_resize=True, do_rescale=True, do_pan_and_scan=False)
    resample = fields.count("resample")
    if resample not in FILTERS:
        raise UnsupportedArchitecture(f"{fields.where}: resample = {resample} is not a filter that the page has", f"It has {FILTERS}.")
    plain = fields.flag("do_normalize") is False
    mean, std = ([0.0] * 3, [1.0] * 3) if plain else (_of_channels(fields, "image_mean"), _of_channels(fields, "image_std"))
    return {"mean": mean, "std": std, "rescale": fields.number("rescale_factor"), "resample": FILTERS[resample]}


def _of_channels(fields: Fields, key: str) -> list[float]:
    """One number is that of all three."""
    value = fields.fields.get(key)
    return list(fields.numbers(key)) if isinstance(value, list) else [fields.number(key)] * 3


def _must_be(fields: Fields, **wanted: bool) -> None:
    for key, value in wanted.items():
        if fields.fields.get(key, value) is not value:
            raise UnsupportedArchitecture(f"{fields.where}: {key} is {fields.fields[key]!r:.40}, which the page does not do", HINT)


def _check(settings: Settings) -> None:
    """By the bounds of the page's reader. Raises ValueError."""
    fields = Fields(settings, "processor")
    texts = (key for key, value in settings.items() if isinstance(value, str))
    for key in texts:
        if len(fields.text(key)) > MAX_PICTURE_TEXT or (key in {"placeholder", "image"} and fields.text(key) == ""):
            raise ValueError(f"the text {key} of a picture has {len(fields.text(key))} characters, and not 1 to {MAX_PICTURE_TEXT}")
    for key, (least, most) in BOUNDS.items():
        if key in settings and not least <= fields.number(key) <= most:
            raise ValueError(f"{key} of a picture is {settings[key]!r:.40}, and not from {least:g} to {most:g}")
    for key, name, least in (("mean", "image_mean", -255.0), ("std", "image_std", 1e-4), ("background", "255 * image_mean", 0.0)):
        if key in settings and (len(fields.numbers(key)) != 3 or not all(least <= value <= 255 for value in fields.numbers(key))):
            raise ValueError(f"{name} is {settings[key]!r:.80}, and not three numbers from {least:g} to 255")
    patch, merge = fields.count("patch"), fields.count("merge")
    for key in {"tile", "width", "height"} & settings.keys():
        # What is left beyond the last patch, a tower does not see; LFM2's makes patches of all.
        blocks, left = divmod(fields.count(key) // patch, merge)
        if blocks == 0 or left or blocks**2 > MAX_PICTURE_TOKENS or (settings["kind"] == "naflex" and fields.count(key) % patch):
            blocks_of = f"{merge} patches of {patch}, at most {MAX_PICTURE_TOKENS} in a square"
            raise ValueError(f"{key} of a picture is {settings[key]} pixels, which are not whole blocks of {blocks_of}")
    if "longest" in settings and fields.count("longest") > fields.count("tile") * math.isqrt(MAX_PICTURE_TILES):
        raise ValueError(f"a picture is cut into more than {MAX_PICTURE_TILES} tiles of {settings['tile']} pixels")
    for name in ("tokens", "tiles", "pixels"):
        if f"least_{name}" in settings and fields.count(f"least_{name}") > fields.count(f"most_{name}"):
            raise ValueError(f"a picture has at least {settings[f'least_{name}']} {name}, and at most {settings[f'most_{name}']}")
    if "table" in settings:
        table = fields.nested("table")
        if not 1 <= table.count("side") <= 2 * MAX_PICTURE_SIDE or not 1 <= table.count("taps") <= MAX_PICTURE_TAPS:
            raise ValueError(f"positions of a tower are {settings['table']}: at most {2 * MAX_PICTURE_SIDE} rows, {MAX_PICTURE_TAPS} taps")


def _table(kind: str, side: int, taps: int) -> Settings:
    return {"table": {"kind": kind, "side": side, "taps": taps}}


def _root(count: int, what: str) -> int:
    root = math.isqrt(count)
    if root * root != count:
        raise ValueError(f"{what} is {count}, which is not a square number")
    return root


def _around(before: str, image: str, after: str, *, placeholder: str) -> Settings:
    return {"placeholder": placeholder, "image": image, "before": before, "after": after}


def _idefics3(fields: Fields, config: Fields, text: Text) -> Settings:
    vision, image = config.nested("vision_config"), text(config.count("image_token_id"))
    tile, patch = fields.nested("max_image_size").integer("longest_edge", 1), vision.integer("patch_size", 1)
    return {
        "kind": "idefics3", "placeholder": image, "image": image, "around": "<fake_token_around_image>", "global": "<global-img>",
        "patch": patch, "merge": config.integer("scale_factor", 1), "tile": tile,
        "longest": fields.nested("size").integer("longest_edge", 1), "split": fields.flag("do_image_splitting"),
        **_table("buckets", vision.integer("image_size", 1) // patch, 1),
    }


def _gemma3(fields: Fields, config: Fields, text: Text) -> Settings:
    vision, size = config.nested("vision_config"), fields.nested("size")
    start, image, end = (text(config.count(f"{name}_token_index")) for name in ("boi", "image", "eoi"))
    patch = vision.integer("patch_size", 1)
    side = vision.integer("image_size", 1) // patch
    tokens = _root(config.integer("mm_tokens_per_image", 1), "config.json.mm_tokens_per_image")
    return {
        "kind": "siglip", **_around(f"\n\n{start}", image, f"{end}\n\n", placeholder=start), "patch": patch, "merge": side // tokens,
        "width": size.integer("width", 1), "height": size.integer("height", 1), **_table("grid", side, 1),
    }


def _llava_padded(fields: Fields, config: Fields, text: Text) -> Settings:
    """By LlavaImageProcessor, which may make a picture square first, with its means around it."""
    settings = _llava(Fields({**fields.fields, "do_pad": False}, fields.where), config, text)
    is_padded = fields.flag("do_pad")
    return {**settings, **({"background": [int(255 * value) for value in _of_channels(fields, "image_mean")]} if is_padded else {})}


def _llava(fields: Fields, config: Fields, text: Text) -> Settings:
    """By CLIPImageProcessor, or SiglipImageProcessor."""
    _must_be(fields, do_pad=False)
    token = "image_token_id" if config.fields.get("image_token_index") is None else "image_token_index"
    vision, image = config.nested("vision_config"), text(config.count(token))
    sizes: dict[str, Mapping[str, object]] = {}
    for key in ("size", "crop_size"):
        said = fields.fields.get(key)  # older files have numbers
        square = {"shortest_edge": said} if key == "size" else {"height": said, "width": said}
        sizes[key] = said if isinstance(said, Mapping) else {} if said is None else square
    size, crops = sizes["size"], fields.flag("do_center_crop")
    shortest = size.get("shortest_edge")
    cut = sizes["crop_size"] if crops else size
    is_fast = vision.fields.get("model_type") == "timm_wrapper"  # FastVLM's, which takes pictures of any whole patches
    patch = FAST_PATCH if is_fast else vision.integer("patch_size", 1)
    side = Fields({**cut}, f"{fields.where}.crop_size").integer("height", patch) if is_fast else vision.integer("image_size", 1)
    if is_fast and side % patch:
        raise ValueError(f"crop_size of a picture is {side} pixels, which are not whole patches of {patch}")
    if (cut.get("height"), cut.get("width")) != (side, side):
        raise ValueError(f"pictures of {json.dumps(cut):.80} are not the square of {side} pixels that the tower takes")
    if crops and (size.get("width") if shortest is None else shortest) != side:
        raise UnsupportedArchitecture(f"{fields.where}: size is {size!r:.80}, cut to {side} pixels, which the page does not do", HINT)
    is_clip, whole = vision.fields.get("model_type") == "clip_vision_model", config.fields.get("vision_feature_select_strategy") == "full"
    return {
        "kind": "siglip", **_around("", image, "", placeholder=image), "patch": patch, "merge": 1, "width": side, "height": side,
        **({} if shortest is None else {"shortest": shortest}), "skip": 0 if whole or is_fast else 1,
        **({} if is_fast else _table(*("class", side // patch, 2) if is_clip else ("grid", side // patch, 1))),
    }


def _llava_next(fields: Fields, config: Fields, text: Text) -> Settings:
    """The whole is made that size whatever its shape. Grids are in pixels, height and width."""
    settings = {key: value for key, value in _llava(fields, config, text).items() if key != "shortest"}
    side, said = config.nested("vision_config").integer("image_size", 1), fields.items(PINPOINTS)
    if said != (config.fields.get(PINPOINTS) or said):
        raise ValueError(f"{PINPOINTS} of {fields.where} are not those of config.json")
    sizes = [Fields({PINPOINTS: size}, fields.where).counts(PINPOINTS) for size in said]
    grids = [tuple(length // side for length in size) for size in sizes]
    is_whole = all(len(size) == 2 and size == tuple(side * count for count in grid) for size, grid in zip(sizes, grids, strict=True))
    if not is_whole or not 1 <= len(grids) <= MAX_PICTURE_TILES or not all(1 <= math.prod(grid) <= MAX_PICTURE_TILES for grid in grids):
        most = f"at most {MAX_PICTURE_TILES} grids of at most {MAX_PICTURE_TILES} squares of {side} pixels"
        raise ValueError(f"{PINPOINTS} of {fields.where} are {said!r:.80}, and not {most}")
    return {**settings, "grids": [dict(zip(("rows", "columns"), grid, strict=True)) for grid in grids]}


def _lfm2_vl(fields: Fields, config: Fields, text: Text) -> Settings:
    image = text(config.count("image_token_id"))
    patch, merge, tile = fields.integer("encoder_patch_size", 1), fields.integer("downsample_factor", 1), fields.integer("tile_size", 1)
    least, most = fields.integer("min_image_tokens", 1), fields.integer("max_image_tokens", 1)
    side = _root(config.nested("vision_config").integer("num_patches", 1), "config.json.vision_config.num_patches")
    split = fields.flag("do_image_splitting") and fields.integer("max_tiles", 1) > 1
    return {
        "kind": "naflex", **_around("<|image_start|>", image, "<|image_end|>", placeholder=image), "whole": "<|img_thumbnail|>",
        "patch": patch, "merge": merge, "least_tokens": least, "most_tokens": most, "split": split, "tile": tile,
        "least_tiles": fields.integer("min_tiles", 1) if split else 2, "most_tiles": fields.integer("max_tiles", 1) if split else 2,
        "tolerance": fields.number("max_pixels_tolerance"), "thumbnail": fields.flag("use_thumbnail"),
        **_table("resized", side, _resized_taps(side, merge, least, tile // patch)),
    }


def _resized_taps(side: int, merge: int, least: int, tile: int) -> int:
    """Entries of a table that a patch takes at most where it is resized with antialiasing, by tiles and by pictures of `least` tokens."""
    if max(side, least * merge, tile) > MAX_TABLE or tile < 1:
        sizes = f"{side} rows, for tiles of {tile} patches a side and {least} tokens of {merge} a side"
        raise ValueError(f"a tower's positions are {sizes}: at most {MAX_TABLE}")

    def taps(count: int) -> int:
        scale = side / count
        reach, inverse = max(1.0, scale), 1 / max(1.0, scale)

        def taken(center: float) -> int:
            near = range(int(max(0, center - reach + 0.5)), min(side, int(center + reach + 0.5)))
            return sum(1 - abs((j - center + 0.5) * inverse) > 0 for j in near)

        return max(taken(scale * (i + 0.5)) for i in range(count))

    # The smaller a grid, the more each patch takes.
    small = [taps(rows * merge) * taps(-(-least // rows) * merge) for rows in range(1, least + 1)]
    return max(*small, taps(tile) ** 2)


def _qwen(fields: Fields, config: Fields, text: Text) -> Settings:
    vision, image, size = config.nested("vision_config"), text(config.count("image_token_id")), fields.nested("size")
    patch, merge = fields.integer("patch_size", 1), fields.integer("merge_size", 1)
    # Older files have two keys of their own.
    least = fields.optional_count("min_pixels") or size.integer("shortest_edge", 1)
    most = fields.optional_count("max_pixels") or size.integer("longest_edge", 1)
    bound = MAX_PICTURE_TOKENS * (patch * merge) ** 2
    if most > bound:
        tokens = most // (patch * merge) ** 2
        warn(f"The model takes pictures of up to {tokens} tokens. Here they are made smaller, to {MAX_PICTURE_TOKENS} at most.")
    window = vision.optional_count("window_size")
    learnt = vision.optional_count("num_position_embeddings")
    return {
        "kind": "qwen", **_around("", image, "", placeholder=image), "patch": patch, "merge": merge,
        "least_pixels": least, "most_pixels": min(most, bound), **({"window": window // (patch * merge)} if window else {}),
        **(_table("bilinear", _root(learnt, "config.json.vision_config.num_position_embeddings"), 4) if learnt else {}),
    }


def _gemma4(fields: Fields, config: Fields, text: Text) -> Settings:
    start, image, end = (text(config.count(f"{name}_token_id")) for name in ("boi", "image", "eoi"))
    if fields.flag("do_normalize"):
        raise UnsupportedArchitecture(f"{fields.where}: do_normalize is true, and the model itself expects 0 to 1", HINT)
    return {
        "kind": "gemma4", **_around(start, image, end, placeholder=image), "mean": HALF, "std": HALF,
        "patch": fields.integer("patch_size", 1), "merge": fields.integer("pooling_kernel_size", 1),
        "most_tokens": fields.integer("max_soft_tokens", 1),
        **_table("pair", config.nested("vision_config").integer("position_embedding_size", 1), 2),
    }


TILES = {"size": {"longest_edge": 1456}, "max_image_size": {"longest_edge": 364}, "do_image_splitting": True}
IDEFICS3 = Kind({**IMAGENET, **TILES, "resample": 1}, _idefics3)
LFM2_VL = {
    **IMAGENET, "downsample_factor": 2, "do_image_splitting": True, "min_tiles": 2, "max_tiles": 10, "use_thumbnail": True, "resample": 2,
    "min_image_tokens": 64, "max_image_tokens": 256, "encoder_patch_size": 16, "tile_size": 512, "max_pixels_tolerance": 2.0,
}
LLAVA = {**CLIP, "resample": 3, "size": {"shortest_edge": 224}, "crop_size": 224, "do_center_crop": True, "do_pad": False}
GRIDS = [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]]
LLAVA_NEXT = {**{key: value for key, value in LLAVA.items() if key != "do_pad"}, PINPOINTS: GRIDS}
SIGLIP = {**IMAGENET, "resample": 3, "size": {"height": 224, "width": 224}, "do_center_crop": False}
QWEN2_VL = {**CLIP, "resample": 3, "size": {"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 1280}, "patch_size": 14, "merge_size": 2}
GEMMA4 = {"resample": 3, "do_normalize": False, "patch_size": 16, "max_soft_tokens": 280, "pooling_kernel_size": 3}
KINDS: Mapping[str, Kind] = {
    "Idefics3ImageProcessor": IDEFICS3,
    "SmolVLMImageProcessor": IDEFICS3,
    "Gemma3ImageProcessor": Kind({**IMAGENET, "resample": 2, "size": {"width": 224, "height": 224}}, _gemma3),
    "CLIPImageProcessor": Kind(LLAVA, _llava),
    "LlavaImageProcessor": Kind(LLAVA, _llava_padded),
    "LlavaNextImageProcessor": Kind(LLAVA_NEXT, _llava_next, frozenset({"do_pad"})),  # of a batch
    "SiglipImageProcessor": Kind(SIGLIP, _llava),
    "Lfm2VlImageProcessor": Kind(LFM2_VL, _lfm2_vl, frozenset({"do_resize"})),
    # The first is what transformers calls it, the others what other libraries do.
    **{f"{name}ImageProcessor": Kind(QWEN2_VL, _qwen) for name in ("Qwen2VL", "Qwen2_5_VL", "Qwen3VL", "Lfm3Vl")},
    "Gemma4ImageProcessor": Kind(GEMMA4, _gemma4),
}
# Where a file does not name its processor.
BY_MODEL = {
    "idefics3": "Idefics3ImageProcessor",
    "smolvlm": "SmolVLMImageProcessor",
    "gemma3": "Gemma3ImageProcessor",
    "lfm2_vl": "Lfm2VlImageProcessor",
    "gemma4": "Gemma4ImageProcessor",
    **dict.fromkeys(("llava", "fast_vlm"), "CLIPImageProcessor"),
    "llava_next": "LlavaNextImageProcessor",
    **dict.fromkeys(("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe", "qwen3_5", "qwen3_5_moe", "lfm3_vl"), "Qwen2VLImageProcessor"),
}
