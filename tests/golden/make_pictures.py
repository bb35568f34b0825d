"""Makes runtime_js/test/golden/pictures.json: what transformers' image processors make of pictures of odd sizes.

Run by hand when a processor is added, in an environment with transformers 5, torch and torchvision 0.28 or newer on a CPU with AVX2:

    python tests/golden/make_pictures.py

For each processor: files of a model as its repository has them, the settings that our manifest has for it (written by hand: the
builder's test makes them from the files), and for each size the prompt's text, and of each tile the grid of patches, a digest of its
bytes before they are normalised, some values of its last patch, and what some patches take of a table of learnt positions. Pixels and
tables follow from formulas (`picture`, `table`), which the runtime's test knows, too.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import PIL.Image
import torch
from transformers.models.clip import CLIPImageProcessor
from transformers.models.gemma3 import Gemma3ImageProcessor
from transformers.models.gemma3.processing_gemma3 import Gemma3Processor
from transformers.models.gemma4 import Gemma4ImageProcessor
from transformers.models.gemma4.modeling_gemma4 import Gemma4VisionPatchEmbedder
from transformers.models.gemma4.processing_gemma4 import Gemma4Processor
from transformers.models.idefics3 import Idefics3ImageProcessor
from transformers.models.idefics3.modeling_idefics3 import Idefics3VisionEmbeddings
from transformers.models.idefics3.processing_idefics3 import Idefics3Processor
from transformers.models.lfm2_vl import Lfm2VlImageProcessor
from transformers.models.lfm2_vl.processing_lfm2_vl import Lfm2VlProcessor
from transformers.models.llava import LlavaImageProcessor
from transformers.models.llava_next import LlavaNextConfig, LlavaNextImageProcessor, LlavaNextModel
from transformers.models.llava_next.processing_llava_next import LlavaNextProcessor
from transformers.models.qwen2_vl import Qwen2VLImageProcessor
from transformers.models.siglip import SiglipImageProcessor
from transformers.models.siglip2.modeling_siglip2 import Siglip2VisionEmbeddings
from transformers.models.smolvlm import SmolVLMImageProcessor
from transformers.models.smolvlm.processing_smolvlm import SmolVLMProcessor
from transformers.vision_utils import get_vision_interpolation_indices_and_weights, get_vision_window_index

OUT = Path(__file__).resolve().parents[2] / "runtime_js" / "test" / "golden" / "pictures.json"
HALF, CLIP_MEAN, CLIP_STD = [0.5] * 3, [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
USUAL = {**dict.fromkeys(("do_convert_rgb", "do_normalize", "do_rescale", "do_resize"), True), "rescale_factor": 1 / 255}
ODD = ((1, 1), (32, 32), (33, 31), (97, 40), (40, 97), (300, 7), (5, 411), (128, 128), (320, 240), (701, 77))

Json = dict[str, Any]
Grid = tuple[int, int]


def picture(width: int, height: int) -> PIL.Image.Image:
    """Gradients, edges and something like noise."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    values = (x * (3 + c) + y * (5 - c) + (x * y % 17) * 11 + (x // 7 + y // 5) % 2 * 90) % 256
    return PIL.Image.fromarray(values.astype(np.uint8))


def table(entries: int) -> torch.Tensor:
    """Learnt positions of one number each, float32[entries, 1]."""
    return (torch.arange(entries) * 37 % 101 / 101).float()[:, None]


@dataclass(frozen=True)
class Made:
    """prompt: the text. tiles: of each the normalised pixels, float32[3, height, width]. rows: of each token which vector, or -1."""

    prompt: str
    tiles: Sequence[torch.Tensor]
    rows: Sequence[int] | None = None


@dataclass(frozen=True)
class Family:
    """learnt: what the patches of a grid take of `table`, row by row. tokens: texts of the ids that config names."""

    config: Json
    files: Json
    settings: Json
    make: Callable[[PIL.Image.Image], Made]
    learnt: Callable[[Grid], torch.Tensor] | None = None
    sizes: Sequence[tuple[int, int]] = ODD
    tokens: Json = field(default_factory=dict)


def digest(tile: torch.Tensor, settings: Json) -> str:
    """Of the tile's bytes [height, width, 3] before they were normalised."""
    mean, std = (torch.tensor(settings[key], dtype=torch.float64)[:, None, None] for key in ("mean", "std"))
    values = (tile.double() * std + mean) / settings["rescale"]
    assert (values - values.round()).abs().max() < 1e-2
    return hashlib.sha256(values.round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy().tobytes()).hexdigest()


def counted(prompt: str, image: str) -> str:
    """With a number for many of the image's tokens."""
    return re.sub(f"(?:{re.escape(image)})+", lambda run: f"{image}*{len(run[0]) // len(image)}", prompt)


def some(values: torch.Tensor) -> list[float]:
    return [round(float(value), 7) for value in values[:: max(1, len(values) // 7)]]


def windows(grid: Grid, settings: Json) -> Json:
    if "window" not in settings:
        return {}
    merge, patch = settings["merge"], settings["patch"]
    order, ends = get_vision_window_index(torch.tensor([[1, *grid]]), merge, settings["window"] * merge * patch, patch)
    return {"windows": {"order": order.tolist(), "ends": ends.tolist()[1:]}}


def described(made: Made, family: Family) -> Json:
    patch = family.settings["patch"]
    tiles = []
    for tile in made.tiles:
        grid = (tile.shape[1] // patch, tile.shape[2] // patch)
        last = tile[:, (grid[0] - 1) * patch : grid[0] * patch, (grid[1] - 1) * patch : grid[1] * patch].flatten()  # channel, row, column
        learnt = {"learnt": some(family.learnt(grid).flatten())} if family.learnt is not None else {}
        bits = {"grid": grid, "sha256": digest(tile, family.settings), "last": some(last)}
        tiles.append({**bits, **learnt, **windows(grid, family.settings)})
    rows = {} if made.rows is None else {"rows": made.rows}
    return {"prompt": counted(made.prompt, family.settings["image"]), "tiles": tiles, **rows}


def from_patches(patches: torch.Tensor, grid: Grid, patch: int) -> torch.Tensor:
    """[patches, row, column, channel] → [channel, height, width]."""
    return patches.reshape(*grid, patch, patch, 3).permute(4, 0, 2, 1, 3).reshape(3, grid[0] * patch, grid[1] * patch)


# Idefics3 and SmolVLM


def idefics3(processor: Any, text: Any, kind: str, tile: int, longest: int, patch: int, merge: int) -> Family:
    side = tile // patch
    files = {
        **USUAL, "do_image_splitting": True, "do_pad": True, "image_processor_type": kind, "image_mean": HALF, "image_std": HALF,
        "max_image_size": {"longest_edge": tile}, "resample": 1, "size": {"longest_edge": longest},
    }
    around = {"around": "<fake_token_around_image>", "global": "<global-img>"}
    settings = {
        "kind": "idefics3", "placeholder": "<image>", "image": "<image>", **around, "mean": HALF, "std": HALF, "rescale": 1 / 255,
        "resample": "lanczos", "patch": patch, "merge": merge, "table": {"kind": "buckets", "side": side, "taps": 1},
        "tile": tile, "longest": longest, "split": True,
    }
    names = SimpleNamespace(
        fake_image_token="<fake_token_around_image>",
        image_token="<image>",
        global_image_tag="<global-img>",
        global_image_token="<global-img>",
        image_seq_len=(side // merge) ** 2,
    )
    made_by = processor(**files)
    shape = SimpleNamespace(hidden_size=1, image_size=tile, patch_size=patch, num_channels=3)
    embeddings = Idefics3VisionEmbeddings(shape)
    for value in embeddings.parameters():
        value.data.zero_()
    embeddings.position_embedding.weight.data.copy_(table(side * side))

    def make(image: PIL.Image.Image) -> Made:
        inputs = made_by(image, return_row_col_info=True, return_tensors="pt")
        return Made(text.replace_image_token(names, inputs, 0), list(inputs["pixel_values"][0]))

    def learnt(grid: Grid) -> torch.Tensor:
        pixels = torch.zeros(1, 3, grid[0] * patch, grid[1] * patch)
        return embeddings(pixels, torch.ones(1, *grid, dtype=torch.bool))[0].detach()

    vision = {"image_size": tile, "patch_size": patch}
    config = {"model_type": "idefics3", "image_token_id": 5, "scale_factor": merge, "vision_config": vision}
    sizes = ODD if tile < 512 else ((500, 375),)
    return Family(config, {"preprocessor_config.json": files}, settings, make, learnt, sizes, {"5": "<image>"})


# Gemma 3


def gemma3() -> Family:
    files = {
        **USUAL, "do_convert_rgb": None, "do_pan_and_scan": None, "image_mean": HALF, "image_processor_type": "Gemma3ImageProcessor",
        "image_seq_length": 4, "image_std": HALF, "resample": 2, "size": {"height": 56, "width": 56},
    }
    settings = {
        "kind": "siglip", "placeholder": "<start_of_image>", "image": "<image_soft_token>", "before": "\n\n<start_of_image>",
        "after": "<end_of_image>\n\n", "mean": HALF, "std": HALF, "rescale": 1 / 255, "resample": "bilinear", "patch": 14, "merge": 2,
        "table": {"kind": "grid", "side": 4, "taps": 1}, "width": 56, "height": 56,
    }
    processor = Gemma3ImageProcessor(**files)
    tokens = {"7": "<start_of_image>", "8": "<end_of_image>", "9": "<image_soft_token>"}
    full = f"\n\n{tokens['7']}{tokens['9'] * 4}{tokens['8']}\n\n"  # of Gemma3Processor.__init__

    def make(image: PIL.Image.Image) -> Made:
        inputs = processor(image, return_tensors="pt")
        text = Gemma3Processor.replace_image_token(SimpleNamespace(full_image_sequence=full), inputs, 0)
        return Made(text, list(inputs["pixel_values"]))

    config = {
        "model_type": "gemma3", "boi_token_index": 7, "eoi_token_index": 8, "image_token_index": 9, "mm_tokens_per_image": 4,
        "vision_config": {"image_size": 56, "patch_size": 14},
    }
    return Family(config, {"preprocessor_config.json": files}, settings, make, lambda _: table(16), tokens=tokens)


# LLaVA


def llava(clip: bool, side: int, patch: int) -> Family:
    files: Json = {**USUAL, "image_mean": HALF, "image_std": HALF, "resample": 3, "image_processor_type": "SiglipImageProcessor"}
    files["size"] = {"height": side, "width": side}
    if clip:
        files |= {"image_processor_type": "CLIPImageProcessor", "image_mean": CLIP_MEAN, "image_std": CLIP_STD, "do_center_crop": True}
        files |= {"crop_size": {"height": side, "width": side}, "size": {"shortest_edge": side}}
    count = (side // patch) ** 2
    settings = {
        "kind": "siglip", "placeholder": "<image>", "image": "<image>", "before": "", "after": "", "mean": files["image_mean"],
        "std": files["image_std"], "rescale": 1 / 255, "resample": "bicubic", "patch": patch, "merge": 1, "width": side, "height": side,
        "skip": 1 if clip else 0, **({"shortest": side} if clip else {}),
        "table": {"kind": "class" if clip else "grid", "side": side // patch, "taps": 2 if clip else 1},
    }
    processor = (CLIPImageProcessor if clip else SiglipImageProcessor)(**files)

    def make(image: PIL.Image.Image) -> Made:
        return Made("<image>" * count, list(processor(image, return_tensors="pt")["pixel_values"]))

    first = 33 if clip else 0  # what of the table is the first patch's
    vision = {"model_type": "clip_vision_model" if clip else "siglip_vision_model", "image_size": side, "patch_size": patch}
    strategy = "default" if clip else "full"
    config = {"model_type": "llava", "image_token_index": 5, "vision_feature_select_strategy": strategy, "vision_config": vision}
    placed = {"preprocessor_config.json": files}
    return Family(config, placed, settings, make, lambda _: table(first + count)[first:], (*ODD, (31, 33), (90, 91)), {"5": "<image>"})


def fast_vlm(padded: bool, mean: list[float]) -> Family:
    """padded: as its makers' code has it, whose words transformers' class for LLaVA has for that."""
    side, patch = 128, 64
    square = {"height": side, "width": side}
    files = {
        **USUAL, "crop_size": square, "do_center_crop": True, "image_mean": mean, "image_std": [1.0] * 3, "resample": 3,
        "image_processor_type": "LlavaImageProcessor" if padded else "CLIPImageProcessor", "size": {"shortest_edge": side},
        **({"do_pad": True} if padded else {}),
    }
    settings = {
        "kind": "siglip", "placeholder": "<image>", "image": "<image>", "before": "", "after": "", "mean": mean, "std": [1.0] * 3,
        "rescale": 1 / 255, "resample": "bicubic", "patch": patch, "merge": 1, "width": side, "height": side, "shortest": side, "skip": 0,
        **({"background": [int(255 * value) for value in mean]} if padded else {}),
    }
    processor = (LlavaImageProcessor if padded else CLIPImageProcessor)(**files)

    def make(image: PIL.Image.Image) -> Made:
        return Made("<image>" * (side // patch) ** 2, list(processor(image, return_tensors="pt")["pixel_values"]))

    config = {"model_type": "fast_vlm", "image_token_index": 5, "vision_config": {"model_type": "timm_wrapper"}}
    sizes = (*ODD, (31, 33), (640, 480), (1024, 1023)) if padded else tuple(size for size in ODD if max(size) < 64 * min(size))
    return Family(config, {"preprocessor_config.json": files}, settings, make, None, sizes, {"5": "<image>"})


def llava_next() -> Family:
    side, patch, pinpoints = 32, 8, [[32, 64], [64, 32], [64, 64], [96, 32], [32, 96]]
    files = {
        **USUAL, "crop_size": {"height": side, "width": side}, "do_center_crop": True, "do_pad": True, "image_grid_pinpoints": pinpoints,
        "image_mean": CLIP_MEAN, "image_processor_type": "LlavaNextImageProcessorFast", "image_std": CLIP_STD, "resample": 3,
        "size": {"shortest_edge": side},
    }
    settings = {
        "kind": "siglip", "placeholder": "<image>", "image": "<image>", "before": "", "after": "", "mean": CLIP_MEAN, "std": CLIP_STD,
        "rescale": 1 / 255, "resample": "bicubic", "patch": patch, "merge": 1, "width": side, "height": side, "skip": 1,
        "table": {"kind": "class", "side": side // patch, "taps": 2},
        "grids": [{"rows": rows // side, "columns": columns // side} for rows, columns in pinpoints],
    }
    processor = LlavaNextImageProcessor(**files)
    text = LlavaNextProcessor.__new__(LlavaNextProcessor)
    text.image_processor, text.patch_size, text.num_additional_image_tokens = processor, patch, 1
    text.image_token, text.vision_feature_select_strategy = "<image>", "default"
    vision = {"model_type": "clip_vision_model", "image_size": side, "patch_size": patch}
    config = {"model_type": "llava_next", "image_token_index": 5, "image_grid_pinpoints": pinpoints, "vision_config": vision}
    kept = {"vision_feature_select_strategy": "default"}
    model = SimpleNamespace(config=LlavaNextConfig(image_grid_pinpoints=pinpoints, vision_config=vision))

    def make(image: PIL.Image.Image) -> Made:
        inputs = processor(image, return_tensors="pt")
        (tiles,) = inputs["pixel_values"]
        count = (side // patch) ** 2
        numbers = torch.arange(len(tiles) * count).reshape(len(tiles), count, 1)
        (rows,), _ = LlavaNextModel.pack_image_features(model, [numbers], inputs["image_sizes"], "default", torch.tensor([-1]))
        return Made(text.replace_image_token(inputs, 0), list(tiles), rows.flatten().tolist())

    count = (side // patch) ** 2
    sizes = (*(size for size in ODD if size not in {(300, 7), (5, 411)}), (300, 70), (31, 250), (90, 91), (65, 64))
    placed = {"preprocessor_config.json": files}
    return Family({**config, **kept}, placed, settings, make, lambda _: table(33 + count)[33:], sizes, {"5": "<image>"})


# LFM2-VL


def lfm2_vl() -> Family:
    files = {
        **USUAL, "do_image_splitting": True, "do_pad": True, "downsample_factor": 2, "encoder_patch_size": 8, "image_mean": HALF,
        "image_processor_type": "Lfm2VlImageProcessorFast", "image_std": HALF, "max_image_tokens": 16, "max_num_patches": 64,
        "max_pixels_tolerance": 2.0, "max_tiles": 6, "min_image_tokens": 4, "min_tiles": 2, "resample": 2, "tile_size": 64,
        "use_thumbnail": True, "size": {"height": 64, "width": 64},
    }
    settings = {
        "kind": "naflex", "placeholder": "<image>", "image": "<image>", "before": "<|image_start|>", "after": "<|image_end|>",
        "whole": "<|img_thumbnail|>", "mean": HALF, "std": HALF, "rescale": 1 / 255, "resample": "bilinear", "patch": 8, "merge": 2,
        "table": {"kind": "resized", "side": 8, "taps": 16}, "least_tokens": 4, "most_tokens": 16, "split": True, "tile": 64,
        "least_tiles": 2, "most_tiles": 6, "tolerance": 2.0, "thumbnail": True,
    }
    processor = Lfm2VlImageProcessor(**files)
    text = Lfm2VlProcessor.__new__(Lfm2VlProcessor)
    text.image_processor = processor
    text.image_token, text.image_start_token, text.image_end_token = "<image>", "<|image_start|>", "<|image_end|>"
    text.image_thumbnail_token = "<|img_thumbnail|>"

    def make(image: PIL.Image.Image) -> Made:
        inputs = processor(image, return_row_col_info=True, return_tensors="pt")
        grids = [(int(rows), int(columns)) for rows, columns in inputs["spatial_shapes"]]
        found = [patches[: grid[0] * grid[1]] for patches, grid in zip(inputs["pixel_values"], grids, strict=True)]
        tiles = [from_patches(patches, grid, 8) for patches, grid in zip(found, grids, strict=True)]
        return Made(text.replace_image_token(inputs, 0, use_image_special_tokens=True), tiles)

    def learnt(grid: Grid) -> torch.Tensor:
        places, shapes = table(64).reshape(8, 8, 1), torch.tensor([grid])
        resized = Siglip2VisionEmbeddings.resize_positional_embeddings(places, shapes, grid[0] * grid[1])
        return resized[0]

    vision = {"num_patches": 64, "patch_size": 8}
    config = {"model_type": "lfm2_vl", "image_token_id": 5, "downsample_factor": 2, "vision_config": vision}
    sizes = (*(size for size in ODD if min(size) not in {5, 7}), (300, 25), (30, 411), (160, 128), (100, 300))  # thinner ones are refused
    return Family(config, {"preprocessor_config.json": files}, settings, make, learnt, sizes, {"5": "<image>"})


# Qwen2.5-VL, Qwen3-VL and what has their processor


def qwen(kind: str, patch: int, mean: list[float], std: list[float], most: int, side: int | None, window: int | None) -> Family:
    block = patch * 2
    files = {
        **USUAL, "image_mean": mean, "image_processor_type": "Qwen2VLImageProcessor", "image_std": std, "merge_size": 2,
        "patch_size": patch, "resample": 3, "temporal_patch_size": 2,
    }
    # Older files have the other two keys.
    least = 4 * block**2
    sizes = {"min_pixels": least, "max_pixels": most} if side is None else {"size": {"shortest_edge": least, "longest_edge": most}}
    settings = {
        "kind": "qwen", "placeholder": "<|image_pad|>", "image": "<|image_pad|>", "before": "", "after": "", "mean": mean, "std": std,
        "rescale": 1 / 255, "resample": "bicubic", "patch": patch, "merge": 2, "least_pixels": least, "most_pixels": most,
        **({} if side is None else {"table": {"kind": "bilinear", "side": side, "taps": 4}}),
        **({} if window is None else {"window": window}),
    }
    processor = Qwen2VLImageProcessor(**files, **sizes)

    def make(image: PIL.Image.Image) -> Made:
        inputs = processor(image, return_tensors="pt")
        _, rows, columns = inputs["image_grid_thw"][0].tolist()
        # [block row, block column, row, column, channel, time, patch row, patch column]
        blocks = inputs["pixel_values"].reshape(rows // 2, columns // 2, 2, 2, 3, 2, patch, patch)
        assert bool((blocks[..., 0, :, :] == blocks[..., 1, :, :]).all())
        pixels = blocks[..., 0, :, :].permute(4, 0, 2, 5, 1, 3, 6).reshape(3, rows * patch, columns * patch)
        return Made("<|image_pad|>" * (rows * columns // 4), [pixels])

    def learnt(grid: Grid) -> torch.Tensor:
        assert side is not None
        taps, factors = get_vision_interpolation_indices_and_weights(torch.tensor([[1, *grid]]), side, "bilinear", align_corners=True)
        return (table(side * side)[taps] * factors[..., None]).sum(1)

    vision = {"patch_size": patch, "spatial_merge_size": 2}
    vision |= {"num_position_embeddings": side**2} if side is not None else {}
    vision |= {"window_size": window * block} if window is not None else {}
    config = {"model_type": kind, "image_token_id": 5, "vision_config": vision}
    files |= sizes
    placed = {"preprocessor_config.json": files} if side is None else {"processor_config.json": {"image_processor": files}}
    return Family(config, placed, settings, make, learnt if side is not None else None, tokens={"5": "<|image_pad|>"})


# Gemma 4


def gemma4() -> Family:
    files = {
        **USUAL, "do_normalize": False, "image_mean": [0.0] * 3, "image_processor_type": "Gemma4ImageProcessor", "image_std": [1.0] * 3,
        "max_soft_tokens": 70, "patch_size": 4, "pooling_kernel_size": 3, "resample": 3,
    }
    settings = {
        "kind": "gemma4", "placeholder": "<|image|>", "image": "<|image|>", "before": "<|image>", "after": "<image|>", "mean": HALF,
        "std": HALF, "rescale": 1 / 255, "resample": "bicubic", "patch": 4, "merge": 3, "table": {"kind": "pair", "side": 300, "taps": 2},
        "most_tokens": 70,
    }
    processor = Gemma4ImageProcessor(**files)
    names = SimpleNamespace(boi_token="<|image>", eoi_token="<image|>", image_token="<|image|>")
    places = SimpleNamespace(position_embedding_table=table(600).reshape(2, 300, 1))

    def make(image: PIL.Image.Image) -> Made:
        inputs = processor(image, return_tensors="pt")
        count = int(inputs["num_soft_tokens_per_image"][0]) * 9
        columns, rows = (int(most) + 1 for most in inputs["image_position_ids"][0, :count].max(0).values)
        # The model doubles what is above a half.
        pixels = 2 * (from_patches(inputs["pixel_values"][0, :count], (rows, columns), 4) - 0.5)
        return Made(Gemma4Processor.replace_image_token(names, inputs, 0), [pixels])

    def learnt(grid: Grid) -> torch.Tensor:
        rows, columns = torch.meshgrid(torch.arange(grid[0]), torch.arange(grid[1]), indexing="ij")
        positions = torch.stack((columns.flatten(), rows.flatten()), -1)[None]
        padding = torch.zeros(positions.shape[:2], dtype=torch.bool)
        return Gemma4VisionPatchEmbedder._position_embeddings(places, positions, padding)[0]

    tokens = {"7": "<|image>", "8": "<image|>", "9": "<|image|>"}
    config = {
        "model_type": "gemma4", "boi_token_id": 7, "eoi_token_id": 8, "image_token_id": 9,
        "vision_config": {"patch_size": 4, "pooling_kernel_size": 3, "position_embedding_size": 300},
    }
    placed = {"processor_config.json": {"image_processor": files, "image_seq_length": 70}}
    return Family(config, placed, settings, make, learnt, tokens=tokens)


def families() -> dict[str, Family]:
    return {
        "idefics3": idefics3(Idefics3ImageProcessor, Idefics3Processor, "Idefics3ImageProcessor", 32, 128, 8, 2),
        "uneven": idefics3(Idefics3ImageProcessor, Idefics3Processor, "Idefics3ImageProcessorFast", 78, 156, 6, 13),
        "unused": idefics3(Idefics3ImageProcessor, Idefics3Processor, "Idefics3ImageProcessor", 40, 120, 6, 3),  # the last 4 pixels
        "smolvlm": idefics3(SmolVLMImageProcessor, SmolVLMProcessor, "SmolVLMImageProcessor", 512, 2048, 16, 4),
        "gemma3": gemma3(),
        "llava": llava(True, 32, 8),
        "llava-siglip": llava(False, 42, 14),
        "fast_vlm": fast_vlm(False, [0.0] * 3),
        "fast_vlm-padded": fast_vlm(True, [0.0] * 3),
        "llava-padded": fast_vlm(True, CLIP_MEAN),
        "llava_next": llava_next(),
        "lfm2_vl": lfm2_vl(),
        "qwen2_5_vl": qwen("qwen2_5_vl", 14, CLIP_MEAN, CLIP_STD, 40 * 28**2, None, 4),
        "qwen3_vl": qwen("qwen3_vl", 16, HALF, HALF, 30 * 32**2, 6, None),
        "gemma4": gemma4(),
    }


def main() -> None:
    lines = []
    for name, family in families().items():
        known = {"config": family.config, "files": family.files, "tokens": family.tokens, "settings": family.settings}
        cases = ",\n".join(json.dumps({"size": size, **described(family.make(picture(*size)), family)}) for size in family.sizes)
        lines.append(f'"{name}": {json.dumps(known)[:-1]}, "cases": [\n{cases}\n]}}')
    OUT.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    main()
