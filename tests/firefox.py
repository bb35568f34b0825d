"""How the tests run Firefox: headless, with a profile of its own, driven by WebDriver BiDi (https://w3c.github.io/webdriver-bidi)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from websockets.sync.client import connect
from websockets.sync.connection import Connection

PREFERENCES = {
    "dom.webgpu.enabled": True,  # on by itself on Windows and macOS only
    "gfx.webgpu.ignore-blocklist": True,  # which has the CPU's Vulkan driver
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
}
ENDPOINT = "WebDriverBiDiServer.json"  # in the profile, once Firefox listens
MAX_MESSAGE = 1 << 24


def find() -> Path | None:
    """The variable FIREFOX, else one on PATH."""
    named = os.environ.get("FIREFOX")
    found = named or shutil.which("firefox-esr") or shutil.which("firefox")
    return Path(found) if found else None


def vulkan_drivers() -> list[Path]:
    """Mesa's Vulkan driver for the CPU, which gives Firefox a GPU on any Linux."""
    return sorted(Path("/usr/share/vulkan/icd.d").glob("lvp_icd*.json"))


@contextmanager
def firefox(program: Path) -> Iterator[Firefox]:
    """A running Firefox, until the block ends."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, (Path(folder) / "log").open("wb") as log:
        profile = Path(folder) / "profile"
        profile.mkdir()
        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items())
        (profile / "user.js").write_text("\n".join(lines), "utf-8")
        command = [str(program), "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
        environment = {**os.environ, "HOME": folder, "MOZ_CRASHREPORTER_DISABLE": "1"}
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            with connect(f"{endpoint(profile, process)}/session", max_size=MAX_MESSAGE, compression=None) as socket:
                yield Firefox(socket)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def endpoint(profile: Path, process: subprocess.Popen[bytes], seconds: float = 300) -> str:
    """The address that Firefox listens at."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with suppress(FileNotFoundError, ValueError):  # of a file that is being written
            server = json.loads((profile / ENDPOINT).read_text("utf-8"))
            return f"ws://{server['ws_host']}:{server['ws_port']}"
        time.sleep(0.05)
    log = (profile.parent / "log").read_text("utf-8", "replace")
    raise RuntimeError(f"Firefox did not begin to listen ({process.poll()})\n{log}")


class Firefox:
    """`console`: what pages have written there and uncaught errors, as "level: text", since it was last cleared."""

    def __init__(self, socket: Connection) -> None:
        self._socket = socket
        self._number = 0
        self.console: list[str] = []
        self.call("session.new", capabilities={})
        self.call("session.subscribe", events=["log.entryAdded"])

    def call(self, method: str, seconds: float = 300, **parameters: Any) -> Any:
        """A command's result; events that come before it are taken in."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        end = time.monotonic() + seconds
        while True:
            message = json.loads(self._socket.recv(timeout=max(0.0, end - time.monotonic())))
            if message.get("method") == "log.entryAdded":
                self.console.append(f"{message['params']['level']}: {message['params']['text']}")
            if message.get("id") == self._number:
                if message["type"] == "error":
                    raise RuntimeError(f"{method}: {message['message']}")
                return message["result"]

    def open(self, url: str) -> Tab:
        context = self.call("browsingContext.create", type="tab")["context"]
        self.call("browsingContext.navigate", context=context, url=url, wait="complete")
        return Tab(self, context)


class Tab:
    def __init__(self, browser: Firefox, context: str) -> None:
        self._browser, self._context = browser, context

    def evaluate(self, expression: str) -> Any:
        """A JSON value of an expression of JavaScript, awaited."""
        result = self._browser.call(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({expression})))()",
            target={"context": self._context},
            awaitPromise=True,
        )
        if result["type"] == "exception":
            raise RuntimeError(f"{expression}: {result['exceptionDetails']['text']}")
        value = result["result"].get("value")
        return None if value is None else json.loads(value)

    def until(self, expression: str, seconds: float) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + seconds
        while not self.evaluate(expression):
            if time.monotonic() > end:
                shown = self.evaluate("`${location.href} ${document.body.dataset.status} ${document.body.innerText.slice(0, 500)}`")
                raise AssertionError(f"never true: {expression}; page: {shown}; console: {self._browser.console}")
            time.sleep(0.1)

    def click(self, selector: str) -> None:
        self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    def fill(self, selector: str, text: str) -> None:
        """Put text into a field as a user does: it tells the page."""
        field = f"document.querySelector({json.dumps(selector)})"
        tell = "['input', 'change'].forEach((type) => field.dispatchEvent(new Event(type, { bubbles: true })))"
        self.evaluate(f"((field) => {{ field.value = {json.dumps(text)}; {tell}; }})({field})")

    def leave(self) -> None:
        """Go to another page."""
        self._browser.call("browsingContext.navigate", context=self._context, url="about:blank", wait="complete")

    def come_back(self) -> None:
        """By the browser's button."""
        self._browser.call("browsingContext.traverseHistory", context=self._context, delta=-1)

    def close(self) -> None:
        self._browser.call("browsingContext.close", context=self._context)
