"""A plain static file server that can be slow, refuse files, stop and come back."""

from __future__ import annotations

import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PIECES = 16


class SiteServer:
    """Serves `root` like GitHub Pages would: no special headers, the site in a folder below.

    slow: seconds that a weight shard takes. failing: a file whose path contains one of these is answered with 404.
    """

    def __init__(self, root: Path, path: str) -> None:
        self.root = root
        self.folder = root / path
        self.path = path
        self.requests: list[str] = []
        self.slow = 0.0
        self.failing: set[str] = set()
        self._port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/{self.path}/"

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

    def _handler(self) -> type[SimpleHTTPRequestHandler]:
        server = self

        class Handler(SimpleHTTPRequestHandler):
            def __init__(self, *arguments: object) -> None:
                super().__init__(*arguments, directory=str(server.root))  # type: ignore[arg-type]

            def log_message(self, format: str, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                server.requests.append(self.path)
                if any(part in self.path for part in server.failing):
                    self.send_error(404)
                elif server.slow and self.path.endswith(".bin"):
                    self._trickle(Path(self.translate_path(self.path)).read_bytes())
                else:
                    super().do_GET()

            def _trickle(self, data: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                size = -(-len(data) // PIECES)
                try:
                    for start in range(0, len(data), size):
                        self.wfile.write(data[start : start + size])
                        self.wfile.flush()
                        time.sleep(server.slow / PIECES)
                except OSError:
                    pass  # the browser gave the download up

        return Handler
