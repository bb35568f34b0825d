"""Several models in one site: the page lets choose between them, and the conversation goes on with the one that is chosen."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from site_visit import Visit, answered, ask, becomes, build_site, installed, stored_files

from open_page import RUNTIME, TESTS
from package_sample import FACTS
from runtimes import run_without_gpu

NAMES = ("llama", "qwen3")  # of fixtures
OTHER = replace(FACTS, id="other-q4", name="Other 3B Coder", parameters=3_000_000_000, context_length=2048)


@pytest.fixture
def two(visit: Visit, tmp_path_factory: pytest.TempPathFactory) -> Visit:
    build_site(visit.server.folder, tmp_path_factory.mktemp("two"), others=(OTHER,))
    return visit


def choose(page: Page, name: str) -> None:
    """In the dialog of the header."""
    page.click("#choose-model")
    page.click(f"#model-list button:has-text('{name}')")


def chosen(page: Page, name: str) -> None:
    """Wait until the card has this one's button pressed."""
    expect(page.locator("#model-choices [aria-pressed=true] strong")).to_have_text(name)


def test_the_card_offers_all_and_what_is_chosen_is_remembered(two: Visit) -> None:
    page = two.open()
    page.wait_for_selector("body[data-status=offer]")
    chosen(page, FACTS.name)
    expect(page.locator("#card-title")).to_have_text(FACTS.name)
    for words in ("All-round", "Made for code", "to download", "context: 2,048 tokens"):
        expect(page.locator("#model-choices button:has-text('Other')")).to_contain_text(words)
    page.click("#model-choices button:has-text('Other')")
    page.wait_for_selector("#card-title:has-text('Other')")
    page.wait_for_selector("body[data-status=offer]")
    chosen(page, OTHER.name)
    expect(page.locator("#start"), "nothing large is fetched unasked").to_have_text(re.compile(r"^Download"))
    page.reload()
    page.wait_for_selector("body[data-status=offer]")
    chosen(page, OTHER.name)


def test_another_model_goes_on_with_the_conversation(two: Visit) -> None:
    page = two.start()
    page.click("#open-settings")
    page.fill("#system-prompt", "Be brief.")
    page.click("#save-settings")
    ask(page, "one")
    assert answered(page, 2) == "2 messages: system, user."
    choose(page, "Other")
    page.wait_for_selector("body[data-status=offer]")
    page.click("#start")
    page.wait_for_selector("body[data-status=ready]")
    ask(page, "two")
    assert answered(page, 4) == "4 messages: system, user, assistant, user."
    expect(page.locator("#messages > li:nth-child(2) .by")).to_have_text(f"From {FACTS.name}")
    expect(page.locator("#messages > li:nth-child(4) .by")).to_have_text(f"From {OTHER.name}")
    choose(page, FACTS.name)
    page.wait_for_selector("body[data-status=ready]")
    ask(page, "context: ?")
    assert answered(page, 6) == "4096 tokens"
    choose(page, "Other")
    page.wait_for_selector("body[data-status=ready]")
    ask(page, "context: ?")
    assert answered(page, 8) == "2048 tokens", "each has settings of its own"
    page.reload()
    page.wait_for_selector("body[data-status=ready]")
    expect(page.locator("#chosen-model")).to_have_text(OTHER.name)
    expect(page.locator("#messages > li")).to_have_count(8)


def test_an_answer_under_way_ends_where_another_model_is_chosen(two: Visit) -> None:
    page = two.start()
    ask(page, "slow")
    page.wait_for_selector("#messages > li:nth-child(2):has-text('word2')")
    choose(page, "Other")
    page.wait_for_selector("body[data-status=offer]")
    expect(page.locator("#messages > li:nth-child(2)")).to_contain_text("Stopped.")


def test_deleting_one_leaves_the_other(two: Visit) -> None:
    page = two.start()
    choose(page, "Other")
    page.wait_for_selector("body[data-status=offer]")
    page.click("#start")
    page.wait_for_selector("body[data-status=ready]")
    both = stored_files(page)
    page.click("#open-settings")
    page.click("#delete-model")
    page.click("#delete-confirmed")
    page.wait_for_selector("body[data-status=offer]")
    page.wait_for_selector("#model-choices button:has-text('Other'):has-text('to download')")
    becomes(page, lambda: {name.split(".")[0] for name in set(both) - set(stored_files(page))}, {"manifest", "weights-0000"})
    choose(page, FACTS.name)
    page.wait_for_selector("body[data-status=ready]")
    page.wait_for_selector("#model-choices button:has-text('Sample'):has-text('on this device')", state="attached")


def test_a_site_of_one_model_has_no_chooser(visit: Visit) -> None:
    page = visit.open()
    page.wait_for_selector("body[data-status=offer]")
    expect(page.locator("#choose-model, #models, #model-choices")).to_have_count(0)


def test_the_card_says_how_fast_it_would_be_before_anything_large_is_fetched(visit: Visit) -> None:
    page = visit.open()
    page.wait_for_selector("#verdict:has-text('tokens a second')")
    expect(page.locator("#verdict")).to_have_text(re.compile(r"^About 42 tokens a second on this device"))
    page.click("#start")
    page.wait_for_selector("body[data-status=ready]")
    page.wait_for_selector("#verdict", state="hidden")


@pytest.mark.parametrize(("first", "said"), [("Huge", "This device offers only 10\xa0MB of the"), ("Slow", "slower than most people")])
def test_what_is_too_much_for_a_device_gives_way_to_a_smaller_model(
    visit: Visit, tmp_path_factory: pytest.TempPathFactory, first: str, said: str
) -> None:
    small = replace(FACTS, id="small-q4", name="Small")
    large = replace(FACTS, id=f"{first.lower()}-q4", name=first)
    build_site(visit.server.folder, tmp_path_factory.mktemp("too-much"), others=(small,), first=large)
    page = visit.open()
    page.wait_for_selector(f"#card-text:has-text('{first} is too much for this device: Small is offered in its place.')")
    page.wait_for_selector("#verdict:has-text('About 42 tokens a second')")
    page.click(f"#model-choices button:has-text('{first}')")
    page.wait_for_selector("#verdict:has-text('Small is smaller and would be faster here.')")
    expect(page.locator("#verdict")).to_contain_text(said)
    chosen(page, first)  # who chooses it gets it


def test_a_context_is_chosen_that_there_is_memory_for(visit: Visit, tmp_path_factory: pytest.TempPathFactory) -> None:
    build_site(visit.server.folder, tmp_path_factory.mktemp("tight"), first=replace(FACTS, id="tight-q4"))
    page = visit.open()
    page.wait_for_selector("#verdict:has-text('There is memory for a context of 2,048 tokens, so that is what was chosen.')")
    page.click("#open-settings")
    expect(page.locator("#context-length")).to_have_value("2048")


ASK = """async (model) => {
  const body = JSON.stringify({ messages: [{ role: "user", content: "say: hello" }], model });
  const response = await fetch("v1/chat/completions", { method: "POST", headers: { "content-type": "application/json" }, body });
  return [response.status, response.headers.get("x-should-retry")];
}"""


def test_a_request_gets_the_page_that_has_the_model_it_names(two: Visit) -> None:
    page = two.start()
    installed(page)
    assert page.evaluate(ASK, FACTS.id)[0] == 200
    assert page.evaluate(ASK, OTHER.id) == [503, "false"]
    two.told(page, "error: Failed to load resource")
    other = two.open()
    choose(other, "Other")
    other.wait_for_selector("body[data-status=offer]")
    other.click("#start")
    other.wait_for_selector("body[data-status=ready]")
    assert [page.evaluate(ASK, model)[0] for model in (FACTS.id, OTHER.id)] == [200, 200]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of two families, whose weights are random; the second has the first one's tokenizer."""
    folder = tmp_path_factory.mktemp("real")
    llama, qwen = (Path(shutil.copytree(TESTS / "fixtures" / f"tiny-{name}", folder / name)) for name in NAMES)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(llama / name, qwen)
    options: list[str | Path] = ["--model", llama, "--model", qwen, "--variant", "f32", "--out", folder / "dist"]
    subprocess.run([sys.executable, "-m", "webllm_build", "site", *options], check=True, capture_output=True)
    return folder / "dist"


ANSWER = """async ([messages, model]) => {
  const body = JSON.stringify({ messages, model, temperature: 0, max_tokens: 12 });
  const response = await fetch("v1/chat/completions", { method: "POST", headers: { "content-type": "application/json" }, body });
  return (await response.json()).choices[0].message.content;
}"""
ALONE = """
import { Engine } from "RUNTIME/node.js";
const said = [];
for (const [manifest, messages] of JSON.parse(process.argv[2])) {
  const engine = new Engine({ device: "cpu", logLevel: "ERROR" });
  await engine.reload(manifest);
  said.push((await engine.chat.completions.create({ messages, temperature: 0, max_tokens: 12 })).choices[0].message.content);
  await engine.unload();
}
console.log(JSON.stringify(said));
"""


def outside(folder: Path, site: Path, messages: list[dict[str, str]]) -> list[str]:
    """What the models say outside of browsers, each alone: in Deno, which has relaxed SIMD as Chromium has, and so the same bits. (Node 20
    takes the library without, which rounds each product before it is added.)"""
    manifests = {json.loads(path.read_text("utf-8"))["model"]["name"]: str(path) for path in (site / "model").glob("manifest.*.json")}
    script = folder / "alone.mjs"
    script.write_text(ALONE.replace("RUNTIME", RUNTIME.as_uri()))
    asked = [(manifests[name], messages[: 2 * i + 1]) for i, name in enumerate(NAMES)]
    done = run_without_gpu("deno", str(script), json.dumps(asked), cwd=folder)
    assert done.returncode == 0, done.stderr
    said: list[str] = json.loads(done.stdout)
    return said


def test_two_real_models_answer_as_they_do_alone(visit: Visit, real: Path, tmp_path: Path) -> None:
    """By exact tokens, one after the other in one page; the second reads what the first has said."""
    shutil.rmtree(visit.server.folder)
    shutil.copytree(real, visit.server.folder)
    page = visit.context.new_page()
    page.goto(f"{visit.server.url}?device=cpu")
    messages, said = [{"role": "user", "content": "Say it."}], []
    for name in NAMES:
        if messages[1:]:
            choose(page, name)
        page.wait_for_selector(f"#card-title:has-text('{name}')")
        page.wait_for_selector("body[data-status=offer]")
        page.click("#start")
        page.wait_for_selector("body[data-status=ready]")
        installed(page)
        said.append(page.evaluate(ANSWER, [messages, f"{name}-q4"]))
        messages += [{"role": "assistant", "content": said[-1]}, {"role": "user", "content": "And again."}]
    assert said == outside(tmp_path, real, messages) and all(said)
