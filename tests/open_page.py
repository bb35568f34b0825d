"""Opens a page in headless Chromium and gives its console, with nothing but the standard library.

    python tests/open_page.py bench/exact.html site=sites/chat/dist             # on this machine's CPU (SwiftShader)
    python tests/open_page.py site/bench.html site=dist --gpu nvidia --query "runs=3&variant=f16-sg"

This folder is served at /tests/, the built runtime at /runtime/ and every NAME=FOLDER at /NAME/. A page is a path on that server, or
one in this folder. It ends with a console line that starts with DONE. Exit status 0: it came and no line starts with FAIL or names an
error; 1: otherwise; 124: it did not come in time.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit

import chromium
from webllm_build.serve import ISOLATED

TESTS = Path(__file__).resolve().parent
RUNTIME = TESTS.parent / "runtime_js" / "dist"
TYPES = {".js": "text/javascript", ".wasm": "application/wasm"}  # whatever the machine's own table says


class FileHandler(SimpleHTTPRequestHandler):
    """Serves files with some headers more, and says nothing."""

    headers_of_all: Mapping[str, str] = {}

    def end_headers(self) -> None:
        for name, value in self.headers_of_all.items():
            self.send_header(name, value)
        super().end_headers()

    def guess_type(self, path: str | os.PathLike[str]) -> str:
        return TYPES.get(Path(path).suffix) or super().guess_type(path)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Handler(FileHandler):
    """Serves several folders, each under the first part of the path."""

    roots: Mapping[str, Path]
    protocol_version = "HTTP/1.1"

    def translate_path(self, path: str) -> str:
        name, _, rest = unquote(urlsplit(path).path).lstrip("/").partition("/")
        root = self.roots.get(name)
        wanted = (root / rest).resolve() if root else None
        return str(wanted) if root and wanted and wanted.is_relative_to(root.resolve()) else "/nonexistent"


@contextlib.contextmanager
def serve(roots: Mapping[str, Path], isolated: bool = True, headers: Mapping[str, str] | None = None) -> Iterator[str]:
    """A server on a free local port, until the block ends; gives its origin. isolated: whether pages may share memory with workers."""
    members = {"roots": dict(roots), "headers_of_all": {**(ISOLATED if isolated else {}), **(headers or {})}}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), members))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def serve_folder(folder: Path, headers: Mapping[str, str] = {}) -> Iterator[str]:
    """A server on a free local port for one folder, until the block ends; gives its address."""
    handler = functools.partial(type("Bound", (FileHandler,), {"headers_of_all": headers}), directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


class DevTools:
    """Chromium's debugging protocol over --remote-debugging-pipe: JSON messages that end with a zero byte."""

    def __init__(self, program: Path, flags: list[str], profile: Path, log: IO[bytes]) -> None:
        child_reads, our_writes = os.pipe()
        our_reads, child_writes = os.pipe()
        # Chromium wants the descriptors 3 and 4; a shell moves ours there.
        script = f'exec "$@" 3<&{child_reads} 4>&{child_writes}'
        command = [str(program), "--headless", f"--user-data-dir={profile}", "--remote-debugging-pipe", *flags]
        self.process = subprocess.Popen(
            ["bash", "-c", script, "chromium", *command], stdout=log, stderr=log, pass_fds=(child_reads, child_writes)
        )
        os.close(child_reads)
        os.close(child_writes)
        self._writer = os.fdopen(our_writes, "wb", buffering=0)
        self._reader = os.fdopen(our_reads, "rb", buffering=0)
        self._pending = b""
        self._next = 0

    def send(self, method: str, session: str | None = None, **params: Any) -> int:
        self._next += 1
        message = {"id": self._next, "method": method, "params": params, **({"sessionId": session} if session else {})}
        self._writer.write(json.dumps(message).encode() + b"\0")
        return self._next

    def call(self, method: str, session: str | None = None, **params: Any) -> Any:
        number = self.send(method, session, **params)
        for message in self.messages():
            if message.get("id") == number:
                return message["result"]
        raise RuntimeError(f"Chromium ended before it answered {method}")

    def messages(self) -> Iterator[Any]:
        """What Chromium says, until it ends."""
        while True:
            while b"\0" in self._pending:
                line, _, self._pending = self._pending.partition(b"\0")
                yield json.loads(line)
            data = self._reader.read(1 << 20)
            if not data:
                return
            self._pending += data

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.send("Browser.close")
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self._writer.close()
        self._reader.close()


def console(url: str, program: Path, flags: list[str], seconds: float, hidden: bool = False) -> Iterator[str]:
    """The console lines of one page, up to and with the one that starts with DONE; TimeoutError where it does not come in time.

    hidden: from its start it lies behind another tab, and Chromium (not its headless shell) holds its timers back. Uncaught exceptions
    come as lines that start with EXCEPTION, messages of the browser itself (a failed request, a deprecation) as lines that start with LOG.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, (Path(profile) / "log").open("wb") as log:
        common = [flag for flag in chromium.COMMON if not (hidden and flag == chromium.UNTHROTTLED)]
        tools = DevTools(program, [*common, *flags], Path(profile) / "profile", log)
        late = threading.Timer(seconds, tools.process.kill)
        late.start()
        started = time.monotonic()
        try:
            target = tools.call("Target.createTarget", url="about:blank")["targetId"]
            session = tools.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for method in ("Runtime.enable", "Log.enable", "Page.enable"):
                tools.send(method, session)
            if hidden:
                tools.call("Target.createTarget", url="about:blank")
            tools.send("Page.navigate", session, url=url)
            for message in tools.messages():
                line = console_line(message)
                if line is not None:
                    yield line
                    if line.startswith("DONE"):
                        return
        finally:
            late.cancel()
            tools.close()
        if time.monotonic() - started >= seconds:
            raise TimeoutError(f"{url} did not end within {seconds:.0f} seconds")
        raise RuntimeError(f"Chromium ended early:\n{(Path(profile) / 'log').read_text('utf-8', 'replace')[-4000:]}")


def console_line(message: Any) -> str | None:
    match message:
        case {"method": "Runtime.consoleAPICalled", "params": {"args": arguments}}:
            return " ".join(str(argument.get("value", argument.get("description", ""))) for argument in arguments)
        case {"method": "Runtime.exceptionThrown", "params": {"exceptionDetails": details}}:
            return f"EXCEPTION {details.get('exception', {}).get('description', details.get('text'))}"
        case {"method": "Log.entryAdded", "params": {"entry": entry}}:
            return f"LOG {entry['text']} {entry.get('url', '')}"
        case {"method": "Inspector.targetCrashed"}:
            return "EXCEPTION the page crashed"
    return None


def page_console(
    page: str,
    folders: Mapping[str, Path],
    query: str = "",
    gpu: str = "test",
    program: Path | None = None,
    seconds: float = 600,
    isolated: bool = True,
    hidden: bool = False,
) -> Iterator[str]:
    """The console of a page: `bench/exact.html` of this folder, or `site/bench.html` of the folder given as `site`."""
    program = program or chromium.find()
    if program is None:
        raise FileNotFoundError("there is no Chromium: run `make test` once, or name one in the variable CHROMIUM")
    roots = {"tests": TESTS, "runtime": RUNTIME, **folders}
    path = page if page.partition("/")[0] in roots else f"tests/{page}"
    with serve(roots, isolated) as origin:
        yield from console(f"{origin}/{path}?{query}", program, chromium.FLAGS[gpu], seconds, hidden)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page")
    parser.add_argument("folders", nargs="*", metavar="NAME=FOLDER")
    parser.add_argument("--gpu", choices=chromium.FLAGS, default="test")
    parser.add_argument("--query", default="", help="the page's settings, as variant=f32&runs=3")
    parser.add_argument("--chromium", type=Path)
    parser.add_argument("--seconds", type=float, default=600)
    arguments = parser.parse_args()
    folders = {name: Path(folder) for name, _, folder in (item.partition("=") for item in arguments.folders)}
    bad = 0
    try:
        for line in page_console(arguments.page, folders, arguments.query, arguments.gpu, arguments.chromium, arguments.seconds):
            print(line, flush=True)
            bad += line.startswith(("FAIL", "EXCEPTION", "LOG"))
    except TimeoutError as error:
        print(error, file=sys.stderr)
        return 124
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
