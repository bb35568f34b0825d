"""The Web Platform Tests of the Prompt API, on a package's `/prompt-api` with a small random model.

They are taken from the checkout that the variable WPT names, or from GitHub; where neither is there, this is skipped.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from open_page import TESTS, page_console
from runtimes import npm_package
from webllm_build.cache import Cache
from webllm_build.config import default_cache_dir

PAGE = TESTS / "peer" / "prompt_api"
LISTING = "https://api.github.com/repos/web-platform-tests/wpt/git/trees/master:ai?recursive=1"
RAW = "https://raw.githubusercontent.com/web-platform-tests/wpt/master/ai/"
HARNESS = ("wpt-runner@5.0.0", "package/testharness/testharness.js")

# Files of these names need what is not there: a model that says back what it is told, activation by the user, pictures and sounds, other
# documents, the collector.
LEFT_OUT = re.compile(r"multimodal|user-activation|iframe|destroyed|gc\.|garbage|params|echo|tool-use|sampling-mode-extension")
# Tests that fail, by words of their names or messages, and why.
KNOWN = {
    r"assert_regexp_match|capital of France|echo": "a random model does not know, and does not say, what it was told",
    r"model prefix": "a constraint holds what comes behind a prefix, and not both together",
    r"increases from a simple LanguageModel\.prompt": "a template puts marks around a message, which count",
    r'"unk"': "which languages a model knows is not known",
    r"destroy": "what ends a destroyed session is called differently by tests of different years",
    r"only topK|only temperature|topK should be rounded": "topK and temperature are extensions' alone",
}


def _fetch(folder: Path) -> None:
    def read(url: str) -> bytes:
        with urllib.request.urlopen(url, timeout=60) as answer:
            data: bytes = answer.read()
        return data

    tree = json.loads(read(LISTING))["tree"]
    paths = [entry["path"] for entry in tree if entry["path"].startswith("language-model/") and entry["path"].endswith(".window.js")]
    for path in ["resources/util.js", *paths]:
        target = folder / "ai" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(read(RAW + path))


@pytest.fixture(scope="module")
def checkout() -> Path:
    """A folder with `ai/` of the Web Platform Tests."""
    if named := os.environ.get("WPT"):
        return Path(named)
    try:
        with Cache(default_cache_dir()) as cache:
            return cache.entry("peer", {"wpt": "ai"}, _fetch, lambda folder: (folder / "ai" / "resources" / "util.js").is_file())
    except OSError as error:
        pytest.skip(f"the Web Platform Tests cannot be had: {error}")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("package") / "package"
    options = ["--package-name", "tiny", "--variant", "f32", "--weights", "bundle"]
    build: list[str | Path] = [sys.executable, "-m", "webllm_build", "npm", "--model", TESTS / "fixtures" / "tiny-llama", "--out", out]
    subprocess.run([*build, *options], check=True, capture_output=True)
    return out


def test_web_platform_tests(checkout: Path, package: Path, chromium_path: Path, tmp_path: Path) -> None:
    """All pass but what KNOWN names."""
    harness = npm_package(*HARNESS) / HARNESS[1]
    wpt = tmp_path / "wpt"
    (wpt / "resources").mkdir(parents=True)
    (wpt / "resources" / "testharness.js").write_bytes(harness.read_bytes())
    for folder in ("resources", "language-model"):
        shutil.copytree(checkout / "ai" / folder, wpt / "ai" / folder)
    files = sorted(path.relative_to(checkout).as_posix() for path in (checkout / "ai" / "language-model").rglob("*.window.js"))
    tried = [name for name in files if not LEFT_OUT.search(name)]
    roots = {"wpt": wpt, "package": package, "page": PAGE}
    failed, passed = [], 0
    for name in tried:
        lines = list(page_console("page/page.html", roots, program=chromium_path, query=name, seconds=120))
        passed += sum(line.startswith("PASS ") for line in lines)
        wrong = [line for line in lines if not line.startswith(("PASS ", "SKIP ", "DONE"))]
        failed += [f"{name}: {line}" for line in wrong if not any(re.search(words, line, re.IGNORECASE) for words in KNOWN)]
    assert not failed, "\n".join(failed)
    assert passed > 0
