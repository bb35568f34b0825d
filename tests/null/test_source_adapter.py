"""LoRA adapters: what they make of a model, against the peft library, and what does not fit or is no adapter."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import load_file, save_file
from tiny_models import hugging_face_weights, write_gguf

import families
from webllm_build.config import BuildRequest
from webllm_build.errors import MalformedFile, MissingFile, ModelNotFound, ModelWarning, SourceError, UnsupportedArchitecture
from webllm_build.model import load_model
from webllm_build.model.numpy_operators import NumpyOperators
from webllm_build.progress import Silent
from webllm_build.recipe import Recipe
from webllm_build.source import adapter as adapters, open_checkpoint
from webllm_build.source.adapter import open_adapter
from webllm_build.source.checkpoint import Checkpoint
from webllm_build.source.gguf import open_gguf
from webllm_build.source.local import open_folder
from webllm_build.source.merge import merge

TESTS = Path(__file__).parents[1]
MODEL = TESTS / "fixtures" / "tiny-llama"
ADAPTER, FUSED = TESTS / "fixtures" / "tiny-llama-adapter", TESTS / "fixtures" / "tiny-phi3-adapter"
REFERENCE = TESTS / "golden" / "reference"
Q = "base_model.model.model.layers.0.self_attn.q_proj"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ADAPTER, tmp_path / "adapter"))


def merged(folder: Path = ADAPTER, model: Checkpoint | None = None) -> Checkpoint:
    return merge(model or open_folder(MODEL, "tiny-llama"), open_adapter(str(folder), Silent()))


def change(folder: Path, tensors: dict[str, Any] | None = None, **config: object) -> Path:
    """An adapter with other tensors (None takes one away) and other keys."""
    weights = {**load_file(folder / "adapter_model.safetensors"), **(tensors or {})}
    save_file({name: value for name, value in weights.items() if value is not None}, folder / "adapter_model.safetensors")
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **config}))
    return folder


@pytest.mark.parametrize("tied", [False, True])
def test_logits_equal_those_of_peft(tied: bool) -> None:
    """Of a tied model the adapter changes embedding and head each in its own way: they are two matrices then."""
    model = open_folder(MODEL, "tiny-llama")
    if tied:
        tensors = {name: tensor for name, tensor in model.tensors.items() if name != "lm_head.weight"}
        model = replace(model, tensors=tensors, config={**model.config, "tie_word_embeddings": True})
    checkpoint = merged(model=model)
    decoder = load_model(checkpoint)
    assert not decoder.tied
    prompt = json.loads((REFERENCE / "tiny-llama.json").read_text())["prompt_ids"][:24]
    operators = NumpyOperators(checkpoint, decoder.norm_eps, prompt)
    logits = decoder.logits(operators, decoder.hidden(operators))[-4:]
    expected = np.load(REFERENCE / "tiny-llama-adapter.npy")[int(tied)]
    assert np.linalg.norm(logits - expected) < 1e-5 * np.linalg.norm(expected)


def test_projections_that_are_one_matrix_are_adapted_as_one(tmp_path: Path) -> None:
    checkpoint = merge(families.open_tiny("phi3", "hugging_face", tmp_path), open_adapter(str(FUSED), Silent()))
    decoder = load_model(checkpoint)
    prompt = json.loads((REFERENCE / "tiny-llama.json").read_text())["prompt_ids"][:24]
    operators = NumpyOperators(checkpoint, decoder.norm_eps, prompt)
    logits = decoder.logits(operators, decoder.hidden(operators))[-4:]
    expected = np.load(REFERENCE / "tiny-phi3-adapter.npy")
    assert np.linalg.norm(logits - expected) < 1e-5 * np.linalg.norm(expected)


@pytest.mark.parametrize(
    ("family", "table", "head"), [("exaone", "transformer.wte", "lm_head"), ("gpt_neox", "gpt_neox.embed_in", "embed_out")]
)
def test_an_embedding_of_another_name_leaves_the_head_as_it_was(tmp_path: Path, family: str, table: str, head: str) -> None:
    model = families.open_tiny(family, "hugging_face", tmp_path / "model")
    tensors = {name: tensor for name, tensor in model.tensors.items() if name != f"{head}.weight"}
    tied = replace(model, tensors=tensors, config={**model.config, "tie_word_embeddings": True})
    before = tied.tensors[f"{table}.weight"].dequantize()
    a, b = np.ones((2, len(before)), np.float32), np.ones((before.shape[1], 2), np.float32)
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 2, "lora_alpha": 2}))
    parts = {f"base_model.model.{table}.lora_embedding_{part}": value for part, value in (("A", a), ("B", b))}
    save_file(parts, tmp_path / "adapter" / "adapter_model.safetensors")
    checkpoint = merged(tmp_path / "adapter", tied)
    assert not load_model(checkpoint).tied
    np.testing.assert_array_equal(checkpoint.tensors[f"{table}.weight"].dequantize(), before + 2)
    np.testing.assert_array_equal(checkpoint.tensors[f"{head}.weight"].dequantize(), before)


def test_gpt_neoxs_head_has_its_newer_name_in_adapters(tmp_path: Path) -> None:
    model = families.open_tiny("gpt_neox", "hugging_face", tmp_path / "model")
    before = model.tensors["embed_out.weight"].dequantize()
    parts = {"A": np.ones((2, before.shape[1]), np.float32), "B": np.ones((len(before), 2), np.float32)}
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 2, "lora_alpha": 2}))
    for head in ("lm_head", "embed_out"):
        named = {f"base_model.model.{head}.lora_{part}.weight": value for part, value in parts.items()}
        save_file(named, tmp_path / "adapter" / "adapter_model.safetensors")
        np.testing.assert_array_equal(merged(tmp_path / "adapter", model).tensors["embed_out.weight"].dequantize(), before + 2)


def test_matrices_with_columns_as_rows_are_adapted_as_such(tmp_path: Path) -> None:
    """As GPT-2's, of which a square one does not show it."""
    model = families.open_tiny("gpt2", "hugging_face", tmp_path / "model")
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 2, "lora_alpha": 2}))
    name, parts, expected = "transformer.h.1.attn.{}", dict[str, npt.NDArray[np.float32]](), dict[str, npt.NDArray[np.float32]]()
    for part, outputs in (("c_attn", 192), ("c_proj", 64)):
        a, b = (np.arange(size * 2, dtype=np.float32) for size in (64, outputs))
        stem = f"base_model.model.{name.format(part)}"
        parts |= {f"{stem}.lora_A.weight": a.reshape(2, 64), f"{stem}.lora_B.weight": b.reshape(outputs, 2)}
        expected[part] = (b.reshape(outputs, 2) @ a.reshape(2, 64)).T
    save_file(parts, tmp_path / "adapter" / "adapter_model.safetensors")
    checkpoint = merged(tmp_path / "adapter", model)
    for part, added in expected.items():
        before, after = (each.tensors[f"{name.format(part)}.weight"].dequantize() for each in (model, checkpoint))
        np.testing.assert_allclose(after, before + added)


def test_only_what_it_names_changes() -> None:
    before, after = open_folder(MODEL, "tiny-llama"), merged()
    changed = {name for name in before.tensors if (before.tensors[name].dequantize() != after.tensors[name].dequantize()).any()}
    parts = ("q_proj", "v_proj", "gate_proj", "down_proj", "embed_tokens", "lm_head")
    assert changed == {name for name in before.tensors if any(part in name for part in parts)}
    assert after.name == "tiny-llama-tiny-llama-adapter"


def test_the_digest_is_of_both(folder: Path) -> None:
    digests = {open_folder(MODEL, "t").digest, merged().digest, merged(change(folder, lora_alpha=7)).digest}
    digests.add(merged(change(folder, {f"{Q}.lora_A.weight": np.ones((4, 96), np.float16)})).digest)
    assert len(digests) == 4
    assert merged().digest == merged().digest


def test_a_grown_vocabulary_comes_with_the_adapter(folder: Path) -> None:
    """peft saves both matrices then, and a tied model stays one."""
    table = np.ones((320, 96), np.float16)
    names = {f"base_model.model.model.embed_tokens.lora_embedding_{part}": None for part in "AB"}
    names |= {"base_model.model.model.embed_tokens.base_layer.weight": None}
    tables = {"base_model.model.model.embed_tokens.weight": table, "base_model.model.lm_head.weight": table}
    change(folder, {**names, **tables}, modules_to_save=None, target_modules=["q_proj"])
    decoder = load_model(merged(folder))
    assert (decoder.vocab_size, decoder.tied) == (320, False)
    model = open_folder(MODEL, "tiny-llama")
    without = {name: tensor for name, tensor in model.tensors.items() if name != "lm_head.weight"}
    decoder = load_model(merged(folder, replace(model, tensors=without, config={**model.config, "tie_word_embeddings": True})))
    assert (decoder.vocab_size, decoder.tied) == (320, True)


def test_the_adapters_tokenizer_is_taken(folder: Path) -> None:
    for path in MODEL.glob("*token*"):
        shutil.copy(path, folder)
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "chat_template": "mine"}))
    assert merged(folder).tokenizer.config["chat_template"] == "mine"
    assert merged().tokenizer.config["chat_template"] != "mine"


def test_names_of_other_versions_of_the_library_are_found(folder: Path) -> None:
    weights = load_file(folder / "adapter_model.safetensors")
    renamed = {name.replace("base_model.model.model.", "base_model.model.model.language_model."): value for name, value in weights.items()}
    save_file(renamed, folder / "adapter_model.safetensors")
    change(folder, rank_pattern={"layers.1.self_attn.q_proj": 8, r".*layers\.\d+\.mlp\.down_proj": 2}, alpha_pattern={"v_proj": 3})
    assert merged(folder).tensors.keys() == open_folder(MODEL, "t").tensors.keys()


ZERO = np.zeros((8, 8), np.float16)
WRONG: dict[str, tuple[dict[str, Any], dict[str, object], type[SourceError], str]] = {
    "DoRA": ({}, {"use_dora": True}, UnsupportedArchitecture, "DoRA"),
    "DoRA's magnitudes": ({f"{Q}.lora_magnitude_vector": np.ones(192, np.float16)}, {}, UnsupportedArchitecture, "lora_magnitude_vector"),
    "another kind": ({}, {"peft_type": "LOHA"}, UnsupportedArchitecture, "LOHA"),
    "no kind": ({}, {"peft_type": None}, UnsupportedArchitecture, "type None"),
    "a beginning that changed the model": ({}, {"init_lora_weights": "pissa_niter_16"}, UnsupportedArchitecture, "pissa"),
    "more layers": ({}, {"layer_replication": [[0, 2]]}, UnsupportedArchitecture, "layer_replication"),
    "activated": ({}, {"alora_invocation_tokens": [1, 2]}, UnsupportedArchitecture, "alora_invocation_tokens"),
    "pooled": ({}, {"use_qalora": True}, UnsupportedArchitecture, "use_qalora"),
    "biases of its own": ({f"{Q}.lora_B.bias": np.ones(192, np.float16)}, {}, UnsupportedArchitecture, r"lora_B\.bias"),
    "an unknown key": ({}, {"use_magic": 1}, UnsupportedArchitecture, "use_magic"),
    "a name of something else": ({"diffusion.q.lora_A.weight": ZERO}, {}, UnsupportedArchitecture, "diffusion"),
    "half": ({f"{Q}.lora_B.weight": None}, {}, MalformedFile, "only one of the two"),
    "a convolution": ({f"{Q}.lora_A.weight": np.zeros((4, 96, 1), np.float16)}, {}, UnsupportedArchitecture, "not a matrix"),
    "another rank": ({}, {"rank_pattern": {}}, MalformedFile, "rank"),
    "rank 0": ({}, {"r": 0}, MalformedFile, "r has 0"),
    "rank true": ({}, {"r": True}, MalformedFile, "r has True"),
    "alpha of words": ({}, {"lora_alpha": "x"}, MalformedFile, "lora_alpha has 'x'"),
    "alpha without bound": ({}, {"lora_alpha": 1e300}, MalformedFile, "lora_alpha"),
    "patterns as a list": ({}, {"rank_pattern": [1]}, MalformedFile, "rank_pattern"),
    "a pattern that is none": ({}, {"alpha_pattern": {"(q": 1}}, MalformedFile, "alpha_pattern"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_not_lora_alone_is_refused(folder: Path, case: str) -> None:
    tensors, config, error, words = WRONG[case]
    with pytest.raises(error, match=words) as caught:
        merged(change(folder, tensors, **config))
    assert caught.value.hint


@pytest.mark.parametrize("pattern", [".?" * 40 + "!", "(.|.)" * 30 + "x"])
def test_a_pattern_that_takes_for_ever_is_stopped(folder: Path, monkeypatch: pytest.MonkeyPatch, pattern: str) -> None:
    monkeypatch.setattr(adapters, "MATCHING_SECONDS", 1)  # of computing, and ten of waiting on a busy machine
    change(folder, alpha_pattern={pattern: 1})
    with pytest.raises(MalformedFile, match=r"alpha_pattern takes more than 10? seconds") as caught:
        merged(folder)
    assert caught.value.hint


def test_an_adapter_for_another_model_says_what_does_not_fit(folder: Path) -> None:
    change(
        folder,
        {
            f"{Q}.lora_B.weight": np.zeros((256, 4), np.float16),
            "base_model.model.model.layers.7.mlp.up_proj.lora_A.weight": np.zeros((4, 96), np.float16),
            "base_model.model.model.layers.7.mlp.up_proj.lora_B.weight": np.zeros((128, 4), np.float16),
            "base_model.model.lm_head.weight": np.zeros((300, 64), np.float16),
        },
        base_model_name_or_path="org/Other-7B",
    )
    with pytest.raises(MalformedFile, match="for org/Other-7B, does not fit tiny-llama") as caught:
        merged(folder)
    for words in (r"q_proj.weight is [192, 96], and the adapter is for [256, 96]", "no model.layers.7.mlp.up_proj", "[300, 64]"):
        assert words in caught.value.message


def test_an_adapter_of_another_name_that_fits_is_a_note(folder: Path) -> None:
    with pytest.warns(ModelWarning, match="made for org/Tiny-Llama-Chat. It fits tiny-llama"):
        merged(change(folder, base_model_name_or_path="org/Tiny-Llama-Chat"))


def test_an_adapter_needs_the_model_in_its_own_format(tmp_path: Path) -> None:
    model = open_gguf(write_gguf(tmp_path / "tiny.gguf", hugging_face_weights()))
    with pytest.raises(UnsupportedArchitecture, match="is a GGUF") as caught:
        merged(model=model)
    assert "tests/tiny-llama" in caught.value.hint


def test_weights_that_are_not_finite_are_found_when_they_are_packed(folder: Path) -> None:
    change(folder, {f"{Q}.lora_A.weight": np.full((4, 96), np.inf, np.float16)})
    checkpoint = merged(folder)
    from webllm_build.quantize import SCHEMES, pack_weight

    weight = next(weight for weight in load_model(checkpoint).weights if weight.name == "layers.0.qkv")
    with pytest.raises(MalformedFile, match=r"the adapter adapter adds to model\.layers\.0\.self_attn\.q_proj\.weight holds"):
        pack_weight(weight, checkpoint, SCHEMES["q4"])
    head = np.full((300, 96), np.nan, np.float16)
    checkpoint = merged(change(folder, {"base_model.model.lm_head.weight": head}))
    weight = next(weight for weight in load_model(checkpoint).weights if weight.name == "head")
    with pytest.raises(MalformedFile, match=r"lm_head\.weight of the adapter adapter holds"):
        pack_weight(weight, checkpoint, SCHEMES["q4"])


def test_an_adapter_and_a_model_are_told_apart(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedArchitecture, match="is a model, and not an adapter") as caught:
        open_adapter(str(MODEL), Silent())
    assert f"--model {MODEL}" in caught.value.hint
    change(folder, base_model_name_or_path="org/base")
    with pytest.raises(UnsupportedArchitecture, match="is an adapter") as caught:
        open_folder(folder, "adapter")
    assert f"--model hf:org/base --adapter {folder}" in caught.value.hint
    with pytest.raises(ModelNotFound, match="no adapter nowhere"):
        open_adapter("nowhere", Silent())
    with pytest.raises(MissingFile, match=r"adapter_config\.json"):
        open_adapter(str(tmp_path), Silent())
    for reference in (str(folder / "adapter_config.json"), "hf:org/name/adapter.gguf"):
        with pytest.raises(UnsupportedArchitecture, match="as the peft library saves them"):
            open_adapter(reference, Silent())
    (folder / "adapter_model.safetensors").unlink()
    with pytest.raises(MissingFile, match=r"adapter_model\.safetensors"):
        open_adapter(str(folder), Silent())


def test_a_build_takes_an_adapter(tmp_path: Path) -> None:
    from webllm_build.cache import Cache
    from webllm_build.catalog import CATALOG

    with Cache(tmp_path) as cache:
        request = BuildRequest(kind="site", models=(str(MODEL),), adapter=str(ADAPTER), cache_dir=tmp_path)
        recipe = Recipe.read(request, cache, Silent())
        assert recipe.checkpoint.digest == merge(open_checkpoint(str(MODEL), CATALOG, cache), open_adapter(str(ADAPTER), Silent())).digest
    assert recipe.facts.id == "tiny-llama-tiny-llama-adapter-q4"
