"""What config.json files of Falcon-H1 say beside what the fixture's says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from families import FIXTURES, open_tiny
from webllm_build.cache import Cache
from webllm_build.config import BuildRequest
from webllm_build.errors import UnsupportedArchitecture
from webllm_build.model import read_model
from webllm_build.progress import Silent
from webllm_build.recipe import Recipe
from webllm_build.weights import store_weights

CONFIG: dict[str, Any] = json.loads((FIXTURES / "tiny-falcon_h1" / "config.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mamba_rms_norm": True, "mamba_n_groups": 65, "mamba_n_heads": 130, "mamba_d_ssm": 2080}, "65 groups"),
        ({"mamba_d_head": 8}, r"mamba_n_heads \* mamba_d_head is 6 \* 8, and mamba_d_ssm 96"),
        ({"ssm_multipliers": [1.0]}, "5 numbers"),
        ({"mlp_multipliers": [1.0, "x"]}, "2 numbers"),
        ({"hidden_act": "gelu"}, "hidden_act"),
    ],
)
def test_what_is_not_computed_is_refused_by_name(change: dict[str, object], message: str) -> None:
    with pytest.raises(UnsupportedArchitecture, match=message):
        read_model("a model", CONFIG | change)


def test_a_norm_and_biases_are_there_where_the_config_says_so() -> None:
    added = {"mamba_rms_norm": True, "mamba_n_groups": 1, "mamba_proj_bias": True, "projectors_bias": True, "attention_bias": True}
    found = [{weight.name for weight in read_model("a model", config).weights} for config in (CONFIG, CONFIG | added)]
    names = ("qkv_bias", "o_bias", "mamba_in_bias", "mamba_norm", "mamba_out_bias")
    assert found[1] - found[0] == {f"layers.{layer}.{name}" for layer in range(2) for name in names}


def test_sizes_that_are_not_said_follow_from_others() -> None:
    automatic = CONFIG | {"mamba_d_head": "auto", "mamba_d_ssm": None, "mamba_n_heads": 8}
    said = CONFIG | {"mamba_d_head": 16, "mamba_d_ssm": 128, "mamba_n_heads": 8}
    assert read_model("a model", automatic).description == read_model("a model", said).description


def test_weights_are_packed_again_for_other_factors(tmp_path: Path) -> None:
    """The compiler does not see them, nor do the files of weights."""
    open_tiny("falcon_h1", "hugging_face", tmp_path / "model")
    request = BuildRequest(kind="site", models=(str(tmp_path / "model"),), cache_dir=tmp_path / "cache")
    found = []
    for factor in (0.875, 0.5):
        (tmp_path / "model" / "config.json").write_text(json.dumps(CONFIG | {"ssm_out_multiplier": factor}), "utf-8")
        with Cache(request.cache_dir) as cache:
            recipe = Recipe.read(request, cache, Silent())
            found.append((recipe.model.description, tuple(shard.sha256 for shard in store_weights(recipe, cache, Silent()).shards)))
    (first, shards), (second, others) = found
    assert first == second and shards != others
