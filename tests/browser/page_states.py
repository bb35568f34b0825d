"""The states that a chat's page can be in, one after the other, for those who look at each."""

from __future__ import annotations

from collections.abc import Iterator

from playwright.sync_api import FilePayload, Page
from site_visit import Visit, answered, let_sense, until, wav

ANSWER = """Rayleigh scattering makes it **blue**: short waves are scattered more than long ones.

1. Sunlight holds *all* colors.
2. Air scatters in proportion to $1/\\lambda^4$.

| color | wave length |
| --- | --- |
| blue | 450 nm |
| red | 700 nm |

```python
def scattered(wave_length: float) -> float:
    return 1 / wave_length**4
```

> So the evening sky is red. See [an atlas](https://example.org/sky)."""


def send(page: Page, text: str) -> None:
    """Where Enter starts a line, too, as on a touch screen."""
    page.fill("#prompt", text)
    page.click("#send")


def states(visit: Visit) -> Iterator[tuple[str, Page]]:
    """The name of a state, and the page in it. The page changes when the next one is wanted."""
    server = visit.server
    let_sense(server)
    server.holds_from = 1 << 19  # half of it
    page = visit.open()
    page.wait_for_selector("#start:visible")
    yield "offer", page
    page.click("#start")
    until(page, "document.querySelector('#bar').value > 0.05")
    yield "loading", page
    page.click("#cancel")
    page.wait_for_selector("#start:visible")
    page.close()
    server.holds_from = None
    page = visit.start()
    page.wait_for_selector("#welcome:visible")
    yield "ready", page
    send(page, "slow")
    page.wait_for_selector("li.assistant[data-open] .body:has-text('word3')")
    yield "answering", page
    page.click("#stop")
    answered(page, 2)
    send(page, f"say: First, what is known.</think>{ANSWER}")
    answered(page, 4)
    page.wait_for_selector("li.assistant table")
    yield "answered", page
    page.click("#open-chats")
    page.click("#chats li button")
    yield "chats", page
    page.click("#chats .close")
    notes = FilePayload(name="notes.md", mimeType="text/markdown", buffer=b"one two three")
    page.set_input_files("#file-picker", [wav("tone.wav", 2), notes])
    page.wait_for_selector("#files audio")
    yield "files", page
    send(page, "What is in these?")
    answered(page, 6)
    page.wait_for_selector("li.user audio")
    yield "media", page
    page.click("#open-settings")
    page.click("#more-settings summary")
    page.wait_for_selector("#seed:visible")
    yield "settings", page
    page.click("#delete-model")
    page.wait_for_selector("dialog#confirm-delete[open]")
    yield "confirm", page
    page.click("#confirm-delete .second")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog#settings:not([open])", state="attached")
    send(page, "fail: ContextWindowSizeExceeded")
    page.wait_for_selector("#problem:visible")
    yield "problem", page
    page.close()
