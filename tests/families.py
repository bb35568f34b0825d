"""The tiny random models of the families beside Llama, as tests/golden/make_tiny_models.py writes them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from webllm_build.model.wrappers import text_of
from webllm_build.source.checkpoint import Checkpoint, Format
from webllm_build.source.gguf import open_gguf
from webllm_build.source.local import open_folder

TESTS = Path(__file__).parent
REFERENCE = TESTS / "golden" / "reference"
TOKENS: list[int] = json.loads((REFERENCE / "tiny-models.json").read_text("utf-8"))["tokens"]
FORKED: list[int] = json.loads((REFERENCE / "tiny-models.json").read_text("utf-8"))["forked"]  # another text, which begins as TOKENS
FIXTURES = TESTS / "fixtures"
# What has a recipe is tested: a family, or FAMILY-SOMETHING, another kind of its models.
RECIPES: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text("utf-8")) for path in sorted((TESTS / "golden" / "tiny_models").glob("*.json"))
}
# What is another family to the compiler is compared on NumPy operators alone.
ALIKE = [name for name, recipe in RECIPES.items() if "like" in recipe]


def _has_head(recipe: dict[str, Any]) -> bool:
    return re.search("(?<!LMHead)Model$", recipe["config"]["architectures"][0]) is None


# Of those without a head, which make vectors of texts: their references are last hidden states.
ENCODERS = [name for name, recipe in RECIPES.items() if name not in ALIKE and not _has_head(recipe)]
FAMILIES = [name for name in RECIPES if name not in ENCODERS + ALIKE]


def formats(family: str) -> tuple[Format, ...]:
    """Those that the family is tested in: of some llama.cpp's converter makes another."""
    return ("hugging_face", "gguf") if (FIXTURES / f"tiny-{family}" / "model.gguf").is_file() else ("hugging_face",)


def vector_error(family: str) -> float:
    """How far kernels' vectors may be from transformers': float16, which fixtures' weights are stored in, rounds the sums that Nomic's
    embeddings are."""
    return 3e-5 if family == "nomic_bert" else 1e-5


def reference(family: str) -> npt.NDArray[np.floating[Any]]:
    """By transformers in float32: the logits after each of TOKENS, [tokens, vocabulary]."""
    logits: npt.NDArray[np.floating[Any]] = np.load(REFERENCE / f"tiny-{family}.npy")
    return logits


def references(family: str) -> npt.NDArray[np.floating[Any]]:
    """And behind them those after the tokens of FORKED that TOKENS does not begin with."""
    return np.concatenate([reference(family), reference(f"{family}-fork")])


def open_tiny(family: str, format: Format, folder: Path) -> Checkpoint:
    """`folder` is where the model is put together with a tokenizer. Of a model of more than text, its text."""
    source = FIXTURES / f"tiny-{family}"
    if format == "gguf":
        return open_gguf(source / "model.gguf")
    shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.gguf"))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(FIXTURES / "tiny-llama" / name, folder)
    return text_of(open_folder(folder, f"tiny-{family}"))
