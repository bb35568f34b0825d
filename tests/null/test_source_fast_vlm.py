"""FastVLM under its makers' names, which are those that transformers' converter (convert_fastvlm_weights_to_hf.py) takes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from jinja2 import Environment
from safetensors.numpy import load_file, save_file

from tiny_vision import FIXTURES, write_tiny_fast_vlm
from webllm_build.errors import MalformedFile, UnsupportedArchitecture
from webllm_build.model.vision import batch_of, read_tower, vision_of
from webllm_build.model.vision.tower import Batch
from webllm_build.source.checkpoint import Checkpoint
from webllm_build.source.local import open_folder
from webllm_build.source.processor import read_processor
from webllm_build.source.tokenizer_json import text_of_token

CONFIG = json.loads((FIXTURES / "tiny-vision-fast_vlm" / "config.json").read_text("utf-8"))
# What of their config.json is about pictures.
ABOUT_PICTURES = {
    "architectures": ["LlavaQwen2ForCausalLM"],
    "image_aspect_ratio": "pad",
    "image_grid_pinpoints": None,
    "mm_hidden_size": 3072,
    "mm_patch_merge_type": "flat",
    "mm_projector_lr": None,
    "mm_projector_type": "mlp2x_gelu",
    "mm_use_im_patch_token": False,
    "mm_use_im_start_end": False,
    "mm_vision_select_feature": "patch",
    "mm_vision_select_layer": -2,
    "mm_vision_tower": "mobileclip_l_128",
    "model_type": "llava_qwen2",
    "tie_word_embeddings": True,
    "tune_mm_mlp_adapter": False,
    "unfreeze_mm_vision_tower": True,
    "use_mm_proj": True,
}
BLOCKS = (0, 2, 4, 7, 10)  # of each stage, in their list of all
OTHERS = {"1.downsample": 1, "2.downsample": 3, "3.downsample": 5, "3.pos_emb": 6, "4.downsample": 8, "4.pos_emb": 9}


def theirs(name: str) -> str:
    """What they call a tensor of transformers'."""
    if "vision_tower" not in name:
        name = name.replace("language_model.", "").replace("multi_modal_projector.linear_", "mm_projector.")
        return re.sub(r"mm_projector\.(\d)", lambda number: f"mm_projector.{2 * (int(number[1]) - 1)}", name)
    name = re.sub(r"stages\.(\d)\.blocks\.", lambda stage: f"network.{BLOCKS[int(stage[1])]}.", name)
    for ours, number in OTHERS.items():
        name = name.replace(f"stages.{ours}.", f"network.{number}.")
    is_large = re.search(r"network\.\d\.proj\.0\.", name) is not None
    name = name.replace("reparam_conv", "lkb_reparam") if is_large else name
    for ours, their in {"timm_model": "vision_tower.model", "stem.": "patch_embed.", ".mlp.": ".convffn.", ".gamma": ""}.items():
        name = name.replace(ours, their)
    return name.replace("final_conv.", "conv_exp.").replace("se.fc1", "se.reduce").replace("se.fc2", "se.expand")


def makers(folder: Path, **changes: object) -> Path:
    """The tiny model as its makers would have published it, without a file about pictures."""
    write_tiny_fast_vlm(folder)
    for name in ("preprocessor_config.json", "processor_config.json"):
        (folder / name).unlink()
    text = {key: value for key, value in CONFIG["text_config"].items() if key not in ("model_type", "tie_word_embeddings")}
    (folder / "config.json").write_text(json.dumps({**text, **ABOUT_PICTURES, **changes}), "utf-8")
    tensors = {theirs(name): tensor for name, tensor in load_file(folder / "model.safetensors").items()}
    tensors["model.vision_tower.vision_tower.model.head.proj"] = np.zeros((4, 4), np.float16)
    save_file(tensors, folder / "model.safetensors")
    file = folder / "tokenizer.json"
    tokenizer = json.loads(file.read_text("utf-8"))
    tokenizer["added_tokens"] = [token for token in tokenizer["added_tokens"] if token["content"] != "<image>" and token["id"] < 319]
    file.write_text(json.dumps(tokenizer), "utf-8")
    file = folder / "tokenizer_config.json"
    template = "{% for message in messages %}{{ message['role'] + ': ' + message['content'] }}{% endfor %}"
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), "chat_template": template}), "utf-8")
    return folder


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    return open_folder(makers(tmp_path / "model"), "a model")


def test_names_and_numbers_are_transformers(checkpoint: Checkpoint, tmp_path: Path) -> None:
    usual = open_folder(write_tiny_fast_vlm(tmp_path / "usual"), "a model")
    seen = {name for name in usual.tensors if "language_model" not in name}
    assert {name for name in checkpoint.tensors if not name.startswith(("model.layers", "model.norm", "model.embed", "lm_head"))} == seen
    assert all(np.array_equal(checkpoint.tensors[name].read(), usual.tensors[name].read()) for name in seen)
    small = replace(checkpoint, config={**checkpoint.config, "vision_config": usual.config["vision_config"]})
    mine, other = (vision_of(each, Batch(64, picture=4)) for each in (small, usual))
    assert mine is not None and other is not None and mine.tower.description == other.tower.description


def test_its_sizes_are_the_family_s(checkpoint: Checkpoint) -> None:
    """As many numbers as timm's fastvit_mci3 has, but for those that others take (of norms of batches, scales of layers); two matrices."""
    tower, _ = read_tower("a model", checkpoint.config, Batch(256, picture=256))
    inner = 64 * 3072 + 64 * 64 + 128
    assert sum(int(np.prod(weight.shape)) for weight in tower.weights) - inner == 122_714_208 - 17_856 - 24_000


@pytest.mark.parametrize(("ratio", "background"), [("pad", [0, 0, 0]), ("square", None)])
def test_pictures_are_made_as_its_code_makes_them(tmp_path: Path, ratio: str, background: list[int] | None) -> None:
    found = open_folder(makers(tmp_path / "model", image_aspect_ratio=ratio), "a model")
    settings = read_processor(found.config, found.processor, text_of_token(found.tokenizer))
    assert (settings.get("background"), settings["width"], settings["shortest"], settings["patch"]) == (background, 128, 128, 64)
    assert (settings["mean"], settings["std"], settings["image"]) == ([0, 0, 0], [1, 1, 1], "<image>")
    batch = batch_of(settings)
    assert (batch.patches, batch.picture) == (2048, 4)


def test_a_prompt_has_a_token_for_pictures_before_the_text(checkpoint: Checkpoint) -> None:
    token = checkpoint.config["image_token_index"]
    assert isinstance(token, int) and text_of_token(checkpoint.tokenizer)(token) == "<image>"
    question = {"role": "user", "content": [{"type": "text", "text": "What?"}, {"type": "image"}]}
    template = Environment().from_string(str(checkpoint.tokenizer.config["chat_template"]))
    system = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
    asked = template.render(messages=[question], add_generation_prompt=True)
    assert asked == f"{system}<image>\nWhat?<|im_end|>\n<|im_start|>assistant\n"
    assert template.render(messages=[{"role": "user", "content": "Hi"}]) == f"{system}Hi<|im_end|>\n"


@pytest.mark.parametrize(
    ("key", "value"),
    [("mm_projector_type", "linear"), ("mm_use_im_start_end", True), ("image_aspect_ratio", "anyres"), ("mm_patch_merge_type", "spatial")],
)
def test_what_is_not_built_is_told_by_its_key(tmp_path: Path, key: str, value: object) -> None:
    found = open_folder(makers(tmp_path / "model", **{key: value}), "a model")
    with pytest.raises(UnsupportedArchitecture, match=key):
        read_tower("a model", found.config, Batch(64, picture=4))


def test_another_tower_is_left_as_it_is(tmp_path: Path) -> None:
    folder = makers(tmp_path / "model", mm_vision_tower="openai/clip-vit-large-patch14")
    assert open_folder(folder, "a model").config["model_type"] == "llava_qwen2"


def test_a_matrix_of_another_shape_is_told_by_its_name(tmp_path: Path) -> None:
    folder = write_tiny_fast_vlm(tmp_path / "model")
    tensors, name = load_file(folder / "model.safetensors"), "model.vision_tower.timm_model.stem.0.reparam_conv.weight"
    save_file({**tensors, name: tensors[name][:, :, :2]}, folder / "model.safetensors")
    found = open_folder(folder, "a model")
    with pytest.raises(MalformedFile, match=r"stem\.0\.reparam_conv\.weight"):
        vision_of(found, Batch(64, picture=4))
