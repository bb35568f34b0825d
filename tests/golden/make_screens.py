"""The pictures of the page that an installed site shows before it is installed: with the tests' engine, in the page's own colors.

    python tests/golden/make_screens.py
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from site_visit import CHROMIUM, answered, ask, build_site, visiting

from chromium import find

FOLDER = Path(__file__).parents[2] / "templates" / "site"
# A name, the page's width and height, and pixels for each of its own.
SCREENS = (("screen-wide.png", 1280, 720, 1.0), ("screen-narrow.png", 360, 720, 1.5))
COLORS = 64
QUESTION = "Three ideas for a quick dinner with lentils?"
ANSWER = (
    "Here are three, each ready in half an hour:\n\n1. **Red lentil soup** with cumin, lemon and a little chili.\n"
    "2. **Lentil salad** with feta, roasted peppers and parsley.\n3. **Dal** with ginger, garlic and spinach, over rice.\n"
)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        folder = Path(scratch)
        build_site(folder / "site", folder / "scratch", title="Chat")
        browser = playwright.chromium.launch(executable_path=find(), args=CHROMIUM)
        for name, width, height, scale in SCREENS:
            with visiting(browser, folder / "site", folder / name) as visit:
                visit.context.close()
                visit.context = browser.new_context(viewport={"width": width, "height": height}, device_scale_factor=scale)
                page = visit.start()
                ask(page, f"say: {ANSWER}")
                answered(page, 2)
                page.locator("li.user .body").evaluate("(body, text) => { body.textContent = text; }", QUESTION)
                page.get_by_text("(toy)").evaluate("(one) => { one.textContent = one.textContent.replace(' (toy)', ''); }")
                page.locator("#prompt").blur()
                page.mouse.move(0, 0)
                picture = Image.open(io.BytesIO(page.screenshot()))
            picture.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE).save(FOLDER / name, optimize=True)
            print(f"{name}: {picture.size[0]}x{picture.size[1]}, {(FOLDER / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
