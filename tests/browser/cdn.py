"""A package on a host of its own, as on a CDN, and pages of other origins."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from site_visit import FAKE_WORKER

from package_sample import publish_npm, sample_model


class CrossOrigin(SimpleHTTPRequestHandler):
    def end_headers(self) -> None:
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Address of a server of its own for a folder."""

    class Handler(CrossOrigin):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def publish(folder: Path) -> None:
    """Writes `package` and its weights below it; its engine is the fake one."""
    publish_npm(folder / "package", sample_model(folder), name="sample")
    shutil.copyfile(FAKE_WORKER, folder / "package" / "runtime" / "worker.js")
