"""The page in the visitor's language: chosen, loaded alone, kept, and written from right to left where the language is."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from site_server import SiteServer
from site_visit import Visit, answered, ask, becomes, build_site, installed

# All that a person can see or hear of the page's own words.
SAID = """() => {
  const of = (element) => ["aria-label", "title", "placeholder"].map((name) => element.getAttribute(name)).concat(
    [...element.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE).map(({ data }) => data));
  const isOther = (element) => element.matches("script, noscript, [lang]:not(html)");
  const inside = (element) => isOther(element) ? [] : [...of(element), ...[...element.children].flatMap(inside)];
  return inside(document.body).map((text) => text?.trim()).filter(Boolean);
}"""
# The same in all languages: names, numbers, and what is called so everywhere.
SCHEMA = '{"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}'
SAME = {"Sample chat", "q4a", "apache-2.0", "Sample 1M Instruct", SCHEMA, "Top-p", "Top-k", "Min-p", "JSON", "JSON Schema"}


def speaking(browser: Browser, server: SiteServer, locale: str, **options: object) -> Visit:
    return Visit(browser.new_context(locale=locale, viewport={"width": 1100, "height": 800}, **options), server)  # type: ignore[arg-type]


def words_loaded(page: Page) -> list[str]:
    names: list[str] = page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
    return [name.split("/words-")[1][:2] for name in names if "/words-" in name]


@pytest.mark.parametrize("locale", ["de-DE", "es-MX", "fr-FR", "pt-BR", "zh-CN", "ja-JP", "ar-EG"])
def test_nothing_is_left_in_english(browser: Browser, server: SiteServer, visit: Visit, locale: str) -> None:
    english = visit.open()
    english.wait_for_selector("#start:visible")
    other = speaking(browser, server, locale)
    page = other.open()
    page.wait_for_selector("#start:visible")
    page.wait_for_selector(f"html[lang={locale[:2]}][dir={'rtl' if locale == 'ar-EG' else 'ltr'}]")
    becomes(page, lambda: [words_loaded(page), words_loaded(english)], [[locale[:2]], ["en"]])
    words = set(page.evaluate(SAID))
    left = {text for text in set(english.evaluate(SAID)) & words if any(letter.islower() for letter in text)} - SAME
    # A word may be the same in two languages; a sentence is not.
    assert not {text for text in left if text.count(" ") > 1}, left
    assert len(left) <= 8, left
    assert other.console == []
    other.context.close()


def test_arabic_runs_from_the_right_and_is_there_offline(browser: Browser, server: SiteServer) -> None:
    visit = speaking(browser, server, "ar")
    page = visit.start()
    installed(page)
    edges = page.evaluate("['.top h1', '.top nav'].map((name) => document.querySelector(name).getBoundingClientRect().left)")
    assert edges[0] > edges[1], "the title is on the right"
    expect(page.locator("#prompt")).to_have_css("direction", "rtl")  # of its placeholder
    expect(page.locator(".top h1 span")).to_have_css("direction", "ltr")  # a title of Latin letters is cut at its end
    ask(page, "say: hello")
    assert answered(page, 2) == "hello"
    edges = page.evaluate("['li.user .body', '#messages'].map((name) => document.querySelector(name).getBoundingClientRect().left)")
    assert edges[0] == edges[1], "a question stands at the end of its line"
    server.stop()
    page = visit.open()
    page.wait_for_selector("body[data-status=ready]")
    expect(page.locator("html")).to_have_attribute("lang", "ar")
    assert visit.console == []
    visit.context.close()


def test_a_visitor_chooses_another_language(visit: Visit) -> None:
    page = visit.open()
    page.wait_for_selector("#start:visible")
    page.click("#open-settings")
    page.select_option("#language", "ja")
    page.click("#save-settings")
    page.wait_for_selector("html[lang=ja]")
    page.wait_for_selector("#start:visible")
    page.click("#open-settings")
    expect(page.locator("#language")).to_have_value("ja")
    page.select_option("#language", "")
    page.click("#save-settings")
    page.wait_for_selector("html[lang=en]")


def test_words_that_do_not_come_leave_english(browser: Browser, server: SiteServer) -> None:
    visit = speaking(browser, server, "de")
    visit.context.route("**/words-de.*", lambda route: route.abort())
    page = visit.open()
    page.wait_for_selector("#start:visible")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#open-settings")).to_have_text("Settings")
    visit.context.close()


def test_a_site_may_speak_one_language_to_all(visit: Visit, tmp_path: Path) -> None:
    build_site(visit.server.folder, tmp_path / "other", language="fr")
    assert '<html lang="fr" dir="ltr">' in (visit.server.folder / "index.html").read_text("utf-8")
    page = visit.open()
    page.wait_for_selector("html[lang=fr] #start:visible")
    expect(page.locator("#open-settings")).to_have_text("Réglages")


def test_without_scripts_the_page_says_what_it_is(browser: Browser, server: SiteServer) -> None:
    visit = speaking(browser, server, "de", java_script_enabled=False)
    page = visit.open()
    expect(page.get_by_text("Nothing you write leaves this page.")).to_be_visible()
    expect(page.locator("#open-settings")).to_have_text("Settings")
    assert "This page needs JavaScript." in page.content()
    visit.context.close()
