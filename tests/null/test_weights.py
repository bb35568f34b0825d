"""Weights are read some rows at a time, and packing goes on where it was interrupted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import families
from webllm_build import weights
from webllm_build.cache import Cache
from webllm_build.config import BuildRequest
from webllm_build.model import load_model
from webllm_build.package import model_folder
from webllm_build.progress import Silent
from webllm_build.quantize import Packed, pack_part
from webllm_build.recipe import Recipe
from webllm_build.weights import store_weights

TINY = Path(__file__).parents[1] / "fixtures" / "tiny-llama"
STEP = 7  # rows, which no head and no expert has a multiple of


@pytest.mark.parametrize("family", families.FAMILIES + families.ENCODERS)
def test_rows_of_a_part_are_those_of_the_whole(family: str, tmp_path: Path) -> None:
    for format in families.formats(family):
        checkpoint = families.open_tiny(family, format, tmp_path)
        for weight in load_model(checkpoint).weights:
            for tensor in weight.tensors(checkpoint):
                pieces = [tensor.rows(first, min(first + STEP, tensor.count)) for first in range(0, tensor.count, STEP)]
                np.testing.assert_array_equal(np.concatenate(pieces), tensor.read())
            if weight.kind == "linear":
                tensors = weight.tensors(checkpoint)
                below = np.concatenate([tensor.dequantize() for tensor in tensors])
                np.testing.assert_array_equal(below[weight.origins(tensors)], weight.values(checkpoint))


def test_packing_goes_on_where_it_was_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is measured or packed twice but the shard that was not whole, and the result is the same."""
    monkeypatch.setattr(model_folder.write_weights, "__defaults__", (None, 20_000, None))
    packed: list[str] = []

    def counted(part: Any, *others: Any) -> Sequence[Packed]:
        if len(packed) == stop:
            raise KeyboardInterrupt
        packed.append(part.name)
        return pack_part(part, *others)

    def shards(cache_dir: Path) -> dict[str, bytes]:
        request = BuildRequest(kind="site", models=(str(TINY),), cache_dir=cache_dir)
        with Cache(cache_dir) as cache:
            stored = store_weights(Recipe.read(request, cache, Silent()), cache, Silent())
            return {path.name: path.read_bytes() for path in stored.folder.iterdir()}

    monkeypatch.setattr(weights, "pack_part", counted)
    stop = -1
    whole = shards(tmp_path / "whole")
    names, stop = [*packed], 12
    packed.clear()
    with pytest.raises(KeyboardInterrupt):
        shards(tmp_path / "cut")
    assert packed == names[:stop]
    stop = -1
    packed.clear()
    monkeypatch.setattr(weights, "importances", lambda *_: pytest.fail("measured again"))
    assert shards(tmp_path / "cut") == whole
    assert 0 < len(packed) < len(names) - 8 and packed == names[-len(packed) :]
