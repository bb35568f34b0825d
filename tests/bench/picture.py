"""README's picture: a built site's page, with an answer of its own model on this machine's CPU.

    python tests/bench/picture.py SITE [QUESTION]
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from site_server import SiteServer
from site_visit import Visit, answered, ask

from chromium import COMMON, FLAGS, find

PICTURE = Path(__file__).parents[2] / "sites" / "chat" / "page.png"
SIZE = {"width": 1100, "height": 620}
QUESTION = "Give me three tips for sleeping well."


def main(site: Path, question: str = QUESTION) -> None:
    server = SiteServer(site.resolve().parent, site.resolve().name)
    server.start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=[*COMMON, *FLAGS["test"]])
        visit = Visit(browser.new_context(viewport=SIZE), server)  # type: ignore[arg-type]
        page = visit.context.new_page()
        page.goto(f"{server.url}?device=cpu")
        page.click("#open-settings")
        page.fill("#temperature", "0")
        page.click("#save-settings")
        page.click("#start")
        page.wait_for_selector("body[data-status=ready]", timeout=300_000)
        ask(page, question)
        answered(page, 2)
        page.wait_for_timeout(1000)
        page.locator("#messages > li").first.scroll_into_view_if_needed()
        page.mouse.move(0, 0)
        page.screenshot(path=PICTURE)
        browser.close()
    server.stop()
    print(f"{PICTURE} ({PICTURE.stat().st_size:,} bytes)")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
