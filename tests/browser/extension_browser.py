"""A Chromium with extensions, and how one is built and used."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page, sync_playwright

from chromium import COMMON


def id_of(extension: Path) -> str:
    """What Chromium calls an unpacked extension, by its folder."""
    digits = hashlib.sha256(str(extension).encode()).hexdigest()[:32]
    return "".join(chr(ord("a") + int(digit, 16)) for digit in digits)


class Extended:
    """Pages share storage and extensions. Console messages and uncaught errors of the pages that are tabs are collected."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.console: list[str] = []
        context.set_default_timeout(60_000)
        context.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"))
        context.on("weberror", lambda error: self.console.append(f"uncaught: {error.error}"))
        assert context.browser is not None
        self._tools = context.browser.new_browser_cdp_session()

    def open(self, url: str) -> Page:
        page = self.context.new_page()
        page.goto(url)
        return page

    def targets(self, kind: str, url: str) -> list[str]:
        found: list[dict[str, Any]] = self._tools.send("Target.getTargets", {"filter": [{"type": kind}]})["targetInfos"]
        return [target["targetId"] for target in found if target["url"].startswith(url)]

    def click_button(self, extension: str, page: Page) -> None:
        """The extension's button in the toolbar, with `page` in front: it may read that page from then on."""
        page.bring_to_front()
        (tab,) = self.targets("tab", page.url)
        self._tools.send("Extensions.triggerAction", {"id": extension, "targetId": tab})

    def close_documents(self, kind: str, url: str) -> None:
        for target in self.targets(kind, url):
            self._tools.send("Target.closeTarget", {"targetId": target})

    def stop_service_workers(self, page: Page) -> None:
        """As the browser does after 30 idle seconds: those of the page's extension."""
        session = self.context.new_cdp_session(page)
        session.send("ServiceWorker.enable")
        session.send("ServiceWorker.stopAllWorkers")
        session.detach()

    def until(self, done: Any, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, "it never came"
            self.context.pages[0].wait_for_timeout(50)  # messages come meanwhile


@contextlib.contextmanager
def extended(program: Path, *extensions: Path) -> Iterator[Extended]:
    """The console must be empty at the end; a test that provokes messages checks and clears it."""
    listed = ",".join(map(str, extensions))
    flags = [f"--disable-extensions-except={listed}", f"--load-extension={listed}", "--enable-unsafe-extension-debugging"]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(profile, executable_path=program, args=[*COMMON, *flags])
        visit = Extended(context)
        yield visit
        context.close()
    assert visit.console == []
