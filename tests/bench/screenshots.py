"""Pictures of the page in each of its states, at three sizes, light and dark: to be looked at.

    python tests/bench/screenshots.py [--language ar] [--out tests/bench/out/screenshots]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from page_states import states
from site_server import SiteServer
from site_visit import Visit, build_site

from chromium import COMMON, FLAGS, find

SIZES = {"phone": (360, 740), "tablet": (768, 1024), "desktop": (1280, 800)}


def shoot(browser: Browser, server: SiteServer, out: Path, size: str, scheme: str, language: str) -> None:
    width, height = SIZES[size]
    touch = size == "phone"
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, locale=language, has_touch=touch, is_mobile=touch,  # type: ignore[arg-type]
    )
    for name, page in states(Visit(context, server)):
        page.screenshot(path=out / f"{name}-{size}-{scheme}-{language}.png")
    context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--language", default="en")
    parser.add_argument("--size", choices=SIZES, action="append")
    parser.add_argument("--scheme", choices=("light", "dark"), action="append")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "out" / "screenshots")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        server = SiteServer(Path(scratch) / "root", "chat")
        build_site(server.folder, Path(scratch) / "build")
        server.start()
        browser = playwright.chromium.launch(executable_path=find(), args=[*COMMON, *FLAGS["test"], "--disable-gpu-compositing"])
        for size in options.size or SIZES:
            for scheme in options.scheme or ("light", "dark"):
                shoot(browser, server, options.out, size, scheme, options.language)
        browser.close()
        server.stop()
    print(f"The pictures are in {options.out}.")


if __name__ == "__main__":
    main()
