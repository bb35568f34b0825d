"""The catalog: names, sources, and sizes that follow from shapes."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from webllm_build.catalog import CATALOG, CatalogEntry
from webllm_build.listing import ListedModel, MissingModel, list_models
from webllm_build.model import ARCHITECTURES
from webllm_build.source.huggingface import parse_reference
from webllm_build.source.pypi import REFERENCE as PACKAGES

# What WebLLM 0.2.86 has of models below 10 billion parameters that read text alone, without how weights are stored.
WEBLLM = """
    DeepSeek-R1-Distill-Llama-8B DeepSeek-R1-Distill-Qwen-7B Hermes-2-Pro-Llama-3-8B Hermes-2-Pro-Mistral-7B Hermes-2-Theta-Llama-3-8B
    Hermes-3-Llama-3.1-8B Hermes-3-Llama-3.2-3B Llama-2-7b-chat-hf Llama-3-8B-Instruct Llama-3.1-8B-Instruct Llama-3.2-1B-Instruct
    Llama-3.2-3B-Instruct Ministral-3-3B-Base-2512 Ministral-3-3B-Instruct-2512-BF16 Ministral-3-3B-Reasoning-2512
    Mistral-7B-Instruct-v0.2 Mistral-7B-Instruct-v0.3 NeuralHermes-2.5-Mistral-7B OLMo-2-0425-1B-Instruct OLMo-2-1124-7B-Instruct
    OpenHermes-2.5-Mistral-7B Phi-3-mini-4k-instruct Phi-3.5-mini-instruct Phi-4-mini-instruct Qwen2-0.5B-Instruct Qwen2-1.5B-Instruct
    Qwen2-7B-Instruct Qwen2-Math-1.5B-Instruct Qwen2-Math-7B-Instruct Qwen2.5-0.5B-Instruct Qwen2.5-1.5B-Instruct Qwen2.5-3B-Instruct
    Qwen2.5-7B-Instruct Qwen2.5-Coder-0.5B-Instruct Qwen2.5-Coder-1.5B-Instruct Qwen2.5-Coder-3B-Instruct Qwen2.5-Coder-7B-Instruct
    Qwen2.5-Math-1.5B-Instruct Qwen3-0.6B Qwen3-1.7B Qwen3-4B Qwen3-8B Qwen3.5-0.8B Qwen3.5-2B Qwen3.5-4B Qwen3.5-9B
    RedPajama-INCITE-Chat-3B-v1 SmolLM2-1.7B-Instruct SmolLM2-135M-Instruct SmolLM2-360M-Instruct TinyLlama-1.1B-Chat-v0.4
    TinyLlama-1.1B-Chat-v1.0 WizardMath-7B-V1.1 gemma-2-2b-it gemma-2-2b-jpn-it gemma-2-9b-it gemma-2b-it gemma-4-E2B-it gemma3-1b-it
    phi-1_5 phi-2 snowflake-arctic-embed-m snowflake-arctic-embed-s stablelm-2-zephyr-1_6b
"""
# As the Hub counts them, in checkpoints of these names.
PARAMETERS = {
    "smollm2-135m": 134515008, "smollm2-360m": 361821120, "smollm2-1.7b": 1711376384, "tinyllama-1.1b": 1100048384,
    "llama-3.2-1b": 1235814400, "llama-3.2-3b": 3212749824, "llama-3.1-8b": 8030261248, "llama-2-7b": 6738415616,
    "qwen2.5-0.5b": 494032768, "qwen2.5-1.5b": 1543714304, "qwen2.5-3b": 3085938688, "qwen2.5-7b": 7615616512,
    "qwen3-0.6b": 596049920, "qwen3-4b": 4022468096, "qwen3-8b": 8190735360, "gemma3-1b": 999885952, "gemma3-270m": 268098176,
    "phi-3.5-mini": 3821079552, "phi-4-mini": 3836021760, "mistral-7b": 7248023552, "phi-2": 2779683840,
    "smolvlm-256m": 256484928, "lfm2-vl-450m": 450822656, "lfm2-2.6b": 2569272320, "exaone-3.5-2.4b": 2405327360,
    "olmoe-1b-7b": 6919161856, "starcoder2-3b": 3030371328, "deepseek-coder-1.3b": 1346471936, "glm-edge-1.5b": 1593427968,
    "glm-edge-4b": 4327984128, "helium-1-preview-2b": 2172643840,
    "gpt2": 124439808, "gpt2-medium": 354823168, "gpt2-large": 774030080, "gpt2-xl": 1557611200, "distilgpt2": 81912576,
}


@pytest.fixture(scope="module")
def listed() -> dict[str, ListedModel | MissingModel]:
    return {item.entry.name: item for item in list_models("")}


def entry(name: str) -> CatalogEntry:
    found = CATALOG.find(name)
    assert found is not None, name
    return found


def test_sources_are_well_formed_and_need_no_account() -> None:
    for entry in CATALOG.entries:
        if entry.source.startswith("pypi:"):
            assert PACKAGES.fullmatch(entry.source)
        else:
            assert parse_reference(entry.source).organization not in ("meta-llama", "google")
        if entry.original is not None:
            assert parse_reference(entry.original) and entry.note is not None
            assert entry.original in entry.note and parse_reference(entry.source).id in entry.note


def test_names_are_unique_and_found_in_any_case() -> None:
    names = [name for entry in CATALOG.entries for name in entry.names]
    assert len(set(names)) == len(names) and len(CATALOG.entries) >= 80
    assert all(name == name.lower() and CATALOG.find(name.upper()) is not None for name in names)
    assert all(entry.kind in ("chat", "text", "embed") and entry.license for entry in CATALOG.entries)


@pytest.mark.parametrize("suffix", ["-q4f16_1-MLC", "-q4f32_1-MLC", "-q0f16-MLC", "-q4f16_1-MLC-1k", "-q0f32-MLC-b4", ""])
def test_webllms_names_are_known(suffix: str) -> None:
    for name in WEBLLM.split():
        assert entry(name + suffix)
    assert CATALOG.find("unknown" + suffix) is None


def test_a_repository_that_asks_for_an_account_has_its_copy() -> None:
    copy = CATALOG.copy_of("hf:meta-llama/Llama-3.2-3B-Instruct@main")
    assert copy is not None and copy.name == "llama-3.2-3b"
    assert CATALOG.copy_of("hf:Qwen/Qwen3-0.6B") is None


def test_shapes_are_those_of_the_models(listed: dict[str, ListedModel | MissingModel]) -> None:
    for name, count in PARAMETERS.items():
        item = listed[name]
        assert isinstance(item, ListedModel), name
        assert item.parameters == count, name


def test_what_is_listed_can_be_built(listed: dict[str, ListedModel | MissingModel]) -> None:
    for item in listed.values():
        if isinstance(item, MissingModel):
            assert item.entry.shape["model_type"] not in ARCHITECTURES, f"{item.entry.name}: {item.why}"
            continue
        download = item.download
        assert download["q4"] < download["q4a"] < download["q8"] < download["f16"]
        assert download["q4"] <= download["auto"] < download["f16"]
        # Half of these stays in storage.
        assert (item.memory > download["auto"]) != (item.entry.name in ("gemma4-e2b", "gemma4-e4b"))
        # From 4.5 bits of all weights to 16, and what vectors have more.
        # What sees has 8.
        most = 1.0 if "pictures" in item.takes else 0.6
        assert 4.5 / 8 * item.parameters < download["q4"] < most * item.parameters and download["f16"] < 2.05 * item.parameters


def test_sizes_are_of_all_that_is_built(listed: dict[str, ListedModel | MissingModel]) -> None:
    """What sees and what hears, too; of a quantized file those that it keeps."""
    hearing = {name for name, item in listed.items() if isinstance(item, ListedModel) and "sounds" in item.takes}
    assert hearing == {"gemma4-e2b", "gemma4-e4b"}
    heard, bonsai, floats = (listed[name] for name in ("gemma4-e2b", "bonsai-1.7b", "qwen3-1.7b"))
    assert isinstance(heard, ListedModel) and isinstance(bonsai, ListedModel) and isinstance(floats, ListedModel)
    assert heard.takes == ("text", "pictures", "sounds") and 5.05e9 < heard.parameters < 5.15e9
    assert bonsai.download["auto"] == bonsai.download["q4"] < floats.download["auto"]
    assert [item.entry.name for item in list_models("gemma4 sounds")] == ["gemma4-e2b", "gemma4-e4b"]
    assert "smolvlm-256m" in [item.entry.name for item in list_models("vision")]


def test_the_command_lists_filters_and_writes_json() -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "webllm_build", "models", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    table = run("llama 3.2")
    names = [line.split()[0] for line in table.stdout.splitlines() if re.search(r"[0-9] GB", line)]
    assert table.returncode == 0 and names == ["llama-3.2-1b", "llama-3.2-3b", "hermes-3-3b"]
    (model,) = json.loads(run("qwen3-0.6b", "--json").stdout)
    assert model["parameters"] == PARAMETERS["qwen3-0.6b"] and model["source"] == "hf:Qwen/Qwen3-0.6B@main"
    nothing = run("smolm2")
    assert nothing.returncode == 1 and "Did you mean smollm2" in nothing.stderr
