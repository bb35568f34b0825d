"""Settings of image processors, from the files of models to a manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from webllm_build.errors import MalformedFile, MissingFile, SourceError, UnsupportedArchitecture
from webllm_build.source.processor import read_processor

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
