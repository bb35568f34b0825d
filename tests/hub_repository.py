"""A Hugging Face Hub on this machine, with repositories of which one may be written to by the HTTP that its library speaks."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from webllm_build.source.hub_contents import git_name

NAME = "me/sample"
LARGE = (".bin", ".wasm")  # what .gitattributes of a new repository has in LFS


@dataclass
class HubRepository:
    """files: of the newest commit. sent: names of what came by LFS, by digest. fails: statuses of the next requests whose path has this."""

    name: str = NAME
    exists: bool = True
    private: bool = False
    role: str = "write"
    files: dict[str, bytes] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    commits: list[list[str]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    fails: dict[str, list[int]] = field(default_factory=dict)
    before_commit: Callable[[], None] = lambda: None
    url: str = ""

    @property
    def commit(self) -> str:
        return f"{len(self.commits):040x}"

    def about(self) -> dict[str, object]:
        siblings = [*map(self._file, self.files)]
        return {"id": self.name, "modelId": self.name, "sha": self.commit, "tags": [], "private": self.private, "siblings": siblings}

    def _file(self, name: str) -> dict[str, object]:
        data = self.files[name]
        lfs = {"lfs": {"sha256": digest(data), "size": len(data), "pointerSize": 134}} if name.endswith(LARGE) else {}
        return {"rfilename": name, "size": len(data), "blobId": git_name(data), **lfs}


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Handler(BaseHTTPRequestHandler):
    hubs: tuple[HubRepository, ...]
    protocol_version = "HTTP/1.1"

    def _do(self) -> None:
        path = unquote(self.path.partition("?")[0])
        hub = self.hub = next((each for each in self.hubs if each.name in path), self.hubs[0])
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        hub.requests.append(f"{self.command} {path}")
        for part, statuses in hub.fails.items():
            if part in path and statuses:
                self._answer({"error": "made to fail"}, statuses.pop(0))
                return
        if path == "/api/whoami-v2":
            self._answer({"name": "me", "auth": {"accessToken": {"role": hub.role}}})
        elif path == "/api/repos/create":
            status = 409 if hub.exists else 200
            hub.private = hub.exists is False and json.loads(body).get("visibility", json.loads(body).get("private")) in ("private", True)
            hub.exists = True
            self._answer({"url": f"{hub.url}/{hub.name}"}, status)
        elif path == "/api/validate-yaml":
            self._answer({"warnings": [], "errors": []})
        elif path.startswith("/lfs/"):
            hub.objects[path.rpartition("/")[2]] = body
            self._answer({})
        elif hub.name not in path or not hub.exists:
            self._answer({"error": "Repository not found"}, 401, {"X-Error-Code": "RepoNotFound"})
        elif path.endswith("/objects/batch"):
            self._answer({"transfer": "basic", "objects": [self._action(each) for each in json.loads(body)["objects"]]})
        elif "/preupload/" in path:
            modes = [
                {"path": file["path"], "uploadMode": "lfs" if file["path"].endswith(LARGE) else "regular", "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]
            self._answer({"files": modes})
        elif "/commit/" in path:
            self._commit([json.loads(line) for line in body.splitlines()])
        elif path.startswith(f"/api/models/{hub.name}/tree/"):
            self._answer([{"type": "file", "path": name, "size": len(data), "oid": digest(data)} for name, data in hub.files.items()])
        elif path.startswith("/api/models/"):
            self._answer(hub.about())
        elif (data := hub.files.get(path.rpartition("/")[2])) is None:
            self._answer({"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound"})
        else:
            self._send(200, data, {"ETag": f'"{digest(data)}"', "X-Repo-Commit": hub.commit})

    do_GET = do_HEAD = do_POST = do_PUT = _do

    def _action(self, asked: dict[str, object]) -> dict[str, object]:
        oid = str(asked["oid"])
        upload = {"href": f"{self.hub.url}/lfs/{self.hub.name}/{oid}"}
        return {**asked, **({} if oid in self.hub.objects else {"actions": {"upload": upload}})}

    def _commit(self, lines: list[dict[str, dict[str, str]]]) -> None:
        hub = self.hub
        hub.before_commit()
        parent = lines[0]["value"].get("parentCommit")
        if parent != hub.commit:
            self._answer({"error": "A commit has happened since. Please refresh and try again."}, 412)
            return
        changed: dict[str, bytes] = {}
        for line in lines[1:]:
            value = line["value"]
            changed[value["path"]] = base64.b64decode(value["content"]) if line["key"] == "file" else hub.objects[value["oid"]]  # type: ignore[comparison-overlap]
        hub.files |= changed
        hub.commits.append([*changed])
        self._answer({"commitUrl": f"{hub.url}/{hub.name}/commit/{hub.commit}", "commitOid": hub.commit, "success": True})

    def _answer(self, value: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(value).encode(), {"Content-Type": "application/json", "Retry-After": "0", **(headers or {})})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serve_hub(hub: HubRepository, *others: HubRepository) -> Iterator[None]:
    """others: what can be read there, too."""
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Of", (Handler,), {"hubs": (hub, *others)})) as server:
        for each in (hub, *others):
            each.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield
        server.shutdown()
        thread.join()
