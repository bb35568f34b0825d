"""What stands around the field: files of text, how much of the context is used, and speech where it stays on the device."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect
from site_visit import Visit, answered, ask, drawn

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
# A voice of the device, which notes what it is to say.
SPEAKS = """
globalThis.spoken = [];
globalThis.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
speechSynthesis.getVoices = () => [{ localService: true, lang: "en-US" }];
speechSynthesis.speak = ({ text }) => spoken.push(text);
"""


def test_files_go_with_the_next_message(visit: Visit, tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("one two <b>three</b>")
    (tmp_path / "old.txt").write_bytes(b"Gr\xfc\xdfe")
    page = visit.start()
    page.set_input_files("#file-picker", [tmp_path / "notes.md", tmp_path / "old.txt"])
    expect(page.locator("#files li")).to_have_text(["notes.md3 tokens"])
    expect(page.locator("#notice")).to_contain_text("old.txt")
    page.evaluate(DROP, ["dropped.csv", "a,b"])
    expect(page.locator("#files li")).to_have_count(2)
    page.click("#files li:nth-child(2) button")
    expect(page.locator("#files bdi")).to_have_text(["notes.md"])
    ask(page, "What is in it?")
    answered(page, 2)
    expect(page.locator("#files")).to_be_hidden()
    expect(page.locator("li.user summary bdi")).to_have_text("notes.md")
    page.click("li.user summary")
    expect(page.locator("li.user pre"), "as text").to_contain_text("<b>three</b>")


def test_files_that_are_too_long_for_the_context_are_told(visit: Visit) -> None:
    page = visit.start()
    page.evaluate(DROP, ["long.txt", "word " * 5000])
    expect(page.locator("#notice")).to_contain_text("longer than the context")
    expect(page.locator("#files li")).to_contain_text("5,001 tokens")


def test_the_meter_shows_what_the_engine_counted(visit: Visit) -> None:
    page = visit.start()
    expect(page.locator("#context")).to_be_hidden()
    ask(page, "say: hello")
    answered(page, 2)
    expect(page.locator("#context-text")).to_have_text("6 of 4,096 tokens")
    page.reload()
    page.wait_for_selector("body[data-status=ready]")
    expect(page.locator("#context-text"), "it is known again").to_have_text("6 of 4,096 tokens")
    page.click("#new-chat")
    expect(page.locator("#context")).to_be_hidden()


def test_what_is_said_is_written_where_the_browser_hears_on_the_device(visit: Visit) -> None:
    visit.context.add_init_script(HEARS.replace("STATE", "available"))
    page = visit.start()
    page.fill("#prompt", "Today:")
    page.click("#dictate")
    expect(page.locator("#prompt")).to_have_value("Today: what a day")
    expect(page.locator("#dictate")).to_have_attribute("aria-pressed", "true")
    page.click("#dictate")
    expect(page.locator("#dictate")).to_have_attribute("aria-pressed", "false")


def test_an_answer_is_read_aloud_as_it_is_drawn(visit: Visit) -> None:
    visit.context.add_init_script(SPEAKS)
    page = visit.start()
    ask(page, "say: A **bold** `x`.\n\n- one\n- [two](https://example.org)")
    answered(page, 2)
    drawn(page)
    page.click("[data-action=speak]")
    (said,) = page.evaluate("spoken")
    assert said.split() == ["A", "bold", "x.", "one", "two"]


def test_speech_that_would_leave_the_device_is_not_offered(visit: Visit) -> None:
    visit.context.add_init_script(HEARS.replace("STATE", "downloadable"))
    page = visit.start()
    ask(page, "say: hello")
    answered(page, 2)
    expect(page.locator("#dictate")).to_be_hidden()
    expect(page.locator("[data-action=speak]")).to_have_count(0)
