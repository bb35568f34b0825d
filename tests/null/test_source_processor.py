"""Settings of image processors, from the files of models to a manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from webllm_build.errors import MalformedFile, MissingFile, SourceError, UnsupportedArchitecture
from webllm_build.source.processor import read_processor
from webllm_build.source.processor_gguf import read_gguf_processor

GOLDEN: Mapping[str, Any] = json.loads((Path(__file__).parents[2] / "runtime_js/test/golden/pictures.json").read_text("utf-8"))


Files = Mapping[str, Mapping[str, object]]


def read(name: str, files: Files | None = None, config: Mapping[str, object] | None = None) -> Mapping[str, object]:
    family = GOLDEN[name]
    found = family["files"] if files is None else files
    return read_processor(config or family["config"], found, lambda token: family["tokens"][str(token)])


def changed(name: str, **changes: object) -> Files:
    """The files of a family with other values, or without those that are Ellipsis."""
    files = GOLDEN[name]["files"]
    (file,) = files
    nested = files[file].get("image_processor", files[file])
    values = {key: value for key, value in {**nested, **changes}.items() if value is not ...}
    return {file: {"image_processor": values} if "image_processor" in files[file] else values}


@pytest.mark.parametrize("name", GOLDEN)
def test_settings_follow_from_files(name: str) -> None:
    """As they are written by hand beside what transformers makes by them (tests/golden/make_pictures.py)."""
    assert read(name) == GOLDEN[name]["settings"]


def test_what_files_do_not_say_is_as_the_processor_has_it() -> None:
    settings = read("qwen2_5_vl", changed("qwen2_5_vl", resample=..., patch_size=None, image_mean=..., max_pixels=...))
    assert settings["resample"] == "bicubic" and settings["patch"] == 14 and settings["most_pixels"] == 28 * 28 * 1280
    assert read("gemma3", changed("gemma3", image_processor_type=...)) == GOLDEN["gemma3"]["settings"]


def test_a_nested_config_counts_before_the_older_file() -> None:
    nested = {"processor_config.json": {"image_processor": GOLDEN["gemma3"]["files"]["preprocessor_config.json"]}}
    assert read("gemma3", {**nested, "preprocessor_config.json": {"resample": 77}}) == GOLDEN["gemma3"]["settings"]


def test_larger_pictures_than_the_page_takes_become_smaller() -> None:
    with pytest.warns(UserWarning, match="of up to 16384 tokens"):
        settings = read("qwen2_5_vl", changed("qwen2_5_vl", max_pixels=16384 * 28 * 28))
    assert settings["most_pixels"] == 2048 * 28 * 28


@pytest.mark.parametrize(
    ("name", "changes", "error", "told"),
    [
        ("idefics3", {"image_processor_type": "PixtralImageProcessor"}, UnsupportedArchitecture, "PixtralImageProcessor are not made here"),
        ("idefics3", {"resample": 0}, UnsupportedArchitecture, "resample = 0"),
        ("idefics3", {"resample": "bicubic"}, MalformedFile, "resample is not a whole number"),
        ("idefics3", {"do_resize": False}, UnsupportedArchitecture, "do_resize is False"),
        ("gemma3", {"do_pan_and_scan": True}, UnsupportedArchitecture, "do_pan_and_scan is True"),
        ("idefics3", {"image_std": [0, 0.5, 0.5]}, MalformedFile, "image_std is"),
        ("idefics3", {"image_mean": [0.5]}, MalformedFile, "image_mean is"),
        ("idefics3", {"rescale_factor": float("nan")}, MalformedFile, "rescale of a picture is nan"),
        ("idefics3", {"max_image_size": {"longest_edge": 24}}, MalformedFile, "24 pixels, which are not whole blocks of 2 patches of 8"),
        ("idefics3", {"size": {"longest_edge": 10**9}}, MalformedFile, "more than 64 tiles"),
        ("gemma3", {"size": {"height": 56}}, MalformedFile, "width is not a whole number"),
        ("lfm2_vl", {"min_image_tokens": 17}, MalformedFile, "at least 17 tokens, and at most 16"),
        ("lfm2_vl", {"max_image_tokens": 10**9}, MalformedFile, "most_tokens of a picture is 1000000000"),
        ("lfm2_vl", {"tile_size": 10**12}, MalformedFile, "125000000000 patches a side"),
        ("lfm2_vl", {"min_tiles": 1}, MalformedFile, "least_tiles of a picture is 1"),
        ("qwen3_vl", {"patch_size": 1000}, MalformedFile, "patch of a picture is 1000"),
        ("gemma4", {"do_normalize": True}, UnsupportedArchitecture, "do_normalize is true"),
    ],
)
def test_what_cannot_be_is_refused(name: str, changes: Mapping[str, object], error: type[SourceError], told: str) -> None:
    with pytest.raises(error, match=told) as caught:
        read(name, changed(name, **changes))
    assert caught.value.hint


def test_a_model_without_the_file_says_which() -> None:
    with pytest.raises(MissingFile, match=r"preprocessor_config\.json"):
        read("idefics3", {})


def test_positions_must_be_a_square() -> None:
    config = {**GOLDEN["qwen3_vl"]["config"], "vision_config": {"num_position_embeddings": 35}}
    with pytest.raises(MalformedFile, match="35, which is no square"):
        read("qwen3_vl", config=config)


def clip(kind: str, image: int, patch: int, **others: object) -> dict[str, object]:
    """Metadata of llama.cpp's for what sees; numbers of pictures are float32 there."""
    half = [float(np.float32(0.5))] * 3
    said = {"image_size": image, "patch_size": patch, "image_mean": half, "image_std": half, **others}
    return {"clip.projector_type": kind, **{f"clip.vision.{key.replace('__', '.')}": value for key, value in said.items()}}


def test_a_gguf_of_what_sees_says_the_same() -> None:
    said = clip("idefics3", 512, 16, preproc_image_size=2048, projector__scale_factor=4)
    assert read_gguf_processor(said) == GOLDEN["smolvlm"]["settings"]


def test_what_a_gguf_does_not_say_is_as_published_models_have_it() -> None:
    gemma3 = read_gguf_processor(clip("gemma3", 896, 14))
    assert (gemma3["merge"], gemma3["width"], gemma3["table"]) == (4, 896, {"kind": "grid", "side": 64, "taps": 1})
    assert gemma3["before"] == "\n\n<start_of_image>" and gemma3["image"] == "<image_soft_token>" and gemma3["resample"] == "bilinear"
    lfm2 = read_gguf_processor(clip("lfm2", 256, 16, projector__scale_factor=2))
    assert (lfm2["tile"], lfm2["least_tokens"], lfm2["most_tokens"]) == (512, 64, 256)
    assert lfm2["table"] == {"kind": "resized", "side": 16, "taps": 24}
    mean = [float(np.float32(value)) for value in (0.48145466, 0.4578275, 0.40821073)]
    with pytest.warns(UserWarning, match="Here they are made smaller"):
        qwen = read_gguf_processor(clip("qwen2.5vl_merger", 560, 14, image_mean=mean, n_wa_pattern=8))
    assert (qwen["mean"], qwen["window"], qwen["least_pixels"], "table" in qwen) == (mean, 4, 3136, False)
    with pytest.warns(UserWarning, match="Here they are made smaller"):
        qwen = read_gguf_processor(clip("qwen3vl_merger", 768, 16, spatial_merge_size=2))
    assert (qwen["least_pixels"], qwen["table"]) == (65536, {"kind": "bilinear", "side": 48, "taps": 4})
    gemma4 = read_gguf_processor({**clip("", 224, 16), "clip.projector_type": "gemma4v"})
    assert (gemma4["merge"], gemma4["most_tokens"], gemma4["mean"], gemma4["after"]) == (3, 280, [0.5] * 3, "<image|>")


def test_a_gguf_that_cannot_be_is_refused() -> None:
    with pytest.raises(UnsupportedArchitecture, match="'resampler' are not made here"):
        read_gguf_processor(clip("resampler", 448, 14))
    huge = clip("lfm2", 10**9, 1, projector__scale_factor=2)
    for said in (clip("gemma3", 0, 14), clip("gemma3", 10**12, 14), clip("idefics3", 512, 16), huge):
        with pytest.raises(MalformedFile):
            read_gguf_processor(said)
