"""Nothing for axe to find, in any state of the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from page_states import states
from playwright.sync_api import Browser, Page
from site_server import SiteServer
from site_visit import Visit

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
