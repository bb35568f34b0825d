"""Publishing to a registry on this machine that speaks npm's HTTP."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from npm_registry import Registry, serve_registry
from package_sample import publish_npm, publish_site, sample_model, stub_runtime
from webllm_build.package import assets
from webllm_build.publish import can_prove

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm")
Publish = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serve_registry() as registry:
        yield registry


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = stub_runtime(tmp_path / "runtime")
    monkeypatch.setattr(assets, "runtime_folder", lambda: folder)
    publish_npm(tmp_path / "package", sample_model(tmp_path / "sample"), name="@me/sample")
    return tmp_path / "package"


@pytest.fixture
def publish(package: Path, registry: Registry, tmp_path: Path) -> Publish:
    def run(*options: str, folder: Path = package, token: str = "right", **more: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **registry.environment(tmp_path, token), **more}
        program = [sys.executable, "-m", "webllm_build", "publish", str(folder), *options]
        done = subprocess.run(program, capture_output=True, text=True, env=environment, check=False)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


@needs_npm
def test_a_package_is_published_once_publint_finds_nothing(registry: Registry, publish: Publish, package: Path) -> None:
    tried = publish("--dry-run")
    assert tried.returncode == 0, tried.stderr
    assert "Would publish: @me/sample@1.2.3" in tried.stderr and not registry.published
    done = publish("--tag", "next", "--access", "public")
    assert done.returncode == 0, done.stderr
    sent = registry.published["@me/sample"]
    assert sent["dist-tags"] == {"next": "1.2.3"} and sent["access"] == "public"

    registry.published.clear()
    (package / "package.json").write_text((package / "package.json").read_text().replace('"keywords"', '"faulty"'))
    assert "publint finds faults" in publish().stderr and not registry.published


@needs_npm
def test_what_the_registry_refuses_is_said_with_what_to_do(registry: Registry, publish: Publish) -> None:
    refused = publish(token="wrong")
    assert refused.returncode == 1 and "npm login" in refused.stderr
    registry.refuses = 403
    refused = publish()
    assert refused.returncode == 1 and "--package-version" in refused.stderr


@needs_npm
def test_a_version_that_is_there_and_one_that_is_no_release_are_refused(registry: Registry, publish: Publish, package: Path) -> None:
    def becomes(version: str) -> None:
        about = json.loads((package / "package.json").read_text("utf-8"))
        (package / "package.json").write_text(json.dumps({**about, "version": version}), "utf-8")

    assert publish().returncode == 0
    for version, hint in (("1.2.3", "--package-version"), ("1.2.2", "--tag v1"), ("1.3.0-beta.1", "--tag next")):
        becomes(version)
        refused = publish()
        assert refused.returncode == 1 and hint in refused.stderr.rpartition("npm did not publish")[2], refused.stderr
    assert registry.published["@me/sample"]["dist-tags"] == {"latest": "1.2.3"}
    done = publish("--tag", "next")
    assert done.returncode == 0, done.stderr


def test_what_is_no_package_of_ours_is_refused(publish: Publish, package: Path, tmp_path: Path) -> None:
    publish_site(tmp_path / "dist", sample_model(tmp_path / "other"))
    assert "is a site, not an npm package" in publish(folder=tmp_path / "dist").stderr
    assert "was not written by webllm-build" in publish(folder=tmp_path / "sample").stderr
    assert "npm is not installed" in publish(PATH=str(tmp_path)).stderr
    (package / "package.json").write_text("[]")
    assert "cannot be read" in publish().stderr


def test_only_a_workflow_that_has_a_token_for_it_can_prove_where_a_package_was_built() -> None:
    assert can_prove({"GITHUB_ACTIONS": "true", "ACTIONS_ID_TOKEN_REQUEST_URL": "https://a.example"})
    assert can_prove({"GITLAB_CI": "true", "SIGSTORE_ID_TOKEN": "x"})
    assert not can_prove({"GITHUB_ACTIONS": "true"}) and not can_prove({})
