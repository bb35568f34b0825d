"""Whatever a model writes is text, and is drawn in bounded work."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hostile_answers import CODE, HOSTILE, LANGUAGES, UNITS
from playwright.sync_api import Browser, Page, expect
from site_visit import Visit, drawn, kept_as, until

from open_page import RUNTIME, serve

TAGS = (
    "a bdi blockquote br button code del div em h1 h2 h3 h4 h5 h6 hr li ol p pre span strong svg table tbody td th thead tr ul use var "
    "math mrow mi mn mo mtext mspace mfrac msqrt mroot mstyle mpadded mphantom menclose msub msup msubsup "
    "munder mover munderover mtable mtr mtd"
)
ATTRIBUTES = (
    "align aria-hidden aria-label class dir href rel role start tabindex target title type data-action data-as-written data-tex "
    "display displaystyle scriptlevel mathvariant stretchy symmetric fence separator form lspace rspace minsize maxsize "
    "movablelimits largeop accent accentunder linethickness width height depth voffset notation columnalign rowspacing "
    "columnspacing columnlines rowlines style"
)
# Everything of all answers: tags with their attributes, links, and styles.
LOOK = """() => {
  const all = [...document.querySelectorAll("#messages .assistant .body *")];
  return {
    tags: [...new Set(all.map((one) => one.localName))],
    attributes: [...new Set(all.flatMap((one) => one.getAttributeNames()))],
    links: all.filter((one) => one.localName === "a").map((one) => [one.protocol, one.rel, one.target]),
    used: [...new Set(all.filter((one) => one.localName !== "a" && one.hasAttribute("href")).map((one) => one.getAttribute("href")))],
    styled: all.filter((one) => one.hasAttribute("style") && !one.closest("math")).length,
    styles: [...new Set(all.flatMap((one) => one.hasAttribute("style") ? [one.getAttribute("style")] : []))],
    large: all.filter((one) => one.closest("math") && one.getBoundingClientRect().width > 20_000).length,
  };
}"""


def test_hostile_answers_are_text(visit: Visit) -> None:
    assert len(HOSTILE) >= 150
    page = visit.start()
    foreign: list[str] = []
    own = page.evaluate("location.origin")
    page.on("request", lambda request: None if request.url.removeprefix("blob:").startswith(own) else foreign.append(request.url))
    messages = [{"role": "assistant", "text": text, "ending": "stop"} for text in HOSTILE]
    page.evaluate(f"(all) => sessionStorage.setItem({kept_as('conversation')}, all)", json.dumps(messages))
    page.reload()
    page.wait_for_selector("body[data-status=ready]")
    drawn(page)
    page.wait_for_selector("#messages math", state="attached")
    until(page, "document.querySelector('#messages var:not([data-as-written])') === null")
    expect(page.locator("li.assistant")).to_have_count(len(HOSTILE))
    found = page.evaluate(LOOK)
    assert set(found["tags"]) <= set(TAGS.split())
    assert set(found["attributes"]) <= set(ATTRIBUTES.split())
    assert {protocol for protocol, *_ in found["links"]} <= {"https:", "http:", "mailto:", ":"}
    assert all("noopener" in rel and target == "_blank" for _, rel, target in found["links"])
    assert set(found["used"]) <= {"#icon-copy"}
    assert found["styled"] == 0
    assert not [style for style in found["styles"] if "url" in style or "position" in style or "(" in style]
    assert found["large"] == 0
    for link in page.locator(".assistant .body a").all()[:5]:
        link.hover()
    assert page.evaluate("globalThis.pwned") is None
    assert foreign == []
    assert visit.console == [], "the page's policy had nothing to forbid"
    assert page.locator("#prompt").evaluate("(one) => one.tagName") == "TEXTAREA"
    until(page, "document.querySelectorAll('.assistant .body :is(code, a) .sign').length > 20")  # letters that nobody sees are shown


@pytest.fixture
def canvas(browser: Browser) -> Iterator[Page]:
    """A page without a site that draws answers and counts the characters that are read."""
    with serve({"runtime": RUNTIME}) as origin:
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{origin}/runtime/icons.json")
        page.evaluate(CANVAS)
        yield page
        page.close()


CANVAS = """async () => {
  const { Late, MessageList, WORDS, lateScripts } = await import("/runtime/drawing.js");
  document.body.innerHTML = '<main id="main"><ol id="messages"></ol></main><button id="to-end"></button>';
  const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: "/runtime/style.css" });
  document.head.append(style);
  let read = 0;
  const at = (name) => `/runtime/${name}.js`;
  const late = lateScripts({ markdown: at("markdown"), highlight: at("highlight"), mathematics: at("mathematics") });
  const markdown = new Late(async () => {
    const code = await import("/runtime/markdown.js");
    return { ...code, readBlocks: (text, links) => (read += text.length, code.readBlocks(text, links)) };
  });
  await Promise.all([markdown.load(), late.highlight.load(), late.mathematics.load()]);
  const context = { root: document, words: WORDS, locale: "en", ...late, markdown };
  const list = new MessageList(context, { keepPlace: (draw) => draw() });
  const messages = document.querySelector("#messages");
  globalThis.draw = async (text, piece) => {
    list.truncate(0);
    read = 0;
    list.add({ role: "assistant", text: "", ending: "open" });
    for (let end = piece; end < text.length; end += piece) {
      list.updateLast({ role: "assistant", text: text.slice(0, end), ending: "open" });
      await new Promise((resolve) => setTimeout(resolve, 70));
    }
    list.updateLast({ role: "assistant", text, ending: "stop" });
    while (messages.hasAttribute("aria-busy")) await new Promise((resolve) => setTimeout(resolve, 1));
    const scripts = messages.querySelectorAll("script, img, iframe, [onclick]").length;
    return { read, elements: messages.getElementsByTagName("*").length, scripts };
  };
}"""


def test_degenerate_answers_are_read_in_bounded_work(canvas: Page) -> None:
    for unit in UNITS:
        length = 4096 if "\n" in unit else 16_384  # thousands of blocks take a page seconds to lay out, and no more work of ours for each
        text = (unit * length)[:length]
        found = canvas.evaluate("(text) => draw(text, text.length)", text)
        assert found["read"] <= 8 * len(text), unit
        assert found["elements"] <= 2 * len(text) + 100, unit
        assert found["scripts"] == 0, unit


def test_degenerate_code_is_coloured_in_bounded_work(canvas: Page) -> None:
    for language in LANGUAGES:
        text = "".join(f"```{language}\n{(unit * 400)[:400]}\n{unit * 3}\n```\n\n" for unit in CODE)
        found = canvas.evaluate("(text) => draw(text, text.length)", text)
        assert found["read"] <= 8 * len(text), language
        assert found["elements"] <= 2 * len(text) + 100, language


@pytest.mark.parametrize("unit", ["Some *words* and `code`. ", "- item with words\n", "| a | b |\n", "x = f(1) # code\n"])
def test_what_is_drawn_is_not_read_again_with_each_piece(canvas: Page, unit: str) -> None:
    begin = {"|": "| a | b |\n|---|---|\n", "x": "```python\n"}.get(unit[0], "")
    text = begin + unit * (32_768 // len(unit))
    found = canvas.evaluate("(text) => draw(text, 1024)", text)
    assert found["read"] <= 9 * len(text), "a whole reading with each of 32 pieces would be 16 times the text"
