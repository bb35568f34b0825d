"""Settings of image processors, from the files of models to a manifest."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from tiny_vision import write_tiny_qwen3_vl, write_tiny_smolvlm
from webllm_build.errors import MalformedFile, MissingFile, SourceError, UnsupportedArchitecture
from webllm_build.source.local import open_folder
from webllm_build.source.mmproj import open_mmproj
from webllm_build.source.processor import KINDS, USUAL, read_processor
from webllm_build.source.tokenizer_json import text_of_token

DEFAULTS: Mapping[str, Any] = json.loads((Path(__file__).parents[1] / "fixtures" / "processor_defaults.json").read_text("utf-8"))
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


def test_what_transformers_takes_no_notice_of_says_nothing_here() -> None:
    """Files of LFM2.5-VL say that nothing is resized; its processor does."""
    assert read("lfm2_vl", changed("lfm2_vl", do_resize=False)) == GOLDEN["lfm2_vl"]["settings"]


@pytest.mark.parametrize("name", ["Qwen2_5_VLImageProcessor", "Qwen3VLImageProcessor", "Lfm3VlImageProcessor"])
def test_other_names_of_a_processor_are_known(name: str) -> None:
    assert read("qwen3_vl", changed("qwen3_vl", image_processor_type=name)) == GOLDEN["qwen3_vl"]["settings"]


def test_a_number_is_that_of_each_channel() -> None:
    assert read("qwen3_vl", changed("qwen3_vl", image_mean=0.5, image_std=0.5)) == GOLDEN["qwen3_vl"]["settings"]


def test_pictures_may_stay_numbers_to_255() -> None:
    """Where nothing is divided, a factor is at its bound."""
    assert read("qwen3_vl", changed("qwen3_vl", rescale_factor=1))["rescale"] == 1
    with pytest.raises(MalformedFile, match="rescale of a picture is 2"):
        read("qwen3_vl", changed("qwen3_vl", rescale_factor=2))


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults_are_transformers(name: str) -> None:
    """tests/golden/make_processor_defaults.py reads them from its classes; a flag that these do not name is off."""
    theirs = DEFAULTS[name]
    ours = {**KINDS[name].defaults}
    if (side := ours.get("crop_size")) is not None:
        ours["crop_size"] = {"height": side, "width": side}
    assert {key: theirs.get(key, False) for key in ours} == ours
    said = {key: value for key, value in theirs.items() if key in USUAL and key not in ours}
    assert said == {key: USUAL[key] for key in said}


def test_a_file_may_name_no_processor_or_name_it_as_older_ones_did() -> None:
    for family in ("smolvlm", "idefics3"):
        assert read(family, changed(family, image_processor_type=...)) == GOLDEN[family]["settings"]
    with pytest.raises(UnsupportedArchitecture, match="OwlFeatureExtractor"):
        read("llava", changed("llava", image_processor_type=..., feature_extractor_type="OwlFeatureExtractor"))


def test_older_files_have_numbers_for_squares() -> None:
    assert read("llava", changed("llava", size=32, crop_size=32)) == GOLDEN["llava"]["settings"]


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
        ("idefics3", {"rescale_factor": 10**400}, MalformedFile, "not a list of numbers"),
        ("idefics3", {"max_image_size": {"longest_edge": 24}}, MalformedFile, "24 pixels, which are not whole blocks of 2 patches of 8"),
        ("idefics3", {"size": {"longest_edge": 10**9}}, MalformedFile, "more than 64 tiles"),
        ("gemma3", {"size": {"height": 56}}, MalformedFile, "width is not a whole number"),
        ("llava", {"do_pad": True}, UnsupportedArchitecture, "do_pad is True"),
        ("llava-padded", {"image_mean": [0.5, 2, 0.5]}, MalformedFile, r"255 \* image_mean is \[127, 510, 127\]"),
        ("llava", {"size": {"shortest_edge": 64}}, UnsupportedArchitecture, "cut to 32 pixels"),
        ("llava", {"do_center_crop": False}, MalformedFile, r"shortest_edge.* are not the square of 32 pixels"),
        ("llava", {"crop_size": 28}, MalformedFile, "are not the square of 32 pixels"),
        ("llava-siglip", {"size": {"height": 64, "width": 42}}, MalformedFile, "are not the square of 42 pixels"),
        ("llava_next", {"image_grid_pinpoints": [[32, 33]]}, MalformedFile, r"not those of config\.json"),
        ("llava_next", {"image_grid_pinpoints": 7}, MalformedFile, "image_grid_pinpoints is not a list"),
        ("lfm2_vl", {"min_image_tokens": 17}, MalformedFile, "at least 17 tokens, and at most 16"),
        ("lfm2_vl", {"max_image_tokens": 10**9}, MalformedFile, "most_tokens of a picture is 1000000000"),
        ("lfm2_vl", {"tile_size": 10**12}, MalformedFile, "125000000000 patches a side"),
        ("lfm2_vl", {"downsample_factor": 10**9}, MalformedFile, "tokens of 1000000000 a side"),
        ("lfm2_vl", {"encoder_patch_size": 10**9}, MalformedFile, "tiles of 0 patches a side"),
        ("lfm2_vl", {"min_tiles": 1}, MalformedFile, "least_tiles of a picture is 1"),
        ("qwen3_vl", {"patch_size": 1000}, MalformedFile, "patch of a picture is 1000"),
        ("gemma4", {"do_normalize": True}, UnsupportedArchitecture, "do_normalize is true"),
    ],
)
def test_what_cannot_be_is_refused(name: str, changes: Mapping[str, object], error: type[SourceError], told: str) -> None:
    with pytest.raises(error, match=told) as caught:
        read(name, changed(name, **changes))
    assert caught.value.hint


@pytest.mark.parametrize("grids", [[], [[32]], [[32, 33]], [[0, 32]], [[32, 32 * 65]], [[32, 32]] * 65])
def test_grids_are_of_whole_squares(grids: list[list[int]]) -> None:
    config = {**GOLDEN["llava_next"]["config"], "image_grid_pinpoints": grids}
    with pytest.raises(MalformedFile, match="at most 64 grids of at most 64 squares of 32 pixels"):
        read("llava_next", changed("llava_next", image_grid_pinpoints=grids), config)


def test_a_model_without_the_file_says_which() -> None:
    with pytest.raises(MissingFile, match=r"preprocessor_config\.json"):
        read("idefics3", {})


def test_positions_must_be_a_square() -> None:
    config = {**GOLDEN["qwen3_vl"]["config"], "vision_config": {"num_position_embeddings": 35}}
    with pytest.raises(MalformedFile, match="35, which is not a square number"):
        read("qwen3_vl", config=config)


def clip(
    folder: Path, kind: str, image: int, patch: int, write: Callable[[Path], Path] = write_tiny_smolvlm, **others: int
) -> Mapping[str, object]:
    """What a file of llama.cpp's for what sees says, by its metadata and the rows of two of its tensors."""
    writer = gguf.GGUFWriter(folder / "mmproj.gguf", "clip")
    writer.add_string("clip.projector_type", kind)
    for key, value in {"image_size": image, "patch_size": patch, **others}.items():
        writer.add_uint32(f"clip.vision.{key.replace('__', '.')}", value)
    for key in ("image_mean", "image_std"):
        writer.add_array(f"clip.vision.{key}", [0.5] * 3)
    for name, rows in {"v.position_embd": 256, "mm.1": 32}.items():
        writer.add_tensor(f"{name}.weight", np.zeros((rows, 32), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    config = {"general.architecture": "llama", "llama.embedding_length": 64}
    text = replace(open_folder(write(folder / "model"), "tokens"), format="gguf", config=config)
    checkpoint = open_mmproj(folder / "mmproj.gguf", text)
    return read_processor(checkpoint.config, checkpoint.processor, text_of_token(text.tokenizer))


def test_a_gguf_of_what_sees_says_the_same(tmp_path: Path) -> None:
    said = clip(tmp_path, "idefics3", 512, 16, preproc_image_size=2048, projector__scale_factor=4)
    assert said == GOLDEN["smolvlm"]["settings"]


def test_what_a_gguf_does_not_say_is_as_published_models_have_it(tmp_path: Path) -> None:
    gemma3 = clip(tmp_path, "gemma3", 896, 14)
    assert (gemma3["merge"], gemma3["width"], gemma3["table"]) == (4, 896, {"kind": "grid", "side": 64, "taps": 1})
    assert gemma3["before"] == "\n\n<start_of_image>" and gemma3["image"] == "<image_soft_token>" and gemma3["resample"] == "bilinear"
    lfm2 = clip(tmp_path, "lfm2", 256, 16, projector__scale_factor=2)
    assert (lfm2["tile"], lfm2["least_tokens"], lfm2["most_tokens"]) == (512, 64, 256)
    assert lfm2["table"] == {"kind": "resized", "side": 16, "taps": 24}
    (tmp_path / "qwen").mkdir()
    qwen = clip(tmp_path / "qwen", "qwen2.5vl_merger", 560, 14, write_tiny_qwen3_vl, n_wa_pattern=8, block_count=32)
    assert (qwen["least_pixels"], qwen["most_pixels"]) == (3136, 2048 * 28 * 28)  # its processor's least, and what the page takes


def test_a_gguf_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedArchitecture, match="kind 'resampler'"):
        clip(tmp_path, "resampler", 448, 14)
    for kind, image, patch in (("gemma3", 0, 14), ("gemma3", 2**31, 14)):
        with pytest.raises(MalformedFile):
            clip(tmp_path, kind, image, patch)
