"""Every family that sees, run on NumPy operators, against what the transformers library says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from families import FIXTURES
from tiny_vision import write_tiny_smolvlm
from towers import TOWERS, Seeing, difference
from webllm_build.model.numpy_operators import NumpyOperators
from webllm_build.model.vision import batch_of, vision_of
from webllm_build.model.vision.numpy_tower import vectors
from webllm_build.source.local import open_folder
from webllm_build.source.mmproj import open_mmproj
from webllm_build.source.processor import read_processor
from webllm_build.source.tokenizer_json import text_of_token


@pytest.mark.parametrize("family", TOWERS)
def test_it_computes_what_transformers_does(tmp_path: Path, family: str) -> None:
    seeing = Seeing.of(family, tmp_path)
    assert difference(vectors(seeing.vision.tower, seeing.vision.checkpoint, seeing.pictures), seeing.vectors) < 1e-5
    operators = NumpyOperators(seeing.text, seeing.model.norm_eps, seeing.tokens, vectors=seeing.rows, positions=seeing.positions)
    assert difference(seeing.model.logits(operators, seeing.model.hidden(operators)), seeing.logits) < 1e-5


@pytest.mark.parametrize(("family", "error"), [("smolvlm", 1e-5), ("gemma3", 2e-4)])
def test_a_gguf_s_part_for_pictures_is_the_same(tmp_path: Path, family: str, error: float) -> None:
    """Of Gemma's the converter has added 1 to a norm in float16."""
    seeing = Seeing.of(family, tmp_path / "folder")
    tokenizer = open_folder(write_tiny_smolvlm(tmp_path / "tokens"), "tokens").tokenizer
    config = {"general.architecture": "llama", "llama.embedding_length": 64}
    text = replace(seeing.text, format="gguf", config=config, tokenizer=tokenizer)
    checkpoint = open_mmproj(FIXTURES / f"tiny-vision-{family}" / "mmproj.gguf", text)
    processor = read_processor(checkpoint.config, checkpoint.processor, text_of_token(tokenizer))
    vision = vision_of(checkpoint, batch_of(processor))
    assert vision is not None
    assert difference(vectors(vision.tower, vision.checkpoint, seeing.pictures), seeing.vectors) < error
    assert vision.pictures == seeing.vision.pictures
