"""Tokens that a model's makers never want drawn: transformers' SuppressTokensLogitsProcessor, and llama.cpp's bias of the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_models import hugging_face_weights, write_gguf

from families import TOKENS, open_tiny
from webllm_build.errors import ModelWarning
from webllm_build.model import load_model
from webllm_build.model.numpy_operators import NumpyOperators
from webllm_build.source.gguf import open_gguf
from webllm_build.source.sampling_defaults import never_drawn

NEVER = [2, 7, 299]


@pytest.mark.parametrize("family", ["qwen3", "phi", "cohere2", "granite", "gemma4_text"])
def test_their_logits_are_the_least_and_others_as_they_were(tmp_path: Path, family: str) -> None:
    """Also with a bias of the head, scaled, and capped."""
    checkpoint = open_tiny(family, "hugging_face", tmp_path)
    usual, model = load_model(checkpoint), load_model(replace(checkpoint, suppressed=(*NEVER, 10**6)))
    found, expected = (
        each.logits(operators, each.hidden(operators))
        for each, operators in ((each, NumpyOperators(checkpoint, each.norm_eps, TOKENS)) for each in (model, usual))
    )
    others = np.setdiff1d(np.arange(usual.vocab_size), NEVER)
    np.testing.assert_array_equal(found[:, others], expected[:, others])
    assert (found[:, NEVER] < expected.min() - (0 if usual.logit_softcap else 100)).all()


def test_libraries_are_shared_by_those_with_other_tokens(tmp_path: Path) -> None:
    checkpoint = open_tiny("qwen3", "hugging_face", tmp_path)
    usual, first, second = (load_model(replace(checkpoint, suppressed=tokens)).description for tokens in ((), (2,), (3, 4)))
    assert first == second != usual


def test_of_vectors_none_is_drawn(tmp_path: Path) -> None:
    checkpoint = replace(open_tiny("bert", "hugging_face", tmp_path), suppressed=(2,))
    assert "head_bias" not in {weight.name for weight in load_model(checkpoint).weights}


@pytest.mark.parametrize(
    ("said", "tokens"),
    [
        ({}, ()),
        ({"suppress_tokens": None, "bad_words_ids": None, "begin_suppress_tokens": []}, ()),
        ({"suppress_tokens": [9, 4, 4]}, (4, 9)),
        ({"bad_words_ids": [[5], [2], [3]], "eos_token_id": [2, 1]}, (3, 5)),
        ({"bad_words_ids": [[2], [3]], "eos_token_id": 2, "suppress_tokens": [2]}, (2, 3)),
        ({"suppress_tokens": [-1, "6", 1.5, True, None, 10**400], "bad_words_ids": [[], 3, "x", [[1]]]}, (6,)),
        ({"suppress_tokens": "x", "bad_words_ids": {"a": 1}}, ()),
    ],
)
def test_what_generation_config_says(said: dict[str, Any], tokens: tuple[int, ...]) -> None:
    assert never_drawn(said) == tokens


@pytest.mark.parametrize(
    ("said", "words"), [({"bad_words_ids": [[5, 6], [7]]}, "1 in bad_words"), ({"begin_suppress_tokens": [5]}, "1 in begin")]
)
def test_what_is_not_held_to_is_told(said: dict[str, Any], words: str) -> None:
    with pytest.warns(ModelWarning, match=words):
        never_drawn(said)


def test_both_formats_say_it(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    tiny = open_tiny("qwen3", "hugging_face", tmp_path / "folder")
    assert tiny.suppressed == ()
    (config,) = tmp_path.rglob("config.json")
    (config.parent / "generation_config.json").write_text(json.dumps({"suppress_tokens": [5]}), "utf-8")
    assert open_tiny("qwen3", "hugging_face", tmp_path / "folder").suppressed == (5,)
    said = {"tokenizer.ggml.suppress_tokens": [8, -1, 5]}
    assert open_gguf(write_gguf(tmp_path / "tiny.gguf", hugging_face_weights(), metadata=said)).suppressed == (5, 8)
