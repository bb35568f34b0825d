"""How text is cut before merging: real vocabularies, cut down, against the ids that Hugging Face's tokenizers make.

golden/make_pre_tokenizers.py makes them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers

from webllm_build.errors import MalformedFile, ModelWarning
from webllm_build.source.gguf_header import Metadata, Value
from webllm_build.source.gguf_pre_tokenizers import PRE_TOKENIZERS, pre_tokenizer
from webllm_build.source.gguf_tokenizer import read_tokenizer

VOCABULARIES: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).resolve().parents[1] / "fixtures" / "pre_tokenizers.json").read_text("utf-8")
)


def metadata(**values: Value) -> Metadata:
    return Metadata(Path("x.gguf"), {f"tokenizer.ggml.{key}": value for key, value in values.items()})


def encode(pre: str | None, vocabulary: dict[str, Any]) -> list[list[int]]:
    values: dict[str, Value] = {"model": "gpt2", "tokens": vocabulary["tokens"], "merges": vocabulary["merges"]}
    document = read_tokenizer(metadata(**values, **({} if pre is None else {"pre": pre}))).tokenizer_json
    tokenizer = tokenizers.Tokenizer.from_str(document.decode())
    return [tokenizer.encode(text, add_special_tokens=False).ids for text in vocabulary["texts"]]


@pytest.mark.parametrize("kind", VOCABULARIES)
def test_texts_become_the_tokens_that_the_model_was_trained_with(kind: str) -> None:
    assert encode(kind, VOCABULARIES[kind]) == VOCABULARIES[kind]["ids"]


def test_smaug_cuts_like_llama() -> None:
    assert encode("smaug-bpe", VOCABULARIES["llama-bpe"]) == VOCABULARIES["llama-bpe"]["ids"]


@pytest.mark.parametrize("kind", [None, "default", "none"])
def test_without_a_kind_there_is_a_warning(kind: str | None) -> None:
    with pytest.warns(ModelWarning, match="default"):
        assert encode(kind, VOCABULARIES["falcon"])


@pytest.mark.parametrize(
    ("size", "token", "expected"),
    [
        (128256, "<|begin_of_text|>", "llama-bpe"),
        (151936, "<|endoftext|>", "qwen2"),
        (49152, "<|endoftext|>", "smollm"),
        (50257, "<|endoftext|>", "gpt-2"),
        (131072, "[INST]", "tekken"),
        (128256, "<s>", "default"),
        (60000, "<|endoftext|>", "default"),
    ],
)
def test_a_family_is_known_by_its_vocabulary(size: int, token: str, expected: str) -> None:
    with pytest.warns(ModelWarning, match=f"Taken: {expected}"):
        assert pre_tokenizer("x.gguf", None, [token, *map(str, range(size - 1))]) == PRE_TOKENIZERS[expected]


@pytest.mark.parametrize("kind", ["tekken", "gpt-4o"])
def test_words_are_cut_where_case_changes(kind: str) -> None:
    letters = [chr(code) for code in (*range(33, 127), *range(161, 173), *range(174, 324))]
    document = read_tokenizer(metadata(model="gpt2", tokens=letters, merges=[], pre=kind)).tokenizer_json
    cut = tokenizers.Tokenizer.from_str(document.decode()).pre_tokenizer.pre_tokenize_str
    assert [piece for piece, _ in cut("helloWORLD aB")] == ["hello", "WORLD", "\u0120a", "B"]
    assert [piece for piece, _ in cut("1234")] == (["1", "2", "3", "4"] if kind == "tekken" else ["123", "4"])
    assert [piece for piece, _ in cut("it's")] == (["it", "'s"] if kind == "tekken" else ["it's"])


def test_a_vocabulary_cannot_blow_up() -> None:
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    tokens = ["<unk>", *(letter * length for letter in letters for length in range(1, 513))]
    values: dict[str, Value] = {"scores": np.zeros(len(tokens), np.float32), "token_type": np.array([2] + [1] * (len(tokens) - 1))}
    with pytest.raises(MalformedFile, match="too much alike"):
        read_tokenizer(metadata(model="llama", tokens=tokens, unknown_token_id=0, **values))
