"""What the browser keeps, as the page shows it: models of this site and of others of its origin, in use and not, deleted one by one."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect
from site_visit import Visit, becomes, stored_files

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


def test_all_models_of_the_origin_are_listed_and_deleted_one_by_one(visit: Visit) -> None:
    page = visit.start()
    other = visit.server.url.replace("sub/chat", "other/site") + "model/"
    page.evaluate(KEEP_OTHER, other)
    rows = page.locator("#storage li")
    open_storage(page)
    expect(rows).to_have_count(2)
    for words in ("in use on this page", "1.05\u00a0MB"):
        expect(rows.filter(has_text="Sample 1M Instruct")).to_contain_text(words)
    for words in ("Parts of a download", "2\u00a0MB", "incomplete"):
        expect(rows.filter(has_text=other)).to_contain_text(words)
    expect(page.locator("#storage")).to_contain_text("3.05\u00a0MB in all")

    page.click(f"#storage li:has-text('{other}') button")
    expect(page.locator("#storage .sure")).to_contain_text("Delete 2\u00a0MB?")
    page.keyboard.press("Enter")
    expect(page.locator("#storage .sure")).to_have_count(0)
    expect(rows, "what is chosen first keeps them").to_have_count(2)
    page.click(f"#storage li:has-text('{other}') button")
    page.click("#storage .sure .bad")
    expect(page.locator("#storage li")).to_have_count(1)
    expect(page.locator("body")).to_have_attribute("data-status", "ready")

    page.click("#storage li button")
    page.click("#storage .sure .bad")
    expect(page.locator("#storage")).to_contain_text("No model is kept")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator("#start")).to_have_text(re.compile(r"^Download and start"))
    becomes(page, lambda: stored_files(page), [])


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
    expect(second.locator("body")).to_have_attribute("data-status", "ready")
