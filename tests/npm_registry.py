"""An npm registry on this machine: it has a publint, and takes what is published with the right token."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

from webllm_build.publish import PUBLINT

LINT = '#!/usr/bin/env node\nprocess.exit(require("fs").readFileSync("package.json", "utf8").includes("faulty") ? 1 : 0);'


@dataclass
class Registry:
    """published: what came, by name. refuses: the status of what is published."""

    published: dict[str, dict[str, object]] = field(default_factory=dict)
    refuses: int = 0
    url: str = ""

    def environment(self, folder: Path, token: str = "right") -> dict[str, str]:
        """Variables that have npm ask this registry. folder: for what npm keeps."""
        config = folder / "npmrc"
        config.write_text(f"registry={self.url}\n{self.url.removeprefix('http:')}/:_authToken={token}\nfetch-retries=0\n", "utf-8")
        return {"NPM_CONFIG_USERCONFIG": str(config), "npm_config_cache": str(folder / "cache"), "npm_config_registry": self.url}


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
        elif there := self.registry.published.get(unquote(self.path[1:])):
            self.send(200, json.dumps(there).encode())
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


@contextmanager
def serve_registry() -> Iterator[Registry]:
    registry = Registry()
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Of", (Handler,), {"registry": registry})) as server:
        registry.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield registry
        server.shutdown()
        thread.join()
