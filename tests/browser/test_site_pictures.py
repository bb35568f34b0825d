"""Pictures on the page of a model that sees: how they come, how they are shown, and that they stay with their chat."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from site_visit import Visit, answered, ask, becomes, let_sense, until

# A picture that is dropped or pasted, drawn by the browser itself.
HAND_OVER = """([name, event]) => new Promise((resolve) => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 8;
  canvas.toBlob((blob) => {
    const data = new DataTransfer();
    data.items.add(new File([blob], name, { type: "image/png" }));
    const init = { bubbles: true, cancelable: true };
    const field = document.getElementById("prompt");
    if (event === "paste") field.dispatchEvent(new ClipboardEvent("paste", { ...init, clipboardData: data }));
    else for (const type of ["dragover", "drop"]) document.body.dispatchEvent(new DragEvent(type, { ...init, dataTransfer: data }));
    resolve();
  });
})"""
CAMERA = """
if (navigator.mediaDevices) navigator.mediaDevices.getUserMedia = async () => {
  if (globalThis.refused) throw new DOMException("no", "NotAllowedError");
  const canvas = document.createElement("canvas");
  canvas.getContext("2d").fillRect(0, 0, 8, 8);
  return canvas.captureStream();
};
"""


@pytest.fixture
def seeing(visit: Visit) -> Visit:
    """To the sample site, whose model says that it sees."""
    let_sense(visit.server, hears=0)
    return visit


def shown(page: Page) -> list[str]:
    """What stands for the pictures that are drawn in messages."""
    drawn = "images => images.filter(image => image.complete && image.naturalWidth > 0).map(image => image.alt)"
    alts: list[str] = page.locator("li.user .thumbnail img").evaluate_all(drawn)
    return alts


def test_pictures_go_with_a_message_and_stay_with_the_chat(seeing: Visit, tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), "red").save(tmp_path / "red.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    page = seeing.start()
    expect(page.locator("#attach")).to_have_attribute("aria-label", "Add pictures or text files")
    page.set_input_files("#file-picker", [tmp_path / "red.png", tmp_path / "broken.png"])
    expect(page.locator("#files li")).to_have_count(1)
    expect(page.locator("#notice")).to_contain_text("broken.png")
    page.fill("#files input", "a red square")
    page.evaluate(HAND_OVER, ["dropped.png", "drop"])
    expect(page.locator("#files li")).to_have_count(2)
    page.evaluate(HAND_OVER, ["pasted.png", "paste"])
    expect(page.locator("#files li")).to_have_count(3)
    page.click("#files li:nth-child(2) button[aria-label='Remove dropped.png']")
    ask(page, "What is it?")
    said = answered(page, 2)
    assert said.count("image/png of ") == 2, said
    expect(page.locator("li.user .thumbnail img")).to_have_count(2)
    becomes(page, lambda: shown(page), ["a red square", "pasted.png"])

    page.click("li.user .thumbnail >> nth=0")
    expect(page.get_by_role("dialog", name="a red square")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".picture-dialog")).to_have_count(0)

    page.reload()
    expect(page.locator("li.user .thumbnail img")).to_have_count(2)
    ask(page, "And now?")
    assert answered(page, 4).count("image/png of ") == 2, "the model is shown them again"


@pytest.mark.parametrize("size", [(2000, 150), (50, 3000), (700, 500)], ids=["wide", "tall", "usual"])
def test_a_picture_is_enlarged_as_a_whole(seeing: Visit, tmp_path: Path, size: tuple[int, int]) -> None:
    """As large as the page is, on a phone, too."""
    Image.new("RGB", size, "red").save(tmp_path / "red.png")
    page = seeing.start()
    page.set_viewport_size({"width": 390, "height": 700})
    page.set_input_files("#file-picker", tmp_path / "red.png")
    page.click("#files .thumbnail")
    until(page, "document.querySelector('.picture-dialog img').complete")
    image, dialog = (page.locator(selector).bounding_box() for selector in (".picture-dialog img", ".picture-dialog"))
    assert image is not None and dialog is not None
    assert dialog["x"] <= image["x"] and image["x"] + image["width"] <= dialog["x"] + dialog["width"] <= 390
    assert dialog["y"] <= image["y"] and image["y"] + image["height"] <= dialog["y"] + dialog["height"] <= 700
    assert image["width"] / image["height"] == pytest.approx(size[0] / size[1], rel=0.05)
    assert max(image["width"] / 390, image["height"] / 700) > 0.8


def test_an_edited_question_keeps_its_pictures_and_a_file_has_them(seeing: Visit) -> None:
    page = seeing.start()
    page.evaluate(HAND_OVER, ["a.png", "drop"])
    expect(page.locator("#files li")).to_have_count(1)
    ask(page, "first")
    answered(page, 2)
    page.hover("li.user")
    page.click("li.user [data-action='edit']")
    ask(page, "second")
    assert answered(page, 2).count("image/png of ") == 1
    page.click("#open-chats")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export all").click()
    chats = json.loads(Path(download.value.path()).read_text("utf-8"))["chats"]
    pictures = [message["pictures"] for message in chats[0]["messages"] if message["role"] == "user"]
    assert [[picture["name"] for picture in some] for some in pictures] == [["a.png"], ["a.png"]]
    assert all(picture["data"].startswith("data:image/png;base64,iVBOR") for some in pictures for picture in some)


def test_the_camera_takes_one_or_says_why_not(seeing: Visit) -> None:
    seeing.context.add_init_script(CAMERA)
    page = seeing.start()
    page.evaluate("globalThis.refused = true")
    page.click("button[aria-label='Take a picture']")
    expect(page.locator("#notice")).to_contain_text("may not be used here")
    page.evaluate("globalThis.refused = false")
    page.click("button[aria-label='Take a picture']")
    until(page, "document.querySelector('dialog video')?.videoWidth > 0")
    page.click("text=Take it")
    expect(page.locator("#files .thumbnail")).to_have_count(1)
    expect(page.locator("dialog video")).to_have_count(0)


def test_a_model_that_reads_text_alone_is_offered_none(visit: Visit) -> None:
    page = visit.start()
    expect(page.locator("button[aria-label='Take a picture']")).to_be_hidden()
    page.evaluate(HAND_OVER, ["a.png", "drop"])
    expect(page.locator("#notice")).to_contain_text("this model only reads text")
    expect(page.locator("#files")).to_be_hidden()
