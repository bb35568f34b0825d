"""Nothing for axe to find, in any state of the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from page_states import states
from playwright.sync_api import Browser, Page, expect
from site_server import SiteServer
from site_visit import Visit, answered, ask, becomes

AXE = Path(__file__).parents[2] / "runtime_js" / "node_modules" / "axe-core" / "axe.min.js"
# Rules of the page's parts that WCAG does not name, too; where the page is in a dialog, what lies behind it is inert.
RUN = """async () => {
  const { violations, passes } = await axe.run(document, { resultTypes: ["violations"] });
  if (passes.length < 10) throw new Error("axe has looked at nothing");
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html}\\n${failureSummary}`));
}"""


def violations(page: Page) -> list[str]:
    if not page.evaluate("'axe' in globalThis"):
        page.evaluate(AXE.read_text("utf-8"))
    found: list[str] = page.evaluate(RUN)
    return found


@pytest.mark.parametrize(("scheme", "locale"), [("light", "en"), ("dark", "ar")])
def test_axe_finds_nothing_in_any_state(browser: Browser, server: SiteServer, scheme: str, locale: str) -> None:
    context = browser.new_context(color_scheme=scheme, locale=locale, viewport={"width": 1100, "height": 800})  # type: ignore[arg-type]
    visit = Visit(context, server)
    found = [f"{name}: {what}" for name, page in states(visit) for what in violations(page)]
    context.close()
    assert not found, "\n\n".join(found)


# What can be pressed, and is lower or narrower than 44 px. A box to tick has its label.
SMALL = """() => [...document.querySelectorAll("button, select, input:not([type=file], [type=checkbox]), textarea, summary, label.check")]
  .filter((element) => element.checkVisibility()).map((element) => [element.id || element.textContent, element.getBoundingClientRect()])
  .filter(([, { width, height }]) => width < 43.5 || height < 43.5).map(([name, { width, height }]) => `${name}: ${width} x ${height}`)"""


def test_a_finger_hits_all_of_it_and_nothing_is_wider_than_a_phone(browser: Browser, server: SiteServer) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    found = []
    for name, page in states(Visit(context, server)):
        found += [f"{name}: {small}" for small in page.evaluate(SMALL)]
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, name
    context.close()
    assert not found, "\n".join(found)


def test_a_page_zoomed_to_400_percent_has_lines_for_the_conversation(browser: Browser, server: SiteServer) -> None:
    """1280 by 800, as WCAG's rule of reflow has it."""
    context = browser.new_context(viewport={"width": 320, "height": 200})
    page = Visit(context, server).start()  # nothing lies over its button
    page.wait_for_selector("#welcome:visible")
    box = page.locator("main").bounding_box()
    assert box is not None
    assert box["height"] > 60
    page.click("#open-chats")
    page.locator("#chats").get_by_role("button").last.click(trial=True)  # the list scrolls as a whole
    context.close()


def test_on_paper_there_is_the_whole_conversation_in_dark_letters_and_nothing_to_press(visit: Visit) -> None:
    page = visit.start()
    ask(page, "say: " + "A line of the answer.\n\n" * 60 + "```js\n1\n```")
    answered(page, 2)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.emulate_media(media="print")
    expect(page.locator("button:visible")).to_have_count(0)
    expect(page.locator("body")).to_have_css("color", "rgb(29, 28, 34)")
    becomes(page, lambda: page.evaluate("document.documentElement.scrollHeight > 2 * innerHeight"), True)
