"""The local server: types, ranges, tags, and no way out of the folder."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
import time
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from webllm_build import serve
from webllm_build.commands.serve import serve as serve_command
from webllm_build.errors import OutputFolderError, WebllmBuildError
from webllm_build.serve import byte_range, make_server

DATA = bytes(range(256)) * 20


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    (folder / "model").mkdir(parents=True)
    (folder / "docs").mkdir()
    (folder / "empty").mkdir()
    (folder / "index.html").write_text("<title>home</title>")
    (folder / "docs" / "index.html").write_text("docs")
    for name in ("app.js", "model.wasm", "style.css", "data.json", "icon.svg", "model/weights.bin"):
        (folder / name).write_bytes(DATA)
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "inside.bin").symlink_to("model/weights.bin")
    return folder


@pytest.fixture
def connection(site: Path) -> Iterator[http.client.HTTPConnection]:
    with make_server(site, 0, {"X-Asked-For": "yes"}) as server:
        assert server.server_address[0] == "127.0.0.1"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        client = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
        yield client
        client.close()
        server.shutdown()
        thread.join()


def ask(
    connection: http.client.HTTPConnection, path: str, headers: dict[str, str] | None = None, method: str = "GET"
) -> tuple[int, dict[str, str], bytes]:
    connection.request(method, path, headers=headers or {})
    response = connection.getresponse()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/app.js", "text/javascript; charset=utf-8"),
        ("/model.wasm", "application/wasm"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/data.json", "application/json"),
        ("/icon.svg", "image/svg+xml"),
        ("/model/weights.bin", "application/octet-stream"),
        ("/inside.bin", "application/octet-stream"),
        ("/app.js?v=1", "text/javascript; charset=utf-8"),
        ("/%61pp.js", "text/javascript; charset=utf-8"),
    ],
)
def test_files_have_their_types(connection: http.client.HTTPConnection, site: Path, path: str, kind: str) -> None:
    status, headers, body = ask(connection, path)
    assert (status, headers["content-type"]) == (200, kind)
    assert headers["cache-control"] == "no-cache"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-asked-for"] == "yes"
    assert body == ((site / "index.html").read_bytes() if path == "/" else DATA)


def test_head_sends_no_body(connection: http.client.HTTPConnection) -> None:
    status, headers, body = ask(connection, "/app.js", method="HEAD")
    assert (status, headers["content-length"], body) == (200, str(len(DATA)), b"")


@pytest.mark.parametrize(
    ("wanted", "status", "content_range", "body"),
    [
        ("bytes=0-0", 206, "bytes 0-0/5120", DATA[:1]),
        ("bytes=0-", 206, "bytes 0-5119/5120", DATA),
        ("bytes=100-299", 206, "bytes 100-299/5120", DATA[100:300]),
        ("bytes=5000-9999", 206, "bytes 5000-5119/5120", DATA[5000:]),
        ("bytes=-20", 206, "bytes 5100-5119/5120", DATA[-20:]),
        ("bytes=-9999", 206, "bytes 0-5119/5120", DATA),
        ("bytes=5120-", 416, "bytes */5120", None),
        ("bytes=-0", 416, "bytes */5120", None),
        ("bytes=5-4", 200, None, DATA),
        ("bytes=0-1,3-4", 200, None, DATA),
        ("lines=1-2", 200, None, DATA),
        ("bytes=-", 200, None, DATA),
    ],
)
def test_ranges(connection: http.client.HTTPConnection, wanted: str, status: int, content_range: str | None, body: bytes | None) -> None:
    answer, headers, got = ask(connection, "/model/weights.bin", {"Range": wanted})
    assert (answer, headers.get("content-range")) == (status, content_range)
    assert body is None or got == body


def test_an_unchanged_file_is_not_sent_again(connection: http.client.HTTPConnection, site: Path) -> None:
    tag = ask(connection, "/app.js")[1]["etag"]
    status, _, body = ask(connection, "/app.js", {"If-None-Match": f'"other", W/{tag}'})
    assert (status, body) == (304, b"")
    (site / "app.js").write_bytes(DATA + b"!")
    assert ask(connection, "/app.js", {"If-None-Match": tag})[0] == 200
    # the range of an old version must not be mixed with the new one
    assert ask(connection, "/app.js", {"Range": "bytes=0-1", "If-Range": tag})[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/model/../../secret.txt",
        "/..%2fsecret.txt",
        "/..%5csecret.txt",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/link.txt",
        "/app.js%00.html",
        "/empty/",
        "/none",
        "/app.js/",
        "/" + "a" * 5000,
    ],
)
def test_nothing_outside_the_folder_is_served(connection: http.client.HTTPConnection, path: str) -> None:
    status, _, body = ask(connection, path)
    assert status == 404
    assert b"secret" not in body
    assert ask(connection, "/app.js")[0] == 200


def test_an_address_that_is_none_is_not_found(connection: http.client.HTTPConnection) -> None:
    connection.connect()
    assert connection.sock is not None
    connection.sock.sendall(b"GET http://[/ HTTP/1.1\r\nHost: here\r\n\r\n")
    assert connection.sock.recv(100).startswith(b"HTTP/1.1 404")


def test_a_folder_gets_its_slash(connection: http.client.HTTPConnection) -> None:
    status, headers, _ = ask(connection, "/docs")
    assert (status, headers["location"]) == (301, "docs/")
    assert ask(connection, "/docs/")[2] == b"docs"


def test_other_methods_are_refused(connection: http.client.HTTPConnection) -> None:
    assert ask(connection, "/app.js", method="POST")[0] == 501


def test_ranges_of_an_empty_file() -> None:
    assert byte_range("bytes=0-", 0) == range(0)


def test_a_folder_without_page_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputFolderError, match=r"index\.html"):
        make_server(tmp_path, 0)


def test_a_port_in_use_is_an_error_with_a_way_out(site: Path) -> None:
    with make_server(site, 0) as server, pytest.raises(WebllmBuildError, match="--port 0"):
        make_server(site, server.server_port)


def test_a_visitor_who_leaves_is_no_error(site: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (site / "large.bin").write_bytes(bytes(32 << 20))
    with make_server(site, 0) as server:
        server.daemon_threads = False  # so that its end waits for what answers the visitor
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        with socket.create_connection(("127.0.0.1", server.server_port)) as client:
            client.sendall(b"GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n")
            client.recv(1000)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # as a browser that cancels: a reset
        server.shutdown()
        thread.join()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", ["x" * 300, "loop"])
def test_names_of_no_folder_have_no_site(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OutputFolderError, match="has no"):
        make_server(tmp_path / name, 0)


def test_the_command_isolates_pages(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that they have threads from the first visit."""
    made: list[ThreadingHTTPServer] = []

    def once(folder: Path, port: int, headers: dict[str, str]) -> ThreadingHTTPServer:
        made.append(make_server(folder, port, headers))
        monkeypatch.setattr(made[0], "serve_forever", made[0].handle_request)
        return made[0]

    monkeypatch.setattr(serve, "make_server", once)
    thread = threading.Thread(target=serve_command, args=(site, 0))
    thread.start()
    while not made:
        time.sleep(0.01)
    client = http.client.HTTPConnection("127.0.0.1", made[0].server_port, timeout=60)
    _, headers, _ = ask(client, "/")
    client.close()
    thread.join()
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-embedder-policy"] == "require-corp"
