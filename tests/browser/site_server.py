"""A static file server that can wait, refuse files, break connections, send something else, stop and come back."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass(frozen=True)
class Instead:
    """What is sent in a file's place."""

    body: bytes = b""
    status: int = 200
    content_type: str = "application/octet-stream"
    retry_after: str | None = None


@dataclass(frozen=True)
class Request:
    """name: the file's, without its folder. range, if_range: headers."""

    name: str
    range: str | None
    if_range: str | None


class SiteServer:
    """Serves `root` like GitHub Pages would: no special headers, no hidden files, which uploads leave out, the site in a folder below;
    weights with ETag and ranges.

    failing: a file whose path contains one of these is answered with 404.
    held: a file whose path contains one of these is sent when that is taken out.
    holds_from: a weight shard's bytes from this one on are sent when this is higher, or None again.
    cuts: for the next requests of a weight shard, in turn, after how many bytes the connection breaks.
    instead: for the next requests of a file whose path contains this, in turn, what is sent.
    policy: a Content-Security-Policy that is sent beside the page's own.
    max_age: for how many seconds browsers may keep what they get, also that something is missing.
    """

    def __init__(self, root: Path, path: str) -> None:
        self.root = root
        self.folder = root / path
        self.path = path
        self.requests: list[str] = []
        self.downloads: list[Request] = []
        self.failing: set[str] = set()
        self.held: set[str] = set()
        self.holds_from: int | None = None
        self.cuts: list[int] = []
        self.instead: dict[str, list[Instead]] = {}
        self.policy = ""
        self.max_age: int | None = None
        self._port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/{self.path}/"

    def __enter__(self) -> SiteServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; after a stop on the same port again."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), self._handler())
        self._server.daemon_threads = True
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _next_instead(self, path: str) -> Instead | None:
        return next((answers.pop(0) for part, answers in self.instead.items() if part in path and answers), None)

    def _handler(self) -> type[SimpleHTTPRequestHandler]:
        server = self

        class Handler(SimpleHTTPRequestHandler):
            def __init__(self, *arguments: object) -> None:
                super().__init__(*arguments, directory=str(server.root))  # type: ignore[arg-type]

            def log_message(self, format: str, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                server.requests.append(self.path)
                while any(part in self.path for part in server.held):
                    time.sleep(0.02)
                instead = server._next_instead(self.path)
                if instead is not None:
                    self._send(instead)
                elif "/." in self.path or any(part in self.path for part in server.failing):
                    self.send_error(404)
                elif self.path.endswith(".bin"):
                    self._send_weights(Path(self.translate_path(self.path)))
                else:
                    del self.headers["If-Modified-Since"]  # to the second: builds of one second would be the same
                    super().do_GET()

            def end_headers(self) -> None:
                if server.policy:
                    self.send_header("Content-Security-Policy", server.policy)
                if server.max_age is not None:
                    self.send_header("Cache-Control", f"max-age={server.max_age}")
                super().end_headers()

            def _send(self, answer: Instead) -> None:
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.body)))
                if answer.retry_after is not None:
                    self.send_header("Retry-After", answer.retry_after)
                self.end_headers()
                self.wfile.write(answer.body)

            def _send_weights(self, path: Path) -> None:
                if not path.is_file():
                    self.send_error(404)
                    return
                data, first = path.read_bytes(), 0
                etag = f'"{path.name}"'
                asked, if_range = self.headers["Range"], self.headers["If-Range"]
                server.downloads.append(Request(path.name, asked, if_range))
                start = re.fullmatch(r"bytes=(\d+)-", asked or "")
                if start is not None and if_range in (None, etag):
                    first = int(start[1])
                    self.send_response(206)
                    self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
                    data = data[first:]
                else:
                    self.send_response(200)
                self.send_header("ETag", etag)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self._send_from(first, data[: server.cuts.pop(0)] if server.cuts else data)

            def _send_from(self, first: int, data: bytes) -> None:
                sent = 0
                with contextlib.suppress(OSError):  # the browser gave the download up
                    while sent < len(data):
                        end = len(data) if server.holds_from is None else min(len(data), server.holds_from - first)
                        if end > sent:
                            self.wfile.write(data[sent:end])
                            self.wfile.flush()
                            sent = end
                        else:
                            time.sleep(0.02)

        return Handler
