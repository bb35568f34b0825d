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
