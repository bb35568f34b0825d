"""What browsers make of odd picture files, beside Pillow, which is what transformers' processors read them with; and of sounds."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import firefox as driver
from flac import flac
from odd_pictures import HEIGHT, WIDTH, Odd, all_odd, reference
from open_page import RUNTIME, TESTS, page_console, serve

PAGE = "browser/pictures.html"
SETTINGS = json.loads((RUNTIME.parent / "test/golden/pictures.json").read_text("utf-8"))["idefics3"]["settings"]
SECONDS = 300


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Odd]]:
    """A folder with the files, what Pillow reads in each, and the page's script."""
    folder, odd = tmp_path_factory.mktemp("pictures"), all_odd()
    files = []
    for picture in odd:
        (folder / picture.name).write_bytes(picture.data)
        shape = None
        if not picture.error:
            pixels = reference(picture.data)
            shape = {"width": pixels.shape[1], "height": pixels.shape[0]}
            (folder / f"{picture.name}.rgb").write_bytes(pixels.tobytes())
        files.append({"name": picture.name, "reference": shape})
    tone = (12_000 * np.sin(np.arange(4000) / 9)).astype(np.int16)
    (folder / "tone.flac").write_bytes(flac(tone))
    (folder / "tone.flac.pcm").write_bytes(tone.tobytes())
    described = {"files": files, "settings": SETTINGS, "one": ["RGB.png", WIDTH, HEIGHT]}
    (folder / "files.json").write_text(json.dumps(described), "utf-8")
    command = ["node", "test/bundle.mjs", str(TESTS / "browser" / "pictures.js"), str(folder / "pictures.js")]
    subprocess.run(command, cwd=RUNTIME.parent, check=True, timeout=300)
    return folder, odd


def check(found: dict[str, Any], odd: list[Odd]) -> None:
    wrong = {}
    for picture in odd:
        result = found["decoded"][picture.name]
        if picture.error:
            is_right = re.search(f"^RequestValidationError: .*{picture.error}", result.get("error", "")) is not None
        else:
            is_right = result.get("most", 255) <= picture.most
        if not is_right:
            wrong[picture.name] = result
    assert wrong == {}
    read = found["read"]
    assert read["different"] == [] and read["taken"]
    assert read["refused"]["error"].startswith("RequestValidationError: The file is no picture")
    assert read["gone"]["error"].startswith("AbortError")
    foreign = read["foreign"]
    assert foreign["type"] == "opaque"
    told = r"DownloadError: messages\[0\]\.content\[1\]: the picture at http:.* could not be fetched: .*\(CORS\)"
    assert re.match(told, foreign["error"])
    heard = found["heard"]
    assert heard["length"] == 4000 and heard["most"] < 1e-4
    assert len(heard["off"]) > 1 and max(heard["off"]) < 1e-3
    assert heard["refused"]["error"].startswith("RequestValidationError: The sound's file is damaged, or this browser")


def test_in_chromium(corpus: tuple[Path, list[Odd]], chromium_shell: Path) -> None:
    folder, odd = corpus
    *_, line, done = page_console(PAGE, {"pictures": folder}, program=chromium_shell, seconds=SECONDS, isolated=False)
    assert done == "DONE"
    check(json.loads(line), odd)


def test_in_firefox(corpus: tuple[Path, list[Odd]]) -> None:
    folder, odd = corpus
    program = driver.find()
    if program is None:
        pytest.skip("no Firefox here: on Debian, firefox-esr")
    with driver.firefox(program) as browser, serve({"tests": TESTS, "pictures": folder}, isolated=False) as origin:
        tab = browser.open(f"{origin}/tests/{PAGE}")
        end = time.monotonic() + SECONDS
        while "info: DONE" not in browser.console:
            assert time.monotonic() < end, browser.console
            tab.evaluate("new Promise((resolve) => { setTimeout(resolve, 100); })")
        *_, line, _done = browser.console  # behind what the browser says of another site
    check(json.loads(line.removeprefix("info: ")), odd)
