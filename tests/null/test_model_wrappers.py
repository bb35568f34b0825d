"""The text of models of more than text."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from families import FIXTURES, open_tiny
from webllm_build.errors import MalformedFile, ModelWarning, UnsupportedArchitecture
from webllm_build.model import load_model, read_model
from webllm_build.model.wrappers import text_of
from webllm_build.source.checkpoint import Checkpoint
from webllm_build.source.local import open_folder

CONFIG: dict[str, Any] = json.loads((FIXTURES / "tiny-gemma3" / "config.json").read_text("utf-8"))


@pytest.fixture
def whole(tmp_path: Path) -> Checkpoint:
    open_tiny("gemma3", "hugging_face", tmp_path)
    return open_folder(tmp_path, "whole")


def test_other_parts_are_left_out_and_named(whole: Checkpoint) -> None:
    with pytest.warns(ModelWarning, match="34 tensors of other parts"):
        text = text_of(whole)
    assert len(whole.tensors) - len(text.tensors) == 34
    load_model(text)
    assert text_of(text) is text


def test_both_spellings_of_its_tensors_are_read(whole: Checkpoint) -> None:
    def newer(name: str) -> str:
        return name.replace("language_model.model.", "model.language_model.") if "language" in name else f"model.{name}"

    other = replace(whole, tensors={newer(name): tensor for name, tensor in whole.tensors.items()})
    with pytest.warns(ModelWarning):
        assert text_of(other).tensors.keys() == text_of(whole).tensors.keys()
    # The text's config alone beside them.
    text = text_of(whole).config
    for config_of_text in (replace(whole, config=text), replace(other, config=text)):
        with pytest.warns(ModelWarning, match="left out"):
            assert text_of(config_of_text).tensors.keys() == text_of(whole).tensors.keys()
    both = replace(whole, tensors={**whole.tensors, "model.norm.weight": next(iter(whole.tensors.values()))})
    with pytest.raises(MalformedFile, match=r"model\.norm\.weight twice"):
        text_of(both)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha": 1}, "beside text_config that are not known: 'alpha'"),
        ({"text_config": 3}, "text_config of a model is not an object"),
        ({"text_config": {"model_type": "llama"}}, "The text of a model has the model_type 'llama'"),
        ({"text_config": {**CONFIG["text_config"], "beta": 1}}, "does not know: beta"),
    ],
)
def test_what_is_not_known_stops_the_build(change: dict[str, object], message: str) -> None:
    with pytest.raises(UnsupportedArchitecture, match=message):
        read_model("a model", CONFIG | change)


def test_whether_head_and_embedding_are_one_is_said_beside_the_text() -> None:
    assert read_model("a model", CONFIG).tied
    assert not read_model("a model", {**CONFIG, "tie_word_embeddings": False}).tied
    assert read_model("a model", {**CONFIG, "text_config": {**CONFIG["text_config"], "tie_word_embeddings": False}}).tied


def test_fastvlm_has_the_keys_of_its_text_among_others(tmp_path: Path) -> None:
    """As its makers publish it, with code that transformers lacks: the text is Qwen2's, under the names of a model of text alone."""
    text = open_tiny("qwen2", "hugging_face", tmp_path)
    images = {"mm_hidden_size": 3072, "mm_vision_tower": "mobileclip_l_1024", "image_aspect_ratio": "pad", "use_mm_proj": True}
    config = {**text.config, **images, "model_type": "llava_qwen2", "architectures": ["LlavaQwen2ForCausalLM"]}
    tensor = next(iter(text.tensors.values()))
    others = {"model.mm_projector.0.weight": tensor, "model.vision_tower.vision_tower.model.head.proj": tensor}
    with pytest.warns(ModelWarning, match="2 tensors of other parts"):
        found = text_of(replace(text, config=config, tensors={**text.tensors, **others}))
    assert load_model(found).description == load_model(text).description
    with pytest.raises(UnsupportedArchitecture, match="mm_unheard_of"):
        read_model("a model", {**config, "mm_unheard_of": 1})
