"""Models that were published with the files of sentence-transformers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from families import TOKENS, open_tiny, reference
from webllm_build.errors import MalformedFile, MissingFile, SourceError, UnsupportedArchitecture
from webllm_build.model import load_model
from webllm_build.model.numpy_operators import NumpyOperators
from webllm_build.source.embedding import Embedding
from webllm_build.source.local import open_folder

MEAN = {"word_embedding_dimension": 64, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
LAST = {"word_embedding_dimension": 64, "pooling_mode_mean_tokens": False, "pooling_mode_lasttoken": True, "include_prompt": True}
PROMPTS = {"prompts": {"query": "find: ", "document": ""}, "default_prompt_name": None, "similarity_fn_name": "cosine"}


def write(folder: Path, family: str, pooling: dict[str, Any], *more: str, types: str = "sentence_transformers.models") -> Path:
    """A tiny model with these modules behind it."""
    open_tiny(family, "hugging_face", folder)
    kinds = ["Transformer", "Pooling", *more]
    paths = ["" if kind == "Transformer" else f"{index}_{kind}" for index, kind in enumerate(kinds)]
    say(folder, "modules.json", [{"path": path, "type": f"{types}.{kind}"} for kind, path in zip(kinds, paths, strict=True)])
    say(folder, "1_Pooling/config.json", pooling)
    return folder


def say(folder: Path, name: str, content: object) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(content), "utf-8")


def write_dense(folder: Path, name: str, weight: np.ndarray, activation: str = "torch.nn.modules.linear.Identity") -> None:
    outputs, inputs = weight.shape
    say(folder, f"{name}/config.json", {"in_features": inputs, "out_features": outputs, "bias": False, "activation_function": activation})
    save_file({"linear.weight": weight}, folder / name / "model.safetensors")


def embedding_of(folder: Path) -> Embedding | None:
    return open_folder(folder, "a model").embedding


def test_pooling_lengths_and_prompts_are_read(tmp_path: Path) -> None:
    folder = write(tmp_path, "bert", MEAN, "Normalize")
    assert embedding_of(folder) == Embedding("mean")
    say(folder, "sentence_bert_config.json", {"max_seq_length": 128, "do_lower_case": False})
    say(folder, "config_sentence_transformers.json", PROMPTS)
    assert embedding_of(folder) == Embedding("mean", max_tokens=128, prompts={"query": "find: ", "document": ""})
    say(folder, "1_Pooling/config.json", {"embedding_dimension": 64, "pooling_mode": "cls"})
    say(folder, "config_sentence_transformers.json", PROMPTS | {"default_prompt_name": "query"})
    found = embedding_of(folder)
    assert found is not None and (found.pooling, found.default_prompt) == ("cls", "query")


def test_a_decoder_is_an_embedding_model_where_files_say_so(tmp_path: Path) -> None:
    checkpoint = open_folder(write(tmp_path, "qwen3", LAST, "Normalize", types="sentence_transformers.base.modules"), "qwen3")
    model = load_model(checkpoint)
    assert model.head is None and model.pool is not None and not model.takes_whole_texts
    assert load_model(open_tiny("qwen3", "hugging_face", tmp_path / "other")).pool is None
    operators = NumpyOperators(checkpoint, model.norm_eps, TOKENS)
    states = model.normed(operators, model.hidden(operators))
    np.testing.assert_array_equal(model.vector(operators, model.pooled(operators, model.hidden(operators)))[0], states[-1])


def test_layers_behind_the_pooling_multiply(tmp_path: Path) -> None:
    folder, rng = write(tmp_path, "gemma3_text-embedding", MEAN, "Dense", "Dense", "Normalize"), np.random.default_rng(1)
    first, second = (rng.standard_normal(shape).astype(np.float32) / 8 for shape in ((96, 64), (32, 96)))
    write_dense(folder, "2_Dense", first)
    write_dense(folder, "3_Dense", second)
    checkpoint = open_folder(folder, "gemma")
    model = load_model(checkpoint)
    assert model.dimensions == 32 and model.takes_whole_texts
    operators = NumpyOperators(checkpoint, model.norm_eps, TOKENS)
    found = model.vector(operators, model.pooled(operators, model.hidden(operators)))[0]
    np.testing.assert_allclose(found, reference("gemma3_text-embedding").mean(0) @ first.T @ second.T, rtol=1e-4, atol=1e-4)
    other = checkpoint.digest
    write_dense(folder, "3_Dense", 2 * second)
    assert open_folder(folder, "gemma").digest != other
    write_dense(folder, "3_Dense", second[:, :64])
    with pytest.raises(UnsupportedArchitecture, match="makes 32 values of 64, behind 96"):
        load_model(open_folder(folder, "gemma"))
    write_dense(folder, "3_Dense", second, "torch.nn.modules.activation.Tanh")
    with pytest.raises(UnsupportedArchitecture, match="activation 'Tanh'"):
        open_folder(folder, "gemma")


@pytest.mark.parametrize(
    "pooling",
    [
        {"pooling_mode_max_tokens": True},
        {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True},
        {"pooling_mode": ["mean", "max"]},
        {"pooling_mode": {}},
        {"pooling_mode": "mean", "include_prompt": False},
    ],
)
def test_what_is_not_computed_is_refused(tmp_path: Path, pooling: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedArchitecture, match="1_Pooling"):
        embedding_of(write(tmp_path, "bert", pooling))


def test_other_modules_are_refused(tmp_path: Path) -> None:
    for more in (["LayerNorm"], ["Normalize", "Dense"], ["Normalize", "Normalize"]):
        with pytest.raises(UnsupportedArchitecture, match="has the modules"):
            embedding_of(write(tmp_path, "bert", MEAN, *more))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("modules.json", {"0": "Transformer"}),
        ("modules.json", [1, 2]),
        ("modules.json", [{}] * 100),
        ("modules.json", [{"type": "Transformer", "path": ""}, {"type": "Pooling", "path": "../1_Pooling"}]),
        ("modules.json", [{"type": "Transformer", "path": ""}, {"type": "Pooling", "path": "/etc"}]),
        ("modules.json", [{"type": "Transformer", "path": ""}, {"type": "Pooling", "path": "none"}]),
        ("config_sentence_transformers.json", {"prompts": ["query"]}),
        ("config_sentence_transformers.json", {"prompts": {"query": 1}}),
        ("config_sentence_transformers.json", {"prompts": {"query": "x" * 10000}}),
        ("config_sentence_transformers.json", {"prompts": {}, "default_prompt_name": "query"}),
    ],
)
def test_broken_files_are_told(tmp_path: Path, name: str, content: object) -> None:
    folder = write(tmp_path, "bert", MEAN)
    say(folder, name, content)
    with pytest.raises((MalformedFile, MissingFile, SourceError)):
        embedding_of(folder)


def test_tensors_of_models_with_a_head_have_a_prefix(tmp_path: Path) -> None:
    """And those of the first checkpoints other names for norms."""
    from safetensors.numpy import load_file

    open_tiny("bert", "hugging_face", tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    end = {name: next((end for end in old if name.endswith(end)), "") for name in tensors}
    renamed = {f"bert.{name.removesuffix(end[name])}{old.get(end[name], '')}": tensor for name, tensor in tensors.items()}
    save_file(renamed | {"cls.predictions.bias": np.zeros(300, np.float16)}, tmp_path / "model.safetensors")
    checkpoint = open_folder(tmp_path, "bert")
    model = load_model(checkpoint)
    operators = NumpyOperators(checkpoint, model.norm_eps, TOKENS)
    np.testing.assert_allclose(model.hidden(operators), reference("bert"), atol=1e-4)
