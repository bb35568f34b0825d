"""Publishing to a registry on this machine that speaks npm's HTTP."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

from package_sample import publish_npm, publish_site, sample_model, stub_runtime
from webllm_build.package import assets
from webllm_build.publish import PUBLINT, can_prove

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm")
LINT = '#!/usr/bin/env node\nprocess.exit(require("fs").readFileSync("package.json", "utf8").includes("faulty") ? 1 : 0);'
Publish = Callable[..., subprocess.CompletedProcess[str]]


@dataclass
class Registry:
    """published: what came, by name. refuses: the status of what is published."""

    published: dict[str, dict[str, object]] = field(default_factory=dict)
    refuses: int = 0
    url: str = ""


def publint() -> bytes:
    about = {"name": "publint", "version": PUBLINT.partition("@")[2], "bin": {"publint": "cli.js"}}
    files = {"package.json": json.dumps(about), "cli.js": LINT}
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return data.getvalue()


class Handler(BaseHTTPRequestHandler):
    registry: Registry
    tarball = publint()

    def do_GET(self) -> None:
        version = PUBLINT.partition("@")[2]
        if self.path.endswith(".tgz"):
            self.send(200, self.tarball)
        elif self.path == "/publint":
            integrity = "sha512-" + base64.b64encode(hashlib.sha512(self.tarball).digest()).decode()
            dist = {"tarball": f"{self.registry.url}/publint.tgz", "integrity": integrity}
            about = {"name": "publint", "version": version, "bin": {"publint": "cli.js"}, "dist": dist}
            self.send(200, json.dumps({"name": "publint", "dist-tags": {"latest": version}, "versions": {version: about}}).encode())
        else:
            self.send(404, b"{}")

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers.get("Authorization") != "Bearer right":
            self.send(401, b'{"error": "who are you?"}')
        elif self.registry.refuses:
            self.send(self.registry.refuses, b'{"error": "made to refuse"}')
        else:
            self.registry.published[unquote(self.path[1:])] = body
            self.send(201, b'{"ok": true}')

    def send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def registry() -> Iterator[Registry]:
    registry = Registry()
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Of", (Handler,), {"registry": registry})) as server:
        registry.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield registry
        server.shutdown()
        thread.join()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = stub_runtime(tmp_path / "runtime")
    monkeypatch.setattr(assets, "runtime_folder", lambda: folder)
    publish_npm(tmp_path / "package", sample_model(tmp_path / "sample"), name="@me/sample")
    return tmp_path / "package"


@pytest.fixture
def publish(package: Path, registry: Registry, tmp_path: Path) -> Publish:
    def run(*options: str, folder: Path = package, token: str = "right", **more: str) -> subprocess.CompletedProcess[str]:
        config = tmp_path / "npmrc"
        host = registry.url.removeprefix("http:")
        config.write_text(f"registry={registry.url}\n{host}/:_authToken={token}\nfetch-retries=0\n")
        settings = {"NPM_CONFIG_USERCONFIG": str(config), "npm_config_cache": str(tmp_path / "cache"), "npm_config_registry": registry.url}
        program = [sys.executable, "-m", "webllm_build", "publish", str(folder), *options]
        done = subprocess.run(program, capture_output=True, text=True, env={**os.environ, **settings, **more}, check=False)
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


def test_what_is_no_package_of_ours_is_refused(publish: Publish, package: Path, tmp_path: Path) -> None:
    publish_site(tmp_path / "dist", sample_model(tmp_path / "other"))
    assert "is a site, and no npm package" in publish(folder=tmp_path / "dist").stderr
    assert "was not written by webllm-build" in publish(folder=tmp_path / "sample").stderr
    assert "npm is not installed" in publish(PATH=str(tmp_path)).stderr
    (package / "package.json").write_text("[]")
    assert "cannot be read" in publish().stderr


def test_only_a_workflow_that_has_a_token_for_it_can_prove_where_a_package_was_built() -> None:
    assert can_prove({"GITHUB_ACTIONS": "true", "ACTIONS_ID_TOKEN_REQUEST_URL": "https://a.example"})
    assert can_prove({"GITLAB_CI": "true", "SIGSTORE_ID_TOKEN": "x"})
    assert not can_prove({"GITHUB_ACTIONS": "true"}) and not can_prove({})
