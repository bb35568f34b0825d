"""The tiny random models that hear, and what transformers makes of some sounds, as tests/golden/make_tiny_vision.py writes them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from families import FIXTURES, REFERENCE
from packed_model import PackedModel
from webllm_build.model.audio import Audio, audio_of
from webllm_build.model.audio.numpy_audio import Frames
from webllm_build.source.local import open_folder

HEARING = ["gemma4"]
PROCESSOR = {"rate": 16000, "hop": 160, "bins": 32, "seconds": 1.2}
Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Hearing:
    """sounds: what comes in, and the vectors that transformers makes of it."""

    audio: Audio
    sounds: list[tuple[Frames, Array]]

    @staticmethod
    def of(family: str, folder: Path) -> Hearing:
        """folder: where the model is put together with a tokenizer."""
        shutil.copytree(FIXTURES / f"tiny-vision-{family}", folder, dirs_exist_ok=True)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(FIXTURES / "tiny-llama" / name, folder)
        audio = audio_of(open_folder(folder, f"tiny-vision-{family}"), PROCESSOR)
        assert audio is not None
        read = np.load(REFERENCE / f"tiny-audio-{family}.npz")
        sounds = [(Frames.of(read[f"features{number}"]), read[f"vectors{number}"]) for number in range(len(read.files) // 2)]
        return Hearing(audio, sounds)

    def packed(self, names: Mapping[str, str]) -> PackedModel:
        """names: as PackedModel takes them."""
        conformer = self.audio.conformer
        return PackedModel.of_model(self.audio.checkpoint, conformer, names, conformer.most, conformer.most)
