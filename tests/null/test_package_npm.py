"""The npm package: its files, its package.json, and that nothing it names is missing."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from golden_file import assert_golden
from package_sample import FACTS, publish_npm, sample_model, stub_runtime, tree
from webllm_build.package import assets
from webllm_build.package.manifest import read_manifest
from webllm_build.package.output import Marker

HASHED = re.compile(r"\.[0-9a-f]{16}\.")
WEIGHTS = "https://weights.example.org/sample"


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = stub_runtime(tmp_path / "runtime")
    monkeypatch.setattr(assets, "runtime_folder", lambda: folder)


def write(tmp_path: Path, weights: str | None = None, license: str | None = "apache-2.0") -> Marker:
    model = sample_model(tmp_path / "sample", facts=replace(FACTS, license=license))
    return publish_npm(tmp_path / "package", model, name="@me/sample", weights=weights)


def test_file_list(tmp_path: Path) -> None:
    write(tmp_path)
    names = [HASHED.sub(".<hash>.", name) for name in tree(tmp_path / "package")]
    assert_golden("npm-files.txt", "\n".join(sorted(names)) + "\n")


def test_package_json_is_complete_and_names_files_that_are_there(tmp_path: Path) -> None:
    write(tmp_path)
    package = tmp_path / "package"
    fields = json.loads((package / "package.json").read_text())
    assert (fields["name"], fields["version"], fields["type"]) == ("@me/sample", "1.2.3", "module")
    assert fields["exports"]["."] == {"types": "./index.d.ts", "default": "./index.js"}
    for target in (
        fields["types"],
        *fields["exports"]["."].values(),
        fields["exports"]["./worker"],
        *fields["sideEffects"],
        *fields["files"],
    ):
        assert (package / target).exists(), target
    assert (package / "README.md").is_file()
    assert (package / "LICENSE").is_file()


@pytest.mark.parametrize("weights", ["bundle", WEIGHTS, None])
def test_every_file_is_named_by_a_url_that_bundlers_see(tmp_path: Path, weights: str | None) -> None:
    marker = write(tmp_path, weights)
    package = tmp_path / "package"
    text = (package / "index.js").read_text()
    urls = re.findall(r'new URL\("([^"]+)", import\.meta\.url\)', text)
    model_files = {f"./{name}" for name in marker.files if name.startswith("model/")}
    assert set(urls) == {*model_files, "./runtime/worker.js"}
    assert any(name.endswith(".bin") for name in model_files) == (weights == "bundle")


@pytest.mark.parametrize(
    ("weights", "note"),
    [
        ("bundle", "The weights are part of this package"),
        (WEIGHTS, f"<{WEIGHTS}/>: upload `weights/`"),
        (None, "name that folder as `weights`"),
    ],
)
def test_the_readme_says_where_the_weights_are(tmp_path: Path, weights: str | None, note: str) -> None:
    write(tmp_path, weights)
    readme = (tmp_path / "package" / "README.md").read_text()
    assert note in readme
    assert ('weights: "https://..."' in readme) == (weights is None)


@pytest.mark.parametrize("weights", [WEIGHTS, None])
def test_weights_outside_of_the_package_lie_beside_it_to_be_uploaded(tmp_path: Path, weights: str | None) -> None:
    marker = write(tmp_path, weights)
    package = tmp_path / "package"
    manifest = read_manifest(package / marker.manifest)
    assert manifest.weights.base == (None if weights is None else f"{WEIGHTS}/")
    assert [path.name for path in package.glob("weights/*")] == [shard.file for shard in manifest.weights.shards]
    assert "weights" not in json.loads((package / "package.json").read_text())["files"]
    write(tmp_path, "bundle")
    assert not (package / "weights").exists(), "bundled instead"


def test_only_a_package_without_weights_asks_for_their_address(tmp_path: Path) -> None:
    index = tmp_path / "package" / "index.js"
    for weights, asked in (("bundle", False), (WEIGHTS, False), (None, True)):
        write(tmp_path, weights)
        assert ("if (true && typeof weights" in index.read_text()) == asked
        assert ("readonly weights: string;" in index.with_suffix(".d.ts").read_text()) == asked


@pytest.mark.parametrize(
    ("license", "expected"), [("apache-2.0", "Apache-2.0"), ("llama3.2", "SEE LICENSE IN LICENSE"), (None, "SEE LICENSE IN LICENSE")]
)
def test_license(tmp_path: Path, license: str | None, expected: str) -> None:
    write(tmp_path, license=license)
    assert json.loads((tmp_path / "package" / "package.json").read_text())["license"] == expected
    assert (license or "unknown") in (tmp_path / "package" / "LICENSE").read_text()


def test_two_builds_give_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    write(tmp_path)
    first = tree(tmp_path / "package")
    write(tmp_path)
    assert tree(tmp_path / "package") == first
