"""What stands around the field: files of text, how much of the context is used, and speech where it stays on the device."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect
from site_visit import Visit, answered, ask

DROP = """([name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name));
  for (const type of ["dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
  }
}"""
# Speech as a browser has it that hears on the device; says what it hears when it is started.
HEARS = """
globalThis.SpeechRecognition = class extends EventTarget {
  static available = async ({ processLocally }) => (processLocally ? "STATE" : "unavailable");
  start() {
    if (!this.processLocally) throw new Error("it would be sent away");
    const event = new Event("result");
    event.results = [[{ transcript: "what a day" }]];
    this.dispatchEvent(event);
  }
  stop() { this.dispatchEvent(new Event("end")); }
};
"""


def files(page: Page) -> list[str]:
    return page.locator("#files bdi").all_inner_texts()


def test_files_go_with_the_next_message(visit: Visit, tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("one two <b>three</b>")
    (tmp_path / "old.txt").write_bytes(b"Gr\xfc\xdfe")
    page = visit.start()
    page.set_input_files("#file-picker", [tmp_path / "notes.md", tmp_path / "old.txt"])
    expect(page.locator("#files li")).to_have_text(["notes.md3 tokens"])
    assert "old.txt" in page.inner_text("#notice")
    page.evaluate(DROP, ["dropped.csv", "a,b"])
    expect(page.locator("#files li")).to_have_count(2)
    page.click("#files li:nth-child(2) button")
    assert files(page) == ["notes.md"]
    ask(page, "What is in it?")
    answered(page, 2)
    assert page.is_hidden("#files") and page.inner_text("li.user summary bdi") == "notes.md"
    page.click("li.user summary")
    assert "<b>three</b>" in page.inner_text("li.user pre"), "as text"


def test_files_that_are_too_long_for_the_context_are_told(visit: Visit) -> None:
    page = visit.start()
    page.evaluate(DROP, ["long.txt", "word " * 5000])
    expect(page.locator("#notice")).to_contain_text("longer than the context")
    expect(page.locator("#files li")).to_contain_text("5,001 tokens")


def test_the_meter_shows_what_the_engine_counted(visit: Visit) -> None:
    page = visit.start()
    assert page.is_hidden("#context")
    ask(page, "say: hello")
    answered(page, 2)
    assert page.inner_text("#context-text") == "6 of 4,096 tokens"
    page.reload()
    page.wait_for_selector("body[data-status=ready]")
    assert page.inner_text("#context-text") == "6 of 4,096 tokens", "it is known again"
    page.click("#new-chat")
    assert page.is_hidden("#context")


def test_what_is_said_is_written_where_the_browser_hears_on_the_device(visit: Visit) -> None:
    visit.context.add_init_script(HEARS.replace("STATE", "available"))
    page = visit.start()
    page.fill("#prompt", "Today:")
    page.click("#dictate")
    assert page.input_value("#prompt") == "Today: what a day" and page.get_attribute("#dictate", "aria-pressed") == "true"
    page.click("#dictate")
    assert page.get_attribute("#dictate", "aria-pressed") == "false"


def test_speech_that_would_leave_the_device_is_not_offered(visit: Visit) -> None:
    visit.context.add_init_script(HEARS.replace("STATE", "downloadable"))
    page = visit.start()
    ask(page, "say: hello")
    answered(page, 2)
    assert page.is_hidden("#dictate") and page.locator("[data-action=speak]").count() == 0
