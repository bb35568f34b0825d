"""The tiny random models that see, as tests/golden/make_tiny_vision.py writes them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from families import FIXTURES, REFERENCE, TESTS
from packed_model import CHUNK, EXACT, PackedModel
from webllm_build.model import load_model
from webllm_build.model.decoder import Decoder
from webllm_build.model.vision import Vision, vision_of
from webllm_build.model.vision.numpy_tower import Pictures
from webllm_build.model.vision.tower import Batch, Tower
from webllm_build.model.wrappers import text_of
from webllm_build.source.checkpoint import Checkpoint
from webllm_build.source.local import open_folder

RECIPES: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text("utf-8")) for path in sorted((TESTS / "golden" / "tiny_vision").glob("*.json"))
}
# But for those that are another to the compiler, which are compared on NumPy operators alone.
TOWERS = [family for family, recipe in RECIPES.items() if "like" not in recipe]
MOST = 256  # patches of a call
# Cosines of vectors by codes of 8 bits: of FastVLM no norm stands between blocks, and errors grow with what they are of.
LEAST = {"fast_vlm": 0.985}
CODES = dict.fromkeys(EXACT, "q8") | {"positions": "f16"}  # as a build has them
Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Seeing:
    """A model of text and its part for pictures, and what transformers makes of some pictures and of a prompt with them, in float32.

    tokens: of the prompt, -1 for those of pictures; rows: for each token its vector, zeros where it is of text;
    positions: of each by axis, where there are several. vectors: in the order of patches."""

    text: Checkpoint
    model: Decoder
    vision: Vision
    pictures: Pictures
    vectors: Array
    tokens: Sequence[int]
    rows: Array
    positions: npt.NDArray[np.int32] | None
    logits: Array

    @staticmethod
    def of(family: str, folder: Path) -> Seeing:
        """folder: where the model is put together with a tokenizer."""
        shutil.copytree(FIXTURES / f"tiny-vision-{family}", folder, dirs_exist_ok=True)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(FIXTURES / "tiny-llama" / name, folder)
        checkpoint = open_folder(folder, f"tiny-vision-{family}")
        read = np.load(REFERENCE / f"tiny-vision-{family}.npz")
        taps = read["taps"].shape[1] if "taps" in read else 1
        vision = vision_of(checkpoint, Batch(MOST, taps, int(np.ptp(read["spans0"], axis=1).max()) + 1))
        assert vision is not None
        text = text_of(checkpoint, sees=True)
        made = read["made"] if "made" in read else read["vectors"][read["order"]] if "order" in read else read["vectors"]
        positions = read.get("token_positions")
        spans = [read[name] for name in ("spans0", "spans1") if name in read]
        pictures = Pictures(read["patches"], read["taps"], read["factors"], spans, read["positions"])
        rows = np.zeros((len(read["tokens"]), read["vectors"].shape[1]), np.float32)
        rows[read["tokens"] < 0] = read["vectors"]
        model = load_model(text, vision.pictures)
        return Seeing(text, model, vision, pictures, made, read["tokens"].tolist(), rows, positions, read["logits"])


    @property
    def io(self) -> dict[str, Any]:
        return io_of(self.vision.tower, self.pictures)

    @property
    def group(self) -> int:
        """Patches of a vector."""
        return self.vision.tower.projector.group

    def packed(self, names: Mapping[str, str]) -> tuple[PackedModel, PackedModel]:
        """The tower and the text. names: as PackedModel takes them."""
        tower = self.vision.tower
        return (
            PackedModel.of_model(self.vision.checkpoint, tower, names, tower.most, tower.most),
            PackedModel.of_model(self.text, self.model, names, 256, CHUNK),
        )


def io_of(tower: Tower, given: Pictures) -> dict[str, Any]:
    """What a call of a tower reads, by io buffers."""
    taps = {"taps": given.taps, "factors": given.factors} if tower.patches.positions else {}
    around = {"neighbours": given.neighbours(tower.neighbours)} if tower.neighbours else {}
    return {"patches": given.patches, **taps, **around, **{f"spans{number}": spans for number, spans in enumerate(given.spans)}}


def cosines(found: Array, expected: Array) -> Array:
    """Of each row."""
    of_rows: Array = (found * expected).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(expected, axis=1)
    return of_rows


def difference(found: Array, expected: Array) -> float:
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))
