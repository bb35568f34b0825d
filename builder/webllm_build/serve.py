"""A local web server for built sites: right MIME types, byte ranges, entity tags, nothing outside the folder."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from webllm_build import platforms
from webllm_build.disk import is_file
from webllm_build.errors import OutputFolderError, WebllmBuildError

# Not from the system's tables, which differ between machines: a wrong type for wasm or JavaScript stops the page.
MIME_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
}
# With these headers a page may have threads that share memory, and its clock has steps of 5 microseconds instead of 100.
ISOLATED = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class SiteServer(ThreadingHTTPServer):
    allow_reuse_address = not platforms.WINDOWS  # where it would let two servers have one port

    def handle_error(self, request: object, client_address: object) -> None:
        """Silent where a visitor left: pages cancel downloads."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def make_server(folder: Path, port: int, headers: Mapping[str, str] | None = None) -> ThreadingHTTPServer:
    """A server of `folder` on 127.0.0.1. headers: sent with every file, besides its own.

    Raises OutputFolderError where there is no page, WebllmBuildError where the port is taken.
    """
    if not is_file(folder / "index.html"):
        raise OutputFolderError(f"{str(folder)[:200]} has no index.html", "Build a site first: webllm-build site --out DIR")

    class Handler(SiteHandler):
        site = folder.resolve()
        extra_headers = headers or {}

    try:
        return SiteServer(("127.0.0.1", port), Handler)
    except OSError as error:
        raise WebllmBuildError(f"port {port} cannot be used: {error.strerror}", "Choose another: --port 0 takes any free one.") from error


class SiteHandler(BaseHTTPRequestHandler):
    """GET and HEAD of the files below `site`."""

    site: Path
    extra_headers: Mapping[str, str]
    protocol_version = "HTTP/1.1"
    server_version = "webllm-build"
    sys_version = ""

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, format: str, *args: object) -> None:
        """Silent: a page's hundred requests would hide the one line that matters."""

    def _answer(self, *, body: bool) -> None:
        path = self._file()
        if path is not None and path.is_dir():
            # Relative addresses in a page need the slash.
            self.send_response(HTTPStatus.MOVED_PERMANENTLY)
            self.send_header("Location", urlsplit(self.path).path.rstrip("/").rsplit("/", 1)[-1] + "/")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        try:
            file = path.open("rb") if path is not None else None
        except OSError:  # a build has removed it since, or it is nobody's to read
            file = None
        if path is None or file is None:
            self._error(HTTPStatus.NOT_FOUND)
            return
        with file:
            self._send(path, file, body)

    def _file(self) -> Path | None:
        """The file or folder that the request names; None where there is none or it lies outside the site."""
        try:
            name = unquote(urlsplit(self.path).path)
            if "\0" in name or "\\" in name:
                return None
            path = (self.site / name.lstrip("/")).resolve()
            if not path.is_relative_to(self.site):
                return None
            if name.endswith("/"):
                path = path / "index.html"
            return path if path.is_file() or (path.is_dir() and (path / "index.html").is_file()) else None
        except (OSError, ValueError):
            return None

    def _send(self, path: Path, file: BinaryIO, body: bool) -> None:
        stat = os.fstat(file.fileno())  # a build may have put another in its place
        tag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'
        if tag in [known.strip().removeprefix("W/") for known in self.headers.get("If-None-Match", "").split(",")]:
            self.send_response(HTTPStatus.NOT_MODIFIED)
            self.send_header("ETag", tag)
            self.end_headers()
            return
        part = byte_range(self.headers.get("Range", ""), stat.st_size) if self.headers.get("If-Range", tag) == tag else None
        if part is not None and not part:
            self._error(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, {"Content-Range": f"bytes */{stat.st_size}"})
            return
        sent = range(stat.st_size) if part is None else part
        self.send_response(HTTPStatus.OK if part is None else HTTPStatus.PARTIAL_CONTENT)
        self.send_header("Content-Type", MIME_TYPES.get(path.suffix.lower(), "application/octet-stream"))
        self.send_header("Content-Length", str(len(sent)))
        if part is not None:
            self.send_header("Content-Range", f"bytes {sent.start}-{sent.stop - 1}/{stat.st_size}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("ETag", tag)
        self.send_header("Last-Modified", formatdate(stat.st_mtime, usegmt=True))
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in self.extra_headers.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            file.seek(sent.start)
            _copy(file, self.wfile, len(sent))

    def _error(self, status: HTTPStatus, headers: dict[str, str] | None = None) -> None:
        text = f"{status.value} {status.phrase}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)


def byte_range(header: str, size: int) -> range | None:
    """The bytes that a Range header wants: empty where the file has none of them; None for other forms, which mean the whole file."""
    match = RANGE.fullmatch(header.strip())
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":
        return range(max(0, size - int(match[2])), size)
    if match[2] and int(match[2]) < int(match[1]):
        return None
    return range(int(match[1]), min(size, int(match[2]) + 1 if match[2] else size))


def _copy(file: BinaryIO, target: BufferedIOBase, count: int) -> None:
    while count > 0 and (chunk := file.read(min(count, 1 << 20))):
        target.write(chunk)
        count -= len(chunk)
