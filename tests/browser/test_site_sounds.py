"""Sounds on the page of a model that hears: how they come, how they are played, and that they stay with their chat."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect
from site_visit import Visit, answered, ask, becomes, let_sense, wav

# A microphone that hears a tone.
MICROPHONE = """
if (navigator.mediaDevices) navigator.mediaDevices.getUserMedia = async ({ audio }) => {
  if (globalThis.refusal) throw new DOMException("no", globalThis.refusal);
  const context = new AudioContext();
  const tone = new OscillatorNode(context);
  const out = context.createMediaStreamDestination();
  tone.connect(out);
  tone.start();
  globalThis.microphone = out.stream;
  return out.stream;
};
"""
# A file that is dropped or pasted.
HAND_OVER = """([name, base64, event]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], name, { type: "audio/wav" }));
  const init = { bubbles: true, cancelable: true };
  if (event === "paste") document.getElementById("prompt").dispatchEvent(new ClipboardEvent("paste", { ...init, clipboardData: data }));
  else for (const type of ["dragover", "drop"]) document.body.dispatchEvent(new DragEvent(type, { ...init, dataTransfer: data }));
}"""
RECORD = "button[aria-label='Record a sound']"


@pytest.fixture
def hearing(visit: Visit) -> Visit:
    """To the sample site, whose model says that it hears."""
    let_sense(visit.server, sees=False)
    visit.context.add_init_script(MICROPHONE)
    return visit


def data_url(file: FilePayload) -> str:
    return f"data:audio/wav;base64,{base64.b64encode(file['buffer']).decode()}"


def lengths(page: Page, where: str) -> list[float]:
    """Seconds of the sounds that can be played there."""
    seconds: list[float] = page.locator(f"{where} audio").evaluate_all("all => all.map(({ duration }) => Math.round(10 * duration) / 10)")
    return seconds


def test_sounds_go_with_a_message_and_stay_with_the_chat(hearing: Visit) -> None:
    page = hearing.start()
    expect(page.locator("#attach")).to_have_attribute("aria-label", "Add sounds or text files")
    cut = wav("cut.wav", 1)
    cut["buffer"] = cut["buffer"][:9000]
    silent, long = wav("silent.wav", 1, loudness=0), wav("long.wav", 31)
    page.set_input_files("#file-picker", [wav("tone.wav", 1.5), cut, silent, long])
    expect(page.locator("#files li")).to_have_count(1)
    for told in ("“cut.wav” is not a sound", "In “silent.wav” there is nothing to hear", "“long.wav” is too long: this model hears 30 sec"):
        expect(page.locator("#notice")).to_contain_text(told)
    page.fill("#files input", "a tone")
    for count, way in enumerate(("drop", "paste"), start=2):
        page.evaluate(HAND_OVER, [f"{way}.wav", base64.b64encode(wav("", 0.5)["buffer"]).decode(), way])
        expect(page.locator("#files li")).to_have_count(count)
    page.click("button[aria-label='Remove drop.wav']")
    becomes(page, lambda: lengths(page, "#files")[0], 1.5)
    ask(page, "What is it?")
    assert answered(page, 2).count("audio/wav of ") == 2
    expect(page.get_by_label("a tone")).to_have_count(1)
    becomes(page, lambda: lengths(page, "li.user")[0], 1.5)

    page.reload()
    becomes(page, lambda: lengths(page, "li.user")[:1], [1.5])
    expect(page.locator("li.user audio")).to_have_count(2)
    ask(page, "And now?")
    assert answered(page, 4).count("audio/wav of 48044 bytes") == 1, "the model hears them again"

    with page.expect_download() as download:
        page.get_by_role("button", name="Export all").click()
    (chat,) = json.loads(Path(download.value.path()).read_text("utf-8"))["chats"]
    (sounds,) = (message["sounds"] for message in chat["messages"] if "sounds" in message)
    assert [(sound["name"], sound.get("description")) for sound in sounds] == [("tone.wav", "a tone"), ("paste.wav", None)]
    assert all(sound["data"].startswith("data:audio/wav;base64,UklGR") for sound in sounds)


def test_a_chat_goes_on_whose_sound_cannot_be_read(hearing: Visit) -> None:
    """It was imported. That it cannot is said once; then the model is told what stands for it."""
    page = hearing.start()
    tone = {"name": "tone.wav", "data": data_url(wav("", 0.5))}
    broken = {"name": "broken.wav", "data": "data:audio/wav;base64,UklGRg==", "description": "a bell"}
    said = {"at": 1, "ending": "stop"}
    messages = [
        {**said, "id": "1", "role": "user", "text": "What is it?", "sounds": [broken, tone]},
        {**said, "id": "2", "parent": "1", "role": "assistant", "text": "A bell."},
    ]
    chat = {"id": "a", "title": "Bell", "created": 1, "updated": 1, "pinned": False, "messages": messages}
    file = json.dumps({"format": "webllm-build chats", "version": 1, "chats": [chat]}).encode()
    page.click("#open-chats")
    page.set_input_files("#chats input[type=file]", {"name": "a.json", "mimeType": "application/json", "buffer": file})
    page.click("#chats >> text=Bell")
    ask(page, "Really?")
    expect(page.locator("#problem")).to_contain_text("broken.wav: too small")
    page.click("#problem >> text=Close")
    ask(page, "And now?")
    assert answered(page, 4).count("audio/wav of ") == 1


def test_the_microphone_records_or_says_why_not(hearing: Visit) -> None:
    page = hearing.start()
    for refusal, told in (("NotAllowedError", "may not be used here"), ("NotFoundError", "No microphone was found")):
        page.evaluate("name => { globalThis.refusal = name; }", refusal)
        page.click(RECORD)
        expect(page.locator("#notice")).to_contain_text(told)
    page.evaluate("globalThis.refusal = undefined")
    page.click(RECORD)
    expect(page.get_by_role("timer")).to_contain_text("of 0:30")
    page.keyboard.press("Escape")
    expect(page.locator("dialog.recorder")).to_have_count(0)
    page.click(RECORD)
    expect(page.get_by_role("timer")).to_contain_text(re.compile(r"0:(0[1-9]|[12]\d) of 0:30"))
    page.click("text=Use it")
    expect(page.locator("#files audio")).to_have_count(1)
    assert page.evaluate("microphone.getTracks().map(({ readyState }) => readyState)") == ["ended"]
    becomes(page, lambda: 0 < lengths(page, "#files")[0] < 30, True)


def test_a_recording_ends_with_what_the_model_hears(visit: Visit) -> None:
    let_sense(visit.server, hears=1)
    visit.context.add_init_script(MICROPHONE)
    page = visit.start()
    page.click(RECORD)
    expect(page.locator("#files audio")).to_have_count(1)
    becomes(page, lambda: 0 < lengths(page, "#files")[0] <= 1, True)


def test_a_model_that_does_not_hear_is_offered_none(visit: Visit) -> None:
    page = visit.start()
    expect(page.locator(RECORD)).to_be_hidden()
    page.set_input_files("#file-picker", wav("a.wav", 1))
    expect(page.locator("#notice")).to_contain_text("this model does not hear")
    expect(page.locator("#files")).to_be_hidden()
