"""`webllm-build chat`: which program it starts, and what it says where it cannot. The conversation itself is tested in the runtime."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from package_sample import FACTS, TOKENIZER, publish_npm, publish_site, sample_model, stub_runtime
from webllm_build import chat
from webllm_build.chat import chat_command
from webllm_build.errors import MalformedFile, OutputFolderError, WebllmBuildError
from webllm_build.package import assets
from webllm_build.package.manifest import EmbeddingFacts, read_manifest


@pytest.fixture
def stubbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = stub_runtime(tmp_path / "runtime")
    monkeypatch.setattr(assets, "runtime_folder", lambda: folder)
    monkeypatch.setattr(chat, "runtime_folder", lambda: folder)
    monkeypatch.setattr(chat, "find_node", lambda: "/bin/node")
    return folder


def test_what_is_asked_goes_to_the_program(tmp_path: Path, stubbed: Path) -> None:
    publish_site(tmp_path / "site", sample_model(tmp_path / "1"))
    publish_npm(tmp_path / "package", sample_model(tmp_path / "2"), name="sample")
    program = ["/bin/node", str(stubbed / "chat.mjs")]
    (site,), (package,) = ([*(tmp_path / name / "model").glob("manifest.*")] for name in ("site", "package"))
    assert chat_command(tmp_path / "site", None, None) == [*program, "--", str(site)]
    asked = chat_command(tmp_path / "package" / "model", "-s", "--prompt")
    assert asked == [*program, "--system=-s", "--prompt=--prompt", "--", str(package)]
    publish_site(tmp_path / "drawn", replace(sample_model(tmp_path / "3"), sampling={"temperature": 0.6}))
    assert chat_command(tmp_path / "drawn", None, None)[2] == '--sampling={"temperature": 0.6}'


def test_a_base_model_continues_texts(tmp_path: Path, stubbed: Path) -> None:
    base = replace(sample_model(tmp_path / "1"), tokenizer=replace(TOKENIZER, config={"eos_token": "</s>"}))
    publish_site(tmp_path / "site", base)
    assert chat_command(tmp_path / "site", None, "Once")[2:4] == ["--continues", "--prompt=Once"]
    with pytest.raises(WebllmBuildError, match="no system message"):
        chat_command(tmp_path / "site", "Be brief", None)


def test_a_folder_without_a_model_is_refused(tmp_path: Path, stubbed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in (tmp_path / "none", tmp_path / ("x" * 300), tmp_path):
        with pytest.raises(OutputFolderError, match="holds no model"):
            chat_command(folder, None, None)
    publish_site(tmp_path / "site", sample_model(tmp_path / "1"))
    monkeypatch.setattr(chat, "find_node", lambda: None)
    with pytest.raises(WebllmBuildError, match="Node 20 or newer is needed"):
        chat_command(tmp_path / "site", None, None)
    (manifest,) = (tmp_path / "site" / "model").glob("manifest.*.json")
    manifest.write_text("{}")
    with pytest.raises(MalformedFile):
        chat_command(tmp_path / "site", None, None)


def test_of_several_models_one_is_named(tmp_path: Path, stubbed: Path) -> None:
    vectors = replace(
        sample_model(tmp_path / "2", facts=replace(FACTS, id="vectors")), embedding=EmbeddingFacts("mean", True, 64, 128)
    )
    models = [sample_model(tmp_path / model_id, facts=replace(FACTS, id=model_id)) for model_id in ("one", "two")]
    publish_npm(tmp_path / "package", models[0], vectors, name="sample")
    assert read_manifest(Path(chat_command(tmp_path / "package", None, None)[-1])).model.id == "one", "the one that writes"
    publish_npm(tmp_path / "package", *models, vectors, name="sample")
    assert read_manifest(Path(chat_command(tmp_path / "package", None, None, "two")[-1])).model.id == "two"
    for model, words in ((None, "several models: one, two"), ("x", "no model x, but one, two, vectors")):
        with pytest.raises(OutputFolderError, match=words) as refused:
            chat_command(tmp_path / "package", None, None, model)
        assert "--model" in refused.value.hint
    with pytest.raises(WebllmBuildError, match="does not write"):
        chat_command(tmp_path / "package", None, None, "vectors")


def test_what_goes_wrong_is_told_in_a_line(tmp_path: Path) -> None:
    """The sample is no model: the program itself says so."""
    if not (assets.runtime_folder() / "chat.mjs").is_file():
        pytest.skip("the runtime is not built")
    publish_site(tmp_path / "site", sample_model(tmp_path / "1"))
    done = subprocess.run(
        [sys.executable, "-m", "webllm_build", "chat", str(tmp_path / "site"), "--prompt", "Hello"],
        env={**os.environ, "WEBLLM_BUILD_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
