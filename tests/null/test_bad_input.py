"""Bad input of every family: configs with absurd values, tensors that are not there or too many, numbers that are none. An error with
words comes of all of it, and nothing half-written."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import families
from webllm_build.build import build
from webllm_build.cache import Cache
from webllm_build.catalog import CATALOG
from webllm_build.config import BuildRequest
from webllm_build.errors import ConfigError, MalformedFile, MissingFile, ModelNotFound, SourceError, UnsupportedEncoding, WebllmBuildError
from webllm_build.model import ARCHITECTURES, load_model, read_model
from webllm_build.model.vision import has_tower
from webllm_build.progress import Silent
from webllm_build.recipe import Recipe, package_name, title
from webllm_build.source import open_checkpoint
from webllm_build.source.checkpoint import Checkpoint, Tensor
from webllm_build.source.local import open_folder
from webllm_build.weights import store_weights

TINY = Path(__file__).parents[1] / "fixtures" / "tiny-llama"
ABSURD: list[object] = [0, -1, 1 << 40, True, float("inf"), "x", [], [1], {"a": 1}]
Config = Mapping[str, object]


def configs() -> dict[str, Config]:
    """One of each architecture that the catalog has."""
    shapes = {str(entry.shape["model_type"]): entry.shape for entry in reversed(CATALOG.entries)}
    return {kind: shape for kind, shape in sorted(shapes.items()) if kind in ARCHITECTURES}


def changed(config: Config) -> Iterator[Config]:
    """Without each key, and with each absurd value of it, also within."""
    for key, value in config.items():
        yield {name: other for name, other in config.items() if name != key}
        yield from ({**config, key: absurd} for absurd in ABSURD)
        if isinstance(value, Mapping):
            yield from ({**config, key: inner} for inner in changed(value))


@pytest.mark.parametrize("kind", configs())
def test_no_config_escapes_as_another_error(kind: str) -> None:
    for config in changed(configs()[kind]):
        has_tower(config)
        with suppress(WebllmBuildError):
            read_model("absurd", config)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("max_position_embeddings", 63, "for 63 tokens at most"),
        ("rms_norm_eps", 2, "a number from 1e-30 to 1"),
        ("vocab_size", 200, r"is \[300, 96\], and not \[200, 96\]"),
        ("num_hidden_layers", 3, r"missing: model\.layers\.2"),
        ("num_hidden_layers", 1, r"left over: model\.layers\.1"),
    ],
)
def test_what_contradicts_or_cannot_be_stops_before_anything_is_written(tmp_path: Path, key: str, value: object, words: str) -> None:
    folder = Path(shutil.copytree(TINY, tmp_path / "model"))
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, key: value}), "utf-8")
    request = BuildRequest(kind="site", models=(str(folder),), out=tmp_path / "out", cache_dir=tmp_path / "cache")
    with pytest.raises(SourceError, match=words):
        build(request)
    assert not (tmp_path / "out").exists() and not [*request.cache_dir.iterdir()]


def test_models_of_a_package_differ_in_their_ids(tmp_path: Path) -> None:
    """Before anything is compiled; both are named."""
    models = tuple(str(shutil.copytree(TINY, tmp_path / parent / "tiny")) for parent in ("a", "b"))
    request = BuildRequest("npm", models, out=tmp_path / "out", cache_dir=tmp_path / "cache")
    for pair in (models, models[:1] * 2):
        with pytest.raises(ConfigError) as refused:
            build(dataclasses.replace(request, models=pair))
        assert all(words in str(refused.value) for words in (*pair, "both are tiny-q4", "Leave one of them out"))
        assert not (tmp_path / "out").exists()
    recipes = [Recipe.read(each, Cache(request.cache_dir), Silent()) for each in request.each]
    assert package_name(recipes) == "tiny-q4-tiny-q4-webllm"
    assert recipes[0].memory > recipes[0].bytes


def test_a_site_either_chats_or_continues_texts(tmp_path: Path) -> None:
    chat, base = (Path(shutil.copytree(TINY, tmp_path / name)) for name in ("chat", "base"))
    config = json.loads((base / "tokenizer_config.json").read_text("utf-8"))
    (base / "tokenizer_config.json").write_text(json.dumps({key: value for key, value in config.items() if key != "chat_template"}))
    request = BuildRequest("site", (str(chat), str(base)), out=tmp_path / "out", cache_dir=tmp_path / "cache")
    with pytest.raises(ConfigError, match=f"model = .{base}.*base continues texts"):
        build(request)
    recipes = [Recipe.read(each, Cache(request.cache_dir), Silent()) for each in request.each]
    assert title(recipes) == "chat · base"
    assert title([dataclasses.replace(recipes[0], request=dataclasses.replace(request, title="Mine"))]) == "Mine"


@pytest.mark.parametrize("family", families.FAMILIES)
def test_tensors_that_do_not_fit_are_named(family: str, tmp_path: Path) -> None:
    checkpoint = families.open_tiny(family, "hugging_face", tmp_path)
    # One whose rows are no number of tokens, which a tokenizer may differ from.
    name = next(name for name, tensor in checkpoint.tensors.items() if len(tensor.shape) == 2 and "embed" not in name)
    tensor = checkpoint.tensors[name]

    def load(tensors: Mapping[str, Tensor]) -> None:
        load_model(dataclasses.replace(checkpoint, tensors=tensors))

    load(checkpoint.tensors)
    with pytest.raises(MalformedFile, match=r"left over: model\.surplus"):
        load({**checkpoint.tensors, "model.surplus": tensor})
    with pytest.raises(MalformedFile, match="do not fit"):
        load({key: value for key, value in checkpoint.tensors.items() if key != name})
    with pytest.raises(MalformedFile, match="do not fit"):
        load({**checkpoint.tensors, name: dataclasses.replace(tensor, shape=(tensor.shape[0] + 1, tensor.shape[1]))})
    with pytest.raises(UnsupportedEncoding, match="i32"):
        load({**checkpoint.tensors, name: dataclasses.replace(tensor, encoding="i32")})


@pytest.mark.parametrize("name", ["model.norm.weight", "model.layers.1.self_attn.k_proj.weight", "lm_head.weight"])
@pytest.mark.parametrize("bad", [np.nan, -np.inf])
def test_numbers_that_are_none_name_their_tensor_and_leave_nothing(tmp_path: Path, name: str, bad: float) -> None:
    folder = Path(shutil.copytree(TINY, tmp_path / "model"))
    weights = {key: value.copy() for key, value in load_file(folder / "model.safetensors").items()}
    weights[name].reshape(-1)[7] = bad
    save_file(weights, folder / "model.safetensors")
    request = BuildRequest(kind="site", models=(str(folder),), cache_dir=tmp_path / "cache")
    with Cache(request.cache_dir) as cache:
        recipe = Recipe.read(request, cache, Silent())
        with pytest.raises(MalformedFile, match=f"tensor {name} holds infinities or NaNs"):
            store_weights(recipe, cache, Silent())
        assert not [*request.cache_dir.iterdir()]


def test_a_model_of_another_architecture_than_its_config_says_is_told(tmp_path: Path) -> None:
    """All of its tensors are of a shape that the other has, too, but for those that it lacks."""
    checkpoint: Checkpoint = open_folder(TINY, "tiny")
    for kind in ("qwen2", "qwen3", "gemma3_text", "phi3"):
        with pytest.raises(SourceError):
            load_model(dataclasses.replace(checkpoint, config={**checkpoint.config, "model_type": kind}))


def test_the_folder_that_one_is_in_is_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path without a name; an empty one is none."""
    cache = Cache(tmp_path / "cache")
    monkeypatch.chdir(TINY)
    assert open_checkpoint(".", CATALOG, cache).tensors.keys() == open_folder(TINY, "tiny").tensors.keys()
    with pytest.raises(ModelNotFound, match="no model is named ''"):
        open_checkpoint("", CATALOG, cache)
    with pytest.raises(MissingFile):
        open_checkpoint("/", CATALOG, cache)
