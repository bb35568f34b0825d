"""Opens a built site's bench.html in a Chromium and brings back what it measured."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from webllm_build import chromium
from webllm_build.disk import is_file
from webllm_build.errors import BenchError, OutputFolderError
from webllm_build.serve import ISOLATED, make_server

if TYPE_CHECKING:
    from playwright.sync_api import Page

PAGE = "bench.html"
BY_HAND = f"Or run `webllm-build serve` and open /{PAGE} in a browser: it measures and shows the same."


@dataclass(frozen=True)
class BenchRequest:
    """What to measure: the options of bench.html (runtime_js/src/bench/options.ts), and in which browser.

    gpu: None takes what suits this machine. browser: its program; None takes the Chromium that chromium.find finds.
    seconds: that all of it may take.
    """

    folder: Path
    prompt_tokens: int
    output_tokens: int
    runs: int
    contexts: tuple[int, ...]
    kernels: bool
    variant: str | None
    calibrate: bool
    gpu: chromium.Gpu | None
    browser: Path | None
    seconds: float

    @property
    def query(self) -> str:
        options = {
            "prompt-tokens": self.prompt_tokens,
            "output-tokens": self.output_tokens,
            "runs": self.runs,
            "context": ",".join(map(str, self.contexts)),
            "kernels": int(self.kernels),
            "variant": self.variant or "",
            "calibrate": "" if self.calibrate else "off",
        }
        return urlencode({name: value for name, value in options.items() if value != ""})


class Table(NamedTuple):
    """Cells of text; the first of a row is a name, the others are numbers."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Measured:
    """report: the JSON object that runtime_js/src/bench/report.ts describes. tables: the same for people."""

    report: dict[str, Any]
    tables: tuple[Table, ...]


def bench(request: BenchRequest, on_line: Callable[[str], None]) -> Measured:
    """Serve the site, open its bench.html and wait for the end; on_line gets each console line before it.

    Raises BenchError where there is no Playwright or no Chromium, or the page failed; OutputFolderError where there is no such page.
    """
    if not is_file(request.folder / PAGE):
        raise OutputFolderError(f"{request.folder} has no {PAGE}", "Build a site first: webllm-build site --out DIR")
    with _served(request.folder) as origin, _page(request) as page:
        return _read(_last_line(page, f"{origin}/{PAGE}?{request.query}", request.seconds, on_line))


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    with make_server(folder, 0, ISOLATED) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def _page(request: BenchRequest) -> Iterator[Page]:
    """A page of a Chromium with a fresh profile on disk, so that the model is stored as a visitor's browser would."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError as error:
        hint = f"pip install 'webllm-build[bench]'\n{BY_HAND}"
        raise BenchError("bench drives a browser with Playwright, which is not installed", hint) from error
    program = request.browser or chromium.find()
    if program is None:
        raise BenchError("there is no Chromium", f"Install Chromium or Chrome, or run: playwright install chromium\n{BY_HAND}")
    flags = [*chromium.COMMON, *chromium.WEBGPU[request.gpu or chromium.detect_gpu()]]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, sync_playwright() as playwright:
        try:
            context = playwright.chromium.launch_persistent_context(profile, executable_path=program, args=flags)
        except Error as error:
            raise BenchError(f"{program} did not start: {error.message.splitlines()[0]}", "Name another with --chromium.") from error
        try:
            yield context.new_page()
        finally:
            context.close()


def _last_line(page: Page, url: str, seconds: float, on_line: Callable[[str], None]) -> str:
    """Opens the page; the console line that starts with DONE."""
    from playwright.sync_api import Error, TimeoutError

    page.on("console", lambda message: on_line(message.text))
    try:
        with page.expect_console_message(lambda message: message.text.startswith("DONE "), timeout=1000 * seconds) as last:
            page.goto(url)
        return last.value.text
    except TimeoutError as error:
        hint = "Ask for fewer tokens or runs, or allow more with --timeout."
        raise BenchError(f"measuring did not end within {seconds:.0f} seconds", hint) from error
    except Error as error:
        raise BenchError(f"the browser ended early: {error.message.splitlines()[0]}", "Try --gpu software, or another browser.") from error


def _read(line: str) -> Measured:
    report = json.loads(line.removeprefix("DONE "))
    if "error" in report:
        raise BenchError(f"{PAGE} failed: {report['error']['message']}", BY_HAND)
    tables = report.pop("tables")
    return Measured(report, tuple(Table(table["title"], tuple(table["head"]), tuple(map(tuple, table["rows"]))) for table in tables))
