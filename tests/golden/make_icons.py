"""Draws the icons of an installed site from `templates/site/icon.svg`, in a headless Chromium. Run by hand where that changes."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))
from chromium import find

SITE = Path(__file__).parents[2] / "templates" / "site"
# A launcher cuts a maskable icon to its own shape, and shows at least a circle of four fifths: the drawing's corners lie in it.
SIZES = {"icon-192.png": (192, 1.0), "icon-512.png": (512, 1.0), "icon-maskable.png": (512, 0.95)}


def draw(page: Page, svg: str, size: int, share: float) -> bytes:
    ground = "#3a3fbd" if share < 1 else "transparent"
    page.set_viewport_size({"width": size, "height": size})
    page.set_content(
        f"<style>html, body {{ margin: 0; height: 100%; background: {ground}; display: grid; place-items: center }}"
        f"svg {{ width: {round(size * share)}px; height: {round(size * share)}px }}</style>{svg}"
    )
    return page.screenshot(omit_background=True)


def main() -> None:
    svg = (SITE / "icon.svg").read_text("utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find())
        page = browser.new_page()
        for name, (size, share) in SIZES.items():
            (SITE / name).write_bytes(draw(page, svg, size, share))
        browser.close()


if __name__ == "__main__":
    main()
