"""A site with its own words, colors and picture, as webllm.toml says them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import expect
from site_visit import Visit, answered, build_site

from webllm_build.config import BuildRequest, resolve
from webllm_build.config_file import read_config
from webllm_build.theme import theme_of

LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 10"><path d="M0 0h40v10H0z" fill="#7a1fa2"/></svg>'
TOML = """
title = "Ask Ada"
logo = "ada.svg"
font = "serif"
language = "de"
welcome = "مرحبا <b>you</b>"
suggestions = ["Who was first?", "<img src=x onerror=alert(1)>"]
system-prompt = "You are Ada."

[colors.light]
accent = "#7a1fa2"
background = "#fff8e7"

[[presets]]
name = "Poet"
text = "Rhyme."
"""
COLOR = "(element) => getComputedStyle(element).backgroundColor"


def own_site(visit: Visit, tmp_path: Path, chats: bool = True) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "ada.svg").write_text(LOGO)
    (folder / "webllm.toml").write_text(TOML, "utf-8")
    file = read_config(folder / "webllm.toml")
    assert file.problems == ()
    request = resolve(BuildRequest("site", **file.values))
    theme = theme_of(request.colors, request.font)
    own: dict[str, Any] = {"language": request.fixed_language, "words": request.words, "logo": request.logo, "theme": theme}
    build_site(visit.server.folder, tmp_path / "build-own", title=request.title or "", chats=chats, **own)


def test_a_site_says_its_own_words_in_its_own_colors(visit: Visit, tmp_path: Path) -> None:
    own_site(visit, tmp_path)
    page = visit.open()
    expect(page).to_have_title("Ask Ada")
    headers = page.locator("meta[name=theme-color]").evaluate_all("(metas) => metas.map(({ content }) => content)")
    assert set(headers) == {"#fffcf5"}
    logo = page.locator("header img")
    size = logo.evaluate("async (image) => (await image.decode(), [image.clientWidth, image.clientHeight])")
    assert size == [104, 26], "as wide as it is drawn"
    expect(logo).to_have_attribute("src", page.locator("link[rel=icon]").get_attribute("href"))
    page.emulate_media(color_scheme="light")
    ground, start = page.locator("body"), page.locator("#start")
    expect(ground).to_have_css("background-color", "rgb(255, 248, 231)")
    expect(start).to_have_css("background-color", "rgb(122, 31, 162)")
    page.emulate_media(color_scheme="dark")
    expect(ground, "the page's own, by night").to_have_css("background-color", "rgb(21, 21, 26)")
    expect(start, "the accent, made lighter").not_to_have_css("background-color", re.compile(r"rgb\((122, 31, 162|169, 173, 255)\)"))
    night = start.evaluate(COLOR)
    page.click("#theme")
    expect(start).to_have_css("background-color", "rgb(122, 31, 162)")
    page.click("#theme")
    expect(start).to_have_css("background-color", night)
    expect(ground).to_have_css("font-family", re.compile("^ui-serif"))

    page.click("#start")
    page.wait_for_selector("body[data-status=ready]")
    heading = page.locator("#welcome h2 bdi")
    expect(heading).to_have_text("مرحبا <b>you</b>")
    expect(heading).to_have_css("direction", "rtl")
    expect(page.locator("#suggestions button")).to_have_text(["Who was first?", "<img src=x onerror=alert(1)>"])
    page.click("#suggestions button >> nth=0")
    assert answered(page, 2) == "2 messages: system, user."
    page.click("#open-settings")
    expect(page.locator("#system-prompt")).to_have_value("You are Ada.")
    page.select_option("#preset", label="Poet")
    expect(page.locator("#system-prompt")).to_have_value("Rhyme.")


def test_a_page_that_continues_texts_suggests_the_sites_beginnings(visit: Visit, tmp_path: Path) -> None:
    own_site(visit, tmp_path, chats=False)
    page = visit.start()
    expect(page.locator("#suggestions button")).to_have_text(["Who was first?", "<img src=x onerror=alert(1)>"])
