"""Makes runtime_js/test/golden/pictures.json: what transformers' image processors make of pictures of odd sizes.

Run by hand when a processor is added, in an environment with transformers 5, torch and torchvision 0.28 or newer on a CPU with AVX2:

    python tests/golden/make_pictures.py

For each processor: its config as a model's repository has it, the settings that our manifest has for it (written by hand: the builder's test
makes them from the config), and for each size the prompt's text, and of each tile the patches' grid, a digest of its bytes before they are
normalised, and some values of its last patch. Pixels follow from a formula (`picture`), which the runtime's test knows, too.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import PIL.Image
import torch
from transformers.models.idefics3 import Idefics3ImageProcessor
from transformers.models.idefics3.processing_idefics3 import Idefics3Processor
from transformers.models.smolvlm import SmolVLMImageProcessor
from transformers.models.smolvlm.processing_smolvlm import SmolVLMProcessor

OUT = Path(__file__).resolve().parents[2] / "runtime_js" / "test" / "golden" / "pictures.json"
HALF = [0.5, 0.5, 0.5]


def picture(width: int, height: int) -> PIL.Image.Image:
    """Gradients, edges and something like noise."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    values = (x * (3 + c) + y * (5 - c) + (x * y % 17) * 11 + (x // 7 + y // 5) % 2 * 90) % 256
    return PIL.Image.fromarray(values.astype(np.uint8))


@dataclass(frozen=True)
class Made:
    """prompt: the text. tiles: of each the normalised pixels, float32[3, height, width]."""

    prompt: str
    tiles: Sequence[torch.Tensor]


@dataclass(frozen=True)
class Family:
    config: dict[str, Any]
    settings: dict[str, Any]
    sizes: Sequence[tuple[int, int]]
    make: Callable[[PIL.Image.Image], Made]


def digest(tile: torch.Tensor, settings: dict[str, Any]) -> str:
    """Of the tile's bytes [height, width, 3] before they were normalised."""
    mean, std = (torch.tensor(settings[key], dtype=torch.float64)[:, None, None] for key in ("mean", "std"))
    values = (tile.double() * std + mean) / settings["rescale"]
    assert (values - values.round()).abs().max() < 1e-2
    return hashlib.sha256(values.round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy().tobytes()).hexdigest()


def counted(prompt: str, image: str) -> str:
    """With a number for many of the image's tokens."""
    return re.sub(f"(?:{re.escape(image)})+", lambda run: f"{image}*{len(run[0]) // len(image)}", prompt)


def described(made: Made, settings: dict[str, Any]) -> dict[str, Any]:
    patch = settings["patch"]
    tiles = []
    for tile in made.tiles:
        rows, columns = tile.shape[1] // patch, tile.shape[2] // patch
        last = tile[:, -patch:, -patch:].flatten()  # channel, row, column
        some = [float(value) for value in last[:: max(1, len(last) // 7)]]
        tiles.append({"grid": [rows, columns], "sha256": digest(tile, settings), "last": some})
    return {"prompt": counted(made.prompt, settings["image"]), "tiles": tiles}


def idefics3(processor: Any, text: Any, tile: int, patch: int, scale: int) -> Callable[[PIL.Image.Image], Made]:
    names = SimpleNamespace(
        fake_image_token="<fake_token_around_image>",
        image_token="<image>",
        global_image_tag="<global-img>",
        global_image_token="<global-img>",
        image_seq_len=(tile // patch // scale) ** 2,
    )

    def make(image: PIL.Image.Image) -> Made:
        inputs = processor(image, return_row_col_info=True, return_tensors="pt")
        return Made(text.replace_image_token(names, inputs, 0), list(inputs["pixel_values"][0]))

    return make


def idefics3_settings(tile: int, longest: int, patch: int, merge: int, side: int) -> dict[str, Any]:
    return {
        **{"kind": "idefics3", "placeholder": "<image>", "image": "<image>", "around": "<fake_token_around_image>", "global": "<global-img>"},
        **{"mean": HALF, "std": HALF, "rescale": 1 / 255, "resample": "lanczos", "patch": patch, "merge": merge},
        **{"table": {"kind": "buckets", "side": side}, "tile": tile, "longest": longest, "split": True},
    }


def idefics3_config(tile: int, longest: int, kind: str) -> dict[str, Any]:
    return {
        **dict.fromkeys(("do_convert_rgb", "do_image_splitting", "do_normalize", "do_pad", "do_rescale", "do_resize"), True),
        **{"image_processor_type": kind, "image_mean": HALF, "image_std": HALF, "resample": 1, "rescale_factor": 1 / 255},
        **{"max_image_size": {"longest_edge": tile}, "size": {"longest_edge": longest}},
    }


ODD = [(1, 1), (32, 32), (33, 31), (97, 40), (40, 97), (300, 7), (5, 411), (128, 128), (640, 480), (1001, 77)]
SMALL = idefics3_config(32, 128, "Idefics3ImageProcessor")
SMOLVLM = idefics3_config(512, 2048, "SmolVLMImageProcessor")

MAKE_SMALL = idefics3(Idefics3ImageProcessor(**SMALL), Idefics3Processor, 32, 8, 2)
MAKE_SMOLVLM = idefics3(SmolVLMImageProcessor(**SMOLVLM), SmolVLMProcessor, 512, 16, 4)

FAMILIES = {
    "idefics3": Family(SMALL, idefics3_settings(32, 128, 8, 2, 4), ODD, MAKE_SMALL),
    "smolvlm": Family(SMOLVLM, idefics3_settings(512, 2048, 16, 4, 32), [(500, 375)], MAKE_SMOLVLM),
}


def main() -> None:
    families = {}
    for name, family in FAMILIES.items():
        cases = [{"size": size, **described(family.make(picture(*size)), family.settings)} for size in family.sizes]
        families[name] = {"config": family.config, "settings": family.settings, "cases": cases}
    OUT.write_text(json.dumps(families, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
