"""What the browser keeps, as the page shows it: models of this site and of others of its origin, in use and not, deleted one by one."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from site_visit import Visit, stored_files

KEEP_OTHER = """async (address) => {
  const models = await (await navigator.storage.getDirectory()).getDirectoryHandle("webllm-build", { create: true });
  const folder = await models.getDirectoryHandle(encodeURIComponent(address), { create: true });
  const stream = await (await folder.getFileHandle("weights-0000.0123456789abcdef.bin.part", { create: true })).createWritable();
  await stream.write(new Uint8Array(2000000));
  await stream.close();
}"""


def open_storage(page: Page) -> None:
    page.click("#open-settings")
    page.click("#open-storage")
    page.wait_for_selector("#storage[open] .small:has-text('in all'), #storage[open] .small:has-text('No model')")


def rows(page: Page) -> list[str]:
    return page.locator("#storage li").all_inner_texts()


def test_all_models_of_the_origin_are_listed_and_deleted_one_by_one(visit: Visit) -> None:
    page = visit.start()
    other = visit.server.url.replace("sub/chat", "other/site") + "model/"
    page.evaluate(KEEP_OTHER, other)
    open_storage(page)
    shown = rows(page)
    (own,) = (row for row in shown if "Sample 1M Instruct" in row)
    (foreign,) = (row for row in shown if other in row)
    assert "in use on this page" in own and "1.05\u00a0MB" in own
    assert "Parts of a download" in foreign and "2\u00a0MB" in foreign and "not whole" in foreign
    expect(page.locator("#storage")).to_contain_text("3.05\u00a0MB in all")

    page.click(f"#storage li:has-text('{other}') button")
    expect(page.locator("#storage .sure")).to_contain_text("Delete 2\u00a0MB?")
    page.keyboard.press("Enter")
    assert len(rows(page)) == 2, "what is chosen first keeps them"
    page.click(f"#storage li:has-text('{other}') button")
    page.click("#storage .sure .bad")
    expect(page.locator("#storage li")).to_have_count(1)
    assert page.get_attribute("body", "data-status") == "ready"

    page.click("#storage li button")
    page.click("#storage .sure .bad")
    expect(page.locator("#storage")).to_contain_text("No model is kept")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert page.inner_text("#start").startswith("Download and start")
    assert stored_files(page) == []


def test_what_another_tab_uses_is_said_and_goes_on_there(visit: Visit) -> None:
    first = visit.start()
    second = visit.context.new_page()
    second.goto(visit.server.url)
    second.wait_for_selector("body[data-status=ready]")
    first.click("#open-settings")
    first.click("#delete-model")
    first.click("#delete-confirmed")
    first.wait_for_selector("#start:visible")
    first.evaluate(KEEP_OTHER, f"{visit.server.url}model/")
    open_storage(first)
    expect(first.locator("#storage li")).to_contain_text("in use in another tab")
    first.click("#storage li button")
    expect(first.locator("#storage .sure")).to_contain_text("there it goes on until that tab is closed")
    first.click("#storage .sure .bad")
    expect(first.locator("#storage")).to_contain_text("No model is kept")
    assert second.get_attribute("body", "data-status") == "ready"
