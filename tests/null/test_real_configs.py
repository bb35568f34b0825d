"""Configs as published models have them: each is read, has the parameters that transformers counts, and fits default limits."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from families import RECIPES
from webllm_build.catalog import CATALOG, CatalogEntry
from webllm_build.compile.io import Layout
from webllm_build.errors import UnsupportedArchitecture
from webllm_build.limits_generated import MAX_CONTEXT
from webllm_build.model import read_model
from webllm_build.quantize import SCHEMES
from webllm_build.quantize.parts import LARGEST_BINDING
from webllm_build.sizes import layout_of

CONFIGS = sorted((Path(__file__).parents[1] / "fixtures" / "configs").glob("*.json"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_published_config_is_read(path: Path) -> None:
    found = json.loads(path.read_text("utf-8"))
    model = read_model(path.stem, found["config"])
    assert sum(math.prod(weight.shape) for weight in model.weights) == found["parameters"]
    schemes = {weight.name: SCHEMES["f16" if weight.kind == "linear" else "f32"] for weight in model.weights}
    layout = Layout.of(model, schemes, min(model.context_length, MAX_CONTEXT), 512)
    assert max(buffer.bytes for buffer in layout.weights) <= LARGEST_BINDING


DEFAULTS: dict[str, int] = json.loads((CONFIGS[0].parents[1] / "default_parameters.json").read_text("utf-8"))


@pytest.mark.parametrize("kind", DEFAULTS)
def test_a_config_that_says_nothing_means_what_it_does_to_transformers(kind: str) -> None:
    model = read_model(kind, {"model_type": kind})
    assert sum(math.prod(weight.shape) for weight in model.weights) == DEFAULTS[kind]


@pytest.mark.parametrize("kind", ["bert", "xlm-roberta"])
def test_an_encoder_that_says_nothing_is_the_first_of_its_kind(kind: str) -> None:
    """BERT base, of whose table of two kinds of tokens one row is taken."""
    base: dict[str, object] = {"vocab_size": 30522, "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12}
    base |= {"intermediate_size": 3072, "max_position_embeddings": 512, "type_vocab_size": 2, "layer_norm_eps": 1e-12, "model_type": kind}
    assert read_model(kind, {"model_type": kind}).description == read_model(kind, {**base, "hidden_act": "gelu"}).description


def test_an_original_length_that_phi_does_not_say_is_that_of_its_class() -> None:
    config = {key: value for key, value in RECIPES["phi3"]["config"].items() if key != "original_max_position_embeddings"}
    rope = {key: value for key, value in config["rope_scaling"].items() if key != "original_max_position_embeddings"}
    said = {**config, "max_position_embeddings": 8192, "rope_scaling": rope}
    assert read_model("phi", said).description == read_model("phi", {**said, "original_max_position_embeddings": 4096}).description
    with pytest.raises(UnsupportedArchitecture, match="disagree"):
        read_model("phi", {**said, "rope_scaling": {**rope, "original_max_position_embeddings": 32}})


SAVED: dict[str, dict[str, object]] = json.loads((CONFIGS[0].parents[1] / "saved_configs.json").read_text("utf-8"))


@pytest.mark.parametrize("family", SAVED)
def test_a_config_that_transformers_saves_again_is_the_same_model(family: str) -> None:
    """As after a fine-tune: all keys are there, by their newest names."""
    assert read_model(family, SAVED[family]).description == read_model(family, RECIPES[family]["config"]).description


def test_every_family_was_saved() -> None:
    assert SAVED.keys() == RECIPES.keys()


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("qwen2.5-7b", {"dual_chunk_attention_config": {"chunk_size": 262144, "local_size": 8192}}),  # Qwen2.5-7B-Instruct-1M
        ("hunyuan-0.5b", {"use_cla": False, "cla_share_factor": 2}),
        ("ernie-4.5-0.3b", {"compression_ratio": 1.0}),
    ],
)
def test_what_transformers_leaves_alone_is_no_obstacle(name: str, more: dict[str, object]) -> None:
    entry = CATALOG.find(name)
    assert entry is not None
    assert read_model(name, {**entry.shape, **more}).description == read_model(name, entry.shape).description


SHAPES = {json.dumps(entry.shape): entry for entry in CATALOG.entries}


@pytest.mark.parametrize("entry", SHAPES.values(), ids=lambda entry: entry.name)
def test_a_model_of_the_catalog_fits_default_limits(entry: CatalogEntry) -> None:
    """At the most bytes that weights may have: these, and at 4096 tokens a layer's cache and each buffer that steps share."""
    layout = layout_of(read_model(entry.name, entry.shape), "f16")
    layout = replace(layout, context_length=min(4096, layout.context_length))
    pages = -(-layout.context_length // layout.page_size)
    of_each = zip(layout.state_bytes("float16"), layout.states, strict=True)
    states = [size * (pages if state.kind == "pages" else 1) for size, state in of_each]
    assert max(*(buffer.bytes for buffer in (*layout.weights, *layout.io)), *states) <= LARGEST_BINDING
