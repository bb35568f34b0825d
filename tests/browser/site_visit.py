"""A visit to a small chat site: how it is built, opened, and asked."""

from __future__ import annotations

import io
import json
import shutil
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, FilePayload, Page, Playwright
from site_server import SiteServer

from chromium import COMMON, FLAGS, shell
from package_sample import FACTS, GRAMMAR, LIBRARY, TOKENIZER, publish_site
from webllm_build.config import Remote
from webllm_build.package import site
from webllm_build.package.assets import runtime_file
from webllm_build.package.manifest import ModelFacts
from webllm_build.package.model_folder import CompiledModel, write_weights
from webllm_build.quantize import Packed

FAKE_WORKER = Path(__file__).parent / "fake_worker.js"
INSECURE_HOST = "insecure.test"
# How Chromium is started: what tests of the site need, in windows without the address bar's popups, each of which is a page of its own.
# Playwright's own list of what is disabled gives way to this one.
DISABLED = ("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable")
CHROMIUM = [*COMMON, *FLAGS["test"], f"--disable-features={','.join(DISABLED)}", "--disable-gpu-compositing"]
CHROMIUM += [f"--host-resolver-rules=MAP {INSECURE_HOST} 127.0.0.1"]
CHROMIUM += ["--disable-blink-features=OnDeviceWebSpeechAvailable"]  # Chromium's shell ends pages that ask for it
TITLE = "Sample chat"


def launch(playwright: Playwright) -> Browser:
    """Chromium's shell, where it is installed."""
    return playwright.chromium.launch(executable_path=shell(), args=CHROMIUM)


def build_site(
    out: Path,
    scratch: Path,
    seed: int = 0,
    title: str = TITLE,
    chats: bool = True,
    runs_on_cpu: bool = False,
    endpoint: bool = True,
    remote: Remote | None = None,
    first: ModelFacts = FACTS,
    others: tuple[ModelFacts, ...] = (),
    **own: Any,
) -> None:
    """Write a site with 1 MB of weights whose engine is the fake one; all else is what users get. Another title, another program.

    chats: the model has a chat template; one without continues a text. first: the sample. others: models beside it, each
    larger than the next. own: language, words, logo and theme of the site.
    """
    tokenizer = TOKENIZER if chats else replace(TOKENIZER, config={"eos_token": "</s>"})
    libraries = (LIBRARY, LIBRARY + b"\0\3\1r\0") if runs_on_cpu else None

    def model(facts: ModelFacts, number: int) -> CompiledModel:
        words = np.random.default_rng(seed + 100 * number).integers(0, 2**32, (1 << 18) - 256 * number, dtype=np.uint32)
        weights = write_weights(scratch / f"weights-{number}", [Packed("w", "uint32", words.shape, words)])
        return CompiledModel(facts, LIBRARY, tokenizer, (2,), weights, {"w": "q4a"}, GRAMMAR, cpu=libraries)

    def script(name: str) -> bytes:
        data = FAKE_WORKER.read_bytes() if name == "site-worker.js" else runtime_file(name)
        return data if name.endswith(".json") else data + f"// {title}\n".encode()

    with patch.object(site, "runtime_file", script):
        models = [model(facts, number) for number, facts in enumerate((first, *others))]
        publish_site(out, *models, title=title, endpoint=endpoint, remote=remote, **own)


def files_of_a_load(folder: Path) -> list[str]:
    """Names of the model's files but for the grammar engine, which waits for a request that needs it."""
    return sorted(path.name for path in folder.glob("model/*") if not path.name.startswith("grammar."))


def kept_as(name: str) -> str:
    """The JavaScript expression of what the page keeps this under: with the folder of its site."""
    return f"'webllm-build:{name}:{FACTS.id}' + location.pathname.slice(0, -1)"


UNINSTALLED = "error: A bad HTTP response code (404) was received when fetching the script."  # of a service worker
# What the page that measures says of the sample, which is no model.
UNMEASURED = ("log: Loading the model", "log: FAIL The model library is not usable", 'log: DONE {"error":{"code":"Manifest"')


def unloaded(part: str, why: str = "the server responded with a status of 404") -> str:
    """What the console says, as `Visit.provokes` takes it, of a file whose address has this part."""
    return f"error: Failed to load resource: {why}*/{part}"


def _said(message: ConsoleMessage) -> str:
    """With the file that is not there, which the text does not name."""
    where = f" {message.location['url']}" if message.text.startswith("Failed to load resource") else ""
    return f"{message.type}: {message.text}{where}"


class Visit:
    """One person's browser: pages share storage and service worker. Console messages and uncaught errors are collected, and come when they
    come: a test says which it provokes, or waits for one."""

    def __init__(self, context: BrowserContext, server: SiteServer) -> None:
        self.context = context
        self.server = server
        self.console: list[str] = []
        self._provoked: tuple[str, ...] = ()
        context.set_default_timeout(60_000)
        context.on("console", lambda message: self._note(_said(message)))
        context.on("weberror", lambda error: self._note(f"uncaught: {error.error}"))

    def _note(self, message: str) -> None:
        if not any(fnmatchcase(message, f"{beginning}*") for beginning in self._provoked):
            self.console.append(message)

    def provokes(self, *beginnings: str) -> None:
        """Messages that begin so (`*` is any text) are what the test is about, however many come, and when."""
        self._provoked += beginnings

    def told(self, page: Page, beginning: str) -> None:
        """Wait until there is a message that begins so, and take it off."""
        becomes(page, lambda: any(message.startswith(beginning) for message in self.console), True)
        self.console.remove(next(message for message in self.console if message.startswith(beginning)))

    def open(self) -> Page:
        page = self.context.new_page()
        page.goto(self.server.url)
        return page

    def start(self) -> Page:
        """Open the page and load the model."""
        page = self.open()
        page.click("#start")
        page.wait_for_selector("body[data-status=ready]")
        return page


def let_sense(server: SiteServer, *, sees: bool = True, hears: int = 30) -> None:
    """The site's model says that it sees, and hears so many seconds."""
    index = server.folder / "index.html"
    said = index.read_text("utf-8").replace('"sees":false', f'"sees":{json.dumps(sees)}').replace('"hears":0', f'"hears":{hears}')
    index.write_text(said, "utf-8")


def wav(name: str, seconds: float, loudness: int = 8000, rate: int = 16_000) -> FilePayload:
    """A file with a tone."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, rate, 0, "NONE", ""))
        out.writeframes((loudness * np.sin(np.arange(int(seconds * rate)) / 9)).astype("<i2").tobytes())
    return FilePayload(name=name, mimeType="audio/x-wav", buffer=file.getvalue())


@contextmanager
def visiting(browser: Browser, site: Path, root: Path) -> Iterator[Visit]:
    """A visit to a copy of a built site, under a sub-path below `root`. The console must be empty at the end."""
    server = SiteServer(root, "project/chat")
    shutil.copytree(site, server.folder)
    server.start()
    context = browser.new_context()
    visit = Visit(context, server)
    yield visit
    context.close()
    server.stop()
    assert visit.console == []


STORED = """async (address) => {
  const models = await (await navigator.storage.getDirectory()).getDirectoryHandle("webllm-build");
  const names = [];
  for await (const [folder, handle] of models)
    if (address === null || folder === encodeURIComponent(address)) for await (const name of handle.keys()) names.push(name);
  return names;
}"""


def stored_files(page: Page, address: str | None = None) -> list[str]:
    """Names of the model files that the browser stores for the model folder at `address`, or for all."""
    names: list[str] = page.evaluate(STORED, address)
    return sorted(names)


def until(page: Page, expression: str, seconds: float = 60) -> None:
    """Wait until a JavaScript expression is true. (Playwright's wait_for_function needs eval, which the page's policy forbids.)"""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"never true: {expression}"
        page.wait_for_timeout(50)


def becomes(page: Page, read: Callable[[], object], value: object, seconds: float = 60) -> None:
    """Wait until what is read, of a page, a worker or a server, is this value."""
    end = time.monotonic() + seconds
    while (found := read()) != value and time.monotonic() < end:
        page.wait_for_timeout(50)
    assert found == value


def in_workers(page: Page, expression: str) -> Iterator[object]:
    """What a JavaScript expression is in each of a page's workers, one after the other, without those that end before they tell. A thread
    that sleeps never tells."""
    for worker in page.workers:
        with suppress(Error):
            yield worker.evaluate(expression)


def installed(page: Page) -> None:
    """Wait until the service worker serves the page."""
    until(page, "navigator.serviceWorker.controller?.state === 'activated'")


def ask(page: Page, text: str) -> None:
    """Send a question, without waiting for the answer."""
    page.fill("#prompt", text)
    page.press("#prompt", "Enter")


def drawn(page: Page) -> None:
    """Wait until there is a conversation, with its Markdown."""
    page.wait_for_selector("#messages:not([aria-busy])")


# What is out of sight has no lines, and no text of its own, until the browser draws it; nor has what has just come.
WHOLE = """(one) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("* { content-visibility: visible !important; }");
  document.adoptedStyleSheets.push(sheet);
  const text = one.innerText;
  document.adoptedStyleSheets.pop();
  return text;
}"""


def answered(page: Page, count: int) -> str:
    """Wait until the conversation has `count` messages and the last is complete; its whole text."""
    page.wait_for_selector(f"#messages > li:nth-child({count}):not([data-open]) .tools")
    page.wait_for_selector("body[data-status=ready]")
    drawn(page)
    text: str = page.locator("#messages > li:last-child .body").evaluate(WHOLE)
    return text
