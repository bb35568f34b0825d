"""Every family that sees, run on NumPy operators, against what the transformers library says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from families import FIXTURES
from tiny_vision import write_tiny_gemma4, write_tiny_qwen3_vl, write_tiny_smolvlm
from towers import RECIPES, Seeing, difference
from webllm_build.errors import MalformedFile, UnsupportedArchitecture
from webllm_build.limits_generated import MAX_LAYERS
from webllm_build.model.numpy_operators import NumpyOperators
from webllm_build.model.vision import batch_of, read_tower, vision_of
from webllm_build.model.vision.numpy_tower import vectors
from webllm_build.model.vision.tower import Batch
from webllm_build.source.local import open_folder
from webllm_build.source.mmproj import open_mmproj
from webllm_build.source.processor import read_processor
from webllm_build.source.tokenizer_json import text_of_token

WRITERS = {"gemma4": write_tiny_gemma4, **dict.fromkeys(("qwen2_5_vl", "qwen3_vl"), write_tiny_qwen3_vl)}
EXACT = ("smolvlm", "qwen2_5_vl", "qwen3_vl", "gemma4", "gemma4-both_ways")
GGUFS = [("gemma3", 2e-4), *((family, 1e-5) for family in EXACT)]


@pytest.mark.parametrize("family", RECIPES)
def test_it_computes_what_transformers_does(tmp_path: Path, family: str) -> None:
    seeing = Seeing.of(family, tmp_path)
    assert difference(vectors(seeing.vision.tower, seeing.vision.checkpoint, seeing.pictures), seeing.vectors) < 1e-5
    operators = NumpyOperators(seeing.text, seeing.model.norm_eps, seeing.tokens, vectors=seeing.rows, positions=seeing.positions)
    assert difference(seeing.model.logits(operators, seeing.model.hidden(operators)), seeing.logits) < 1e-5


@pytest.mark.parametrize(("family", "error"), GGUFS)
def test_a_gguf_s_part_for_pictures_is_the_same(tmp_path: Path, family: str, error: float) -> None:
    """Of Gemma's the converter has added 1 to a norm in float16."""
    seeing = Seeing.of(family, tmp_path / "folder")
    write = WRITERS.get(family.partition("-")[0], write_tiny_smolvlm)
    tokenizer = open_folder(write(tmp_path / "tokens"), "tokens").tokenizer
    sections = seeing.text.config.get("rope_scaling")
    kind = "gemma4" if family.startswith("gemma4") else "llama"
    config: dict[str, object] = {"general.architecture": kind, f"{kind}.embedding_length": 64}
    if family == "gemma4":
        config["gemma4.embedding_length_per_layer_input"] = 32
    if isinstance(sections, dict):
        config["llama.rope.dimension_sections"] = np.array([*sections["mrope_section"], 0], np.int32)
    text = replace(seeing.text, format="gguf", config=config, tokenizer=tokenizer)
    checkpoint = open_mmproj(FIXTURES / f"tiny-vision-{family}" / "mmproj.gguf", text)
    processor = read_processor(checkpoint.config, checkpoint.processor, text_of_token(tokenizer))
    batch = seeing.vision.tower.most if kind == "gemma4" else batch_of(processor).patches
    vision = vision_of(checkpoint, replace(batch_of(processor), patches=batch))
    assert vision is not None
    assert difference(vectors(vision.tower, vision.checkpoint, seeing.pictures), seeing.vectors) < error
    assert vision.pictures == seeing.vision.pictures


def test_a_gguf_of_countless_layers_is_read_as_of_the_most_there_are(tmp_path: Path) -> None:
    """Of a list that follows from their number. What it says of them is checked with the tensors."""
    seeing, count = Seeing.of("qwen2_5_vl", tmp_path / "folder"), b"clip.vision.block_count\4\0\0\0"
    data = (FIXTURES / "tiny-vision-qwen2_5_vl" / "mmproj.gguf").read_bytes()
    at = data.index(count) + len(count)
    (tmp_path / "mmproj.gguf").write_bytes(data[:at] + b"\xff" * 4 + data[at + 4 :])
    tokenizer = open_folder(write_tiny_qwen3_vl(tmp_path / "tokens"), "tokens").tokenizer
    config: dict[str, object] = {"general.architecture": "llama", "llama.embedding_length": 64}
    text = replace(seeing.text, format="gguf", config=config, tokenizer=tokenizer)
    vision = open_mmproj(tmp_path / "mmproj.gguf", text).config["vision_config"]
    assert isinstance(vision, dict) and len(vision["fullatt_block_indexes"]) <= MAX_LAYERS


@pytest.mark.parametrize(
    ("family", "key", "value"),
    [("gemma3", "image_size", 4), ("smolvlm", "image_size", 2), ("qwen3_vl", "num_heads", 7), ("lfm2_vl", "something_new", 1)],
)
def test_what_cannot_be_is_told_by_name(tmp_path: Path, family: str, key: str, value: int) -> None:
    config = json.loads((FIXTURES / f"tiny-vision-{family}" / "config.json").read_text("utf-8"))
    config["vision_config"][key] = value
    with pytest.raises(UnsupportedArchitecture, match=key):
        read_tower("a model", config, Batch(64))


@pytest.mark.parametrize(("key", "value"), [("patch_size", 14), ("merge_size", 4)])
def test_pictures_are_made_as_the_tower_takes_them(tmp_path: Path, key: str, value: int) -> None:
    """A file may say less than the processor's own defaults are for."""
    folder = write_tiny_qwen3_vl(tmp_path / "model")
    file = folder / "preprocessor_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), key: value}), "utf-8")
    checkpoint = open_folder(folder, "a model")
    processor = read_processor(checkpoint.config, checkpoint.processor, text_of_token(checkpoint.tokenizer))
    with pytest.raises(MalformedFile, match=r"and takes 2 x 2 patches of 4 pixels a side") as caught:
        vision_of(checkpoint, batch_of(processor), processor)
    assert "preprocessor_config.json" in caught.value.hint


@pytest.mark.parametrize("family", [family for family, recipe in RECIPES.items() if "like" not in recipe and family != "fast_vlm"])
def test_what_transformers_does_not_save_is_as_it_has_it(family: str) -> None:
    """Of sizes that are its defaults."""
    usual = {"smolvlm": (1152, 16), "qwen2_5_vl": (3584, 16), "qwen3_vl": (1152, 16), "qwen3_5": (1152, 16), "lfm3_vl": (1024, 16)}
    hidden, heads = usual.get(family, (768, 12))
    config = json.loads((FIXTURES / f"tiny-vision-{family}" / "config.json").read_text("utf-8"))
    vision = config["vision_config"]
    vision["hidden_size"], vision["num_heads" if "num_heads" in vision else "num_attention_heads"] = hidden, heads
    vision.pop("head_dim", None)
    whole = read_tower("a model", config, Batch(64))[0]
    for key in ("hidden_size", "num_heads", "num_attention_heads"):
        vision.pop(key, None)
    assert read_tower("a model", config, Batch(64))[0].description == whole.description


def test_a_call_has_several_pictures_where_they_are_small() -> None:
    tiles = batch_of({"patch": 16, "merge": 4, "tile": 512, "table": {"kind": "buckets", "side": 32, "taps": 1}})
    assert (tiles.patches, tiles.picture) == (2 * 1024, 1024)
    whole = batch_of({"patch": 14, "merge": 4, "width": 896, "height": 896})
    assert (whole.patches, whole.picture) == (4096, 4096)
