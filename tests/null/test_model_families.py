"""Every family in both file formats, run on NumPy operators, against what the transformers library says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from families import RECIPES, TESTS, TOKENS, formats, open_tiny, reference
from webllm_build.model import ARCHITECTURES, OTHER_NAMES, load_model, read_model
from webllm_build.model.numpy_operators import NumpyOperators
from webllm_build.model.state import Pages
from webllm_build.model.wrappers import WRAPPERS
from webllm_build.source.checkpoint import Format

# Families of which the formats say the same in two ways, or round it.
SAID_OTHERWISE = ("apertus", "qwen3_5_text", "qwen3_5_text-small_heads", "qwen3_5_moe_text", "falcon_h1", "falcon_h1-groups")


@pytest.mark.parametrize(("family", "format"), [(family, format) for family in RECIPES for format in formats(family)])
def test_it_computes_what_transformers_does(tmp_path: Path, family: str, format: Format) -> None:
    """Logits, or of what has no head last hidden states."""
    checkpoint = open_tiny(family, format, tmp_path)
    model = load_model(checkpoint)
    operators, expected = NumpyOperators(checkpoint, model.norm_eps, TOKENS), reference(family)
    states = model.hidden(operators)
    found = model.normed(operators, states) if model.head is None else model.logits(operators, states)
    assert np.linalg.norm(found - expected) < 1e-5 * np.linalg.norm(expected)


def test_a_short_sequence_turns_by_other_frequencies(tmp_path: Path) -> None:
    checkpoint, expected = open_tiny("phi3", "hugging_face", tmp_path), reference("phi3-short")
    model, tokens = load_model(checkpoint), TOKENS[: len(expected)]
    operators = NumpyOperators(checkpoint, model.norm_eps, tokens)
    assert np.linalg.norm(model.logits(operators, model.hidden(operators)) - expected) < 1e-5 * np.linalg.norm(expected)
    assert np.linalg.norm(reference("phi3")[: len(expected)] - expected) > 1e-2 * np.linalg.norm(expected)


@pytest.mark.parametrize("family", RECIPES)
def test_its_description_is_that_of_its_shape(tmp_path: Path, family: str) -> None:
    """What a compiled library is kept under: the same in both formats, but where they put heads in another order, factors elsewhere, or
    frequencies rounded, and no address of an object."""
    described = {load_model(open_tiny(family, format, tmp_path / format)).description for format in formats(family)}
    assert len(described) == (2 if family in SAID_OTHERWISE else 1)
    assert all(" at 0x" not in description for description in described)


def test_every_family_has_a_row() -> None:
    """But Llama, which has fixtures of its own, and MiniCPM and FastVLM by its makers, which transformers lacks by these names."""
    configs = [recipe["config"] for recipe in RECIPES.values()]
    found = {config["model_type"] for each in configs for config in (each, each.get("text_config", each)) if "model_type" in config}
    assert {"llama", "minicpm", "llava_qwen2", *found} == {*ARCHITECTURES, *WRAPPERS} | (found & {*OTHER_NAMES["hugging_face"]})


@pytest.mark.parametrize(
    ("given", "window"), [({"sliding_window": None}, None), ({}, 4096), ({"sliding_window": 8}, 8), ({"sliding_window": 8192}, None)]
)
def test_an_absent_window_of_mistral_is_not_none(given: dict[str, object], window: int | None) -> None:
    config = json.loads((TESTS / "fixtures" / "tiny-mistral" / "config.json").read_text("utf-8"))
    del config["sliding_window"]
    model = read_model("a model", {**config, "max_position_embeddings": 8192, **given})
    assert {state.window for state in model.states if isinstance(state, Pages)} == {window}
