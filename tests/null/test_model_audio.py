"""Every family that hears, run on NumPy operators, against what the transformers library says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from families import FIXTURES
from hearing import HEARING, PROCESSOR, Hearing
from tiny_vision import write_tiny_gemma4
from towers import difference
from webllm_build.errors import UnsupportedArchitecture
from webllm_build.model.audio import audio_of, hears
from webllm_build.model.audio.numpy_audio import vectors
from webllm_build.source.local import open_folder
from webllm_build.source.mmproj import open_mmproj
from webllm_build.source.sound import read_sound
from webllm_build.source.tokenizer_json import text_of_token


@pytest.mark.parametrize("family", HEARING)
def test_it_computes_what_transformers_does(tmp_path: Path, family: str) -> None:
    """Of sounds of a frame and more, to which the library adds some that do not count."""
    hearing = Hearing.of(family, tmp_path)
    for sound, expected in hearing.sounds:
        assert difference(vectors(hearing.audio.conformer, hearing.audio.checkpoint, sound), expected) < 1e-5


def test_a_gguf_s_part_for_sounds_is_the_same(tmp_path: Path) -> None:
    hearing = Hearing.of("gemma4", tmp_path / "folder")
    tokens = open_folder(write_tiny_gemma4(tmp_path / "tokens"), "tokens")
    text = replace(tokens, format="gguf", config={"general.architecture": "gemma4", "gemma4.embedding_length": 64})
    checkpoint = open_mmproj(FIXTURES / "tiny-vision-gemma4" / "mmproj.gguf", text)
    audio = audio_of(checkpoint, PROCESSOR)
    assert audio is not None and audio.audio_token == hearing.audio.audio_token
    for sound, expected in hearing.sounds:
        assert difference(vectors(audio.conformer, audio.checkpoint, sound), expected) < 1e-4  # the converter has computed in float16
    processor = read_sound(checkpoint.config, checkpoint.processor, text_of_token(text.tokenizer))
    expected_processor = read_sound(tokens.config, tokens.processor, text_of_token(text.tokenizer))
    assert processor == expected_processor | {"bins": 128}  # as the converter has it


@pytest.mark.parametrize(("key", "value"), [("attention_context_right", 2), ("num_attention_heads", 0), ("something_new", 1)])
def test_what_cannot_be_is_told_by_name(tmp_path: Path, key: str, value: int) -> None:
    checkpoint = open_folder(write_tiny_gemma4(tmp_path), "a model")
    config = json.loads((FIXTURES / "tiny-vision-gemma4" / "config.json").read_text("utf-8"))
    config["audio_config"][key] = value
    with pytest.raises(UnsupportedArchitecture, match=key):
        audio_of(replace(checkpoint, config=config), PROCESSOR)


@pytest.mark.parametrize("kind", [None, 1, ["gemma4"], {}])
def test_a_type_that_is_no_text_hears_nothing(tmp_path: Path, kind: object) -> None:
    checkpoint = open_folder(write_tiny_gemma4(tmp_path), "a model")
    assert not hears(replace(checkpoint, config={**checkpoint.config, "model_type": kind}))
