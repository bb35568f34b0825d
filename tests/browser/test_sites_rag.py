"""sites/rag in a browser, with real models on the CPU: the right passage comes first, answers come from it, and all of it stays."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect
from sample_site import build_sample
from site_server import SiteServer
from site_visit import Visit, installed

import minilm
from pdf import pdf, prose

SHIP = pdf(
    [
        [
            "The kitchen",
            "",
            "The galley opens at six in the morning. Breakfast is served until half past eight, and the",
            "cook, Mrs Okonkwo, bakes bread on Tuesdays and Fridays.",
        ],
        [
            "Safety",
            "",
            "In case of fire, ring the bell in the corridor twice and gather at life-",
            "boat station four. Nobody uses the lift then.",
        ],
        ["Cabins", "", "Cabins are cleaned every day. The deposit for a cabin key is forty euros and is paid back on the last day."],
    ]
)
GARDEN = b"""# Garden

The book of our garden.

## Tomatoes

They need at least six hours of sun a day. Water them at the roots, never on the leaves.

## Compost

It is ready when it smells of forest soil, usually after nine months. Turn it every few weeks.

```
# no heading
```
"""
LEASE = """The tenancy begins on the first of March. The rent of 950 euros is due on the third working day of each month.

Pets other than dogs may be kept without asking. Dogs need the landlord's consent in writing.

Either side may give notice of three months. <b onclick="alert(1)">Fault code E-4711</b><img src=x onerror="alert(2)"> of the boiler means
that the water pressure is below one bar."""

QUESTIONS = {
    "When can I get breakfast?": "ship.pdf, page 1",
    "Where do we meet if something burns?": "ship.pdf, page 2",
    "How much do I pay for the key of my room?": "ship.pdf, page 3",
    "How much light do tomato plants want?": "garden.md, Garden \u203a Tomatoes",
    "How do I know that compost is done?": "garden.md, Garden \u203a Compost",
    "May I have a dog in the flat?": "lease.txt",
    "What does E-4711 mean?": "lease.txt",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    models = ("--model", "smollm2-135m", "--model", minilm.folder())
    return build_sample("rag", tmp_path_factory.mktemp("rag"), *models, "--variant", "f32", "--package-name", "rag-models")


@pytest.fixture
def server(built: Path) -> Iterator[SiteServer]:
    with SiteServer(built.parent, built.name) as server:
        yield server


@pytest.fixture
def page(visit: Visit) -> Page:
    return open_site(visit)


def open_site(visit: Visit) -> Page:
    page = visit.context.new_page()
    page.goto(f"{visit.server.url}?device=cpu")
    page.wait_for_selector("body[data-status=ready]")
    return page


def add(page: Page, **files: bytes) -> None:
    """Names are written with _ for the dot."""
    choose(page, **files)
    expect(page.locator("#note p")).to_have_count(len(files))


def choose(page: Page, **files: bytes) -> None:
    """The same, without waiting for them."""
    page.set_input_files("#files", [FilePayload(name=name.replace("_", "."), mimeType="", buffer=data) for name, data in files.items()])


def search(page: Page, question: str) -> list[str]:
    """Where the passages of an answer are from, without waiting for the answer itself."""
    before = page.locator("#turns > li").count()
    page.fill("#question", question)
    page.press("#question", "Enter")
    turn = page.locator(f"#turns > li:nth-child({before + 1})")
    turn.locator(".source").first.wait_for()
    page.evaluate("document.querySelector('#stop').click()")
    expect(turn).to_have_attribute("aria-busy", "false")
    return turn.locator(".source").all_inner_texts()


def shot(page: Page, name: str) -> None:
    """For people who look at the page, where this variable names a folder."""
    if folder := os.environ.get("SCREENSHOTS"):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=Path(folder) / f"rag-{name}-{scheme}.png")


def test_answers_come_from_the_documents_with_their_sources_also_offline(visit: Visit) -> None:
    page = open_site(visit)
    shot(page, "empty")
    assert not [path for path in visit.server.requests if "pdf" in path], "what reads PDFs waits for one"
    add(page, ship_pdf=SHIP, garden_md=GARDEN)
    assert [path for path in visit.server.requests if "pdf.worker" in path]
    installed(page)
    page.close()
    visit.server.stop()

    page = open_site(visit)
    expect(page.locator("#documents .name")).to_have_text(["ship.pdf", "garden.md"])
    page.fill("#question", "Until when is breakfast served?")
    page.press("#question", "Enter")
    turn = page.locator("#turns > li")
    expect(turn).to_have_attribute("aria-busy", "false")
    expect(turn.locator(".text")).to_contain_text("half past eight")
    expect(turn.locator(".source").first).to_have_text("ship.pdf, page 1")
    shot(page, "answer")
    turn.locator(".source").first.click()
    expect(page.locator("#viewer-place")).to_have_text("Page 1")
    expect(page.locator("#viewer mark")).to_contain_text("Breakfast is served until half past eight")
    expect(page.locator("#viewer-text")).to_contain_text("lifeboat station four")
    shot(page, "source")
    page.click("#viewer-close")
    add(page, more_pdf=pdf([["Umbrellas are in the cupboard."]]))
    assert search(page, "Where are the umbrellas?")[0] == "more.pdf, page 1"


def test_the_right_passage_comes_first_and_other_questions_are_not_answered(page: Page) -> None:
    add(page, ship_pdf=SHIP, garden_md=GARDEN, lease_txt=LEASE.encode())
    assert {question: search(page, question)[0] for question in QUESTIONS} == QUESTIONS
    for question in ("Who won the world cup in 1974?", "What is the capital of Mongolia?"):
        search(page, question)
        expect(page.locator("#turns > li").last.locator(".text")).to_contain_text("say nothing about this")
    page.locator("#documents .name", has_text="lease.txt").click()
    expect(page.locator("#viewer-text")).to_contain_text('<img src=x onerror="alert(2)">')
    expect(page.locator("#viewer-text img, #viewer-text b, #turns img")).to_have_count(0)
    page.click("#viewer-close")
    page.click("[aria-label='Remove lease.txt']")
    assert "lease.txt" not in search(page, "May I have a dog in the flat?")


def test_what_cannot_be_read_is_refused_with_a_reason(page: Page) -> None:
    add(
        page,
        locked_pdf=pdf([["Secret."]], encrypted=True),
        scan_pdf=pdf([[], []]),
        broken_pdf=b"%PDF-1.4 -",
        empty_txt=b"",
        music_md=b"\0\1",
    )
    reasons = ["The PDF is encrypted", "The PDF has no text", "This PDF cannot be read", "The file is empty", "neither a text nor a PDF"]
    expect(page.locator("#note .refused")).to_contain_text(reasons)
    expect(page.locator("#note .refused")).to_have_count(len(reasons))
    expect(page.locator("#documents li")).to_have_count(0)
    shot(page, "refused")
    add(page, partly_pdf=pdf([["A page."], []]))
    expect(page.locator("#documents .facts").last).to_have_text("1 of 2 pages have no text: they may be pictures.")


def test_a_cancelled_document_goes_on_later_and_is_known_then(visit: Visit, page: Page) -> None:
    long = pdf(prose(12))
    choose(page, long_pdf=long)
    expect(page.locator("#work-status")).to_contain_text("Embedding passage 33 of")
    shot(page, "embedding")
    page.click("#cancel")
    expect(page.locator("#work")).to_be_hidden()
    expect(page.locator("#documents li")).to_contain_text(re.compile(r"\d+ of"))
    kept = re.search(r"(\d+) of", page.inner_text("#documents li"))
    assert kept and int(kept[1]) >= 32
    page.close()

    page = open_site(visit)
    page.click("#documents .link")
    nexts = f"{int(kept[1]) + 1}|{int(kept[1]) + 33}"  # which may be over before it is seen
    expect(page.locator("#work-status")).to_contain_text(re.compile(f"Embedding passage ({nexts}) of"))
    expect(page.locator("#note")).to_contain_text("ready after")
    expect(page.locator("#documents .link")).to_have_count(0)
    add(page, copy_pdf=long)
    expect(page.locator("#note")).to_have_text("copy.pdf is here already.")
    expect(page.locator("#documents li")).to_have_count(1)
