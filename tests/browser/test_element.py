"""`<llm-chat>` from another origin by one script tag: asked, stopped, themed, shared, removed, and fed with what is hostile."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cdn import publish, served
from playwright.sync_api import Browser, Page, expect
from site_visit import becomes
from test_site_markdown import ATTACKS, FORBIDDEN
from test_size import gzipped

from package_sample import node

ROOT = Path(__file__).resolve().parents[2]
PLAIN = (ROOT / "sites" / "plain" / "index.html").read_text()
ADDRESS = "https://cdn.example/smollm2-135m/"
LOG = """<script>
  globalThis.log = [];
  for (const type of ["ready", "message", "error"]) {
    const note = ({ detail, message }) => log.push([type, detail?.role ?? "", detail?.content ?? message ?? ""]);
    document.querySelector("llm-chat").addEventListener(type, note);
  }
</script>"""
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cdn")
    publish(folder)
    return folder


@pytest.fixture(scope="module")
def cdn(folder: Path) -> Iterator[str]:
    with served(folder) as address:
        yield address + "package/"


@pytest.fixture
def opened(browser: Browser, cdn: str, tmp_path: Path) -> Iterator[Open]:
    """Opens a page of another origin whose body is this, behind the script tag; its console must stay empty."""
    console: list[str] = []
    context = browser.new_context(viewport={"width": 800, "height": 700})
    context.set_default_timeout(60_000)
    context.on("console", lambda message: console.append(message.text))
    context.on("weberror", lambda error: console.append(str(error.error)))
    with served(tmp_path) as address:

        def open_page(body: str, head: str = "") -> Page:
            script = f'<script type="module" src="{cdn}element.js"></script>'
            head = f'<meta charset="utf-8">{head}{script}<link rel="icon" href="data:,">'
            page = f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>'
            (tmp_path / "index.html").write_text(page.replace("WEIGHTS", f'weights="{cdn}weights/"'))
            tab = context.new_page()
            tab.goto(address)
            return tab

        yield open_page
        context.close()
    assert console == [], console


def ask(page: Page, text: str, chat: str = "llm-chat") -> None:
    page.fill(f"{chat} #prompt", text)
    page.press(f"{chat} #prompt", "Enter")


def answered(page: Page, count: int, chat: str = "llm-chat") -> str:
    """Waits until the conversation has `count` messages and the last is complete; its text, be it out of sight."""
    page.wait_for_selector(f"{chat} #messages:not([aria-busy]) > li:nth-child({count}):not([data-open]) .tools")
    return page.locator(f"{chat} #messages > li:last-child .body").text_content() or ""


def test_the_plain_page_answers(browser: Browser, cdn: str, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(PLAIN.replace(ADDRESS, cdn))
    context = browser.new_context()
    context.set_default_timeout(60_000)
    page = context.new_page()
    with served(tmp_path) as address:
        page.goto(address)
        page.click("llm-chat >> text=Download and start")
        ask(page, "one")
        assert answered(page, 2) == "2 messages: system, user."
        (worker,) = page.workers
        assert worker.url.startswith("blob:"), "a script of another origin"
        context.close()


def test_what_runs_a_model_is_fetched_when_one_is_started(browser: Browser, cdn: str, folder: Path, tmp_path: Path) -> None:
    """And of the page's own scripts none has an engine, which is in the worker's."""
    (tmp_path / "index.html").write_text(PLAIN.replace(ADDRESS, cdn))
    context = browser.new_context()
    context.set_default_timeout(60_000)
    page = context.new_page()
    fetched: list[str] = []
    context.on("request", lambda request: fetched.append(request.url.removeprefix(cdn)))
    with served(tmp_path) as address:
        page.goto(address)
        page.wait_for_selector("llm-chat >> text=Download and start")
        before = [name for name in fetched if name.endswith(".js")]
        page.click("llm-chat >> text=Download and start")
        ask(page, "one")
        answered(page, 2)
        context.close()
    after = [name for name in fetched if name.endswith(".js") and name not in before]
    assert {"engine.js", "runtime/handle.js", "runtime/worker.js"} <= set(after)
    assert "runtime/whole.js" not in fetched
    first, later = (sum(gzipped(folder / "package" / name) for name in names if name != "runtime/worker.js") for names in (before, after))
    assert (first <= 36_000, later <= 84_000) == (True, True), f"{first:,} bytes at first, {later:,} with the model"


@pytest.mark.parametrize(("attribute", "name"), [("shared", "webllm-build shared "), ("", "")])
def test_an_element_says_whether_its_engine_is_that_of_all_tabs(opened: Open, attribute: str, name: str) -> None:
    page = opened(f"<llm-chat WEIGHTS {attribute} autostart></llm-chat>")
    page.wait_for_function("document.querySelector('llm-chat').status === 'ready'")
    (worker,) = page.workers
    assert worker.evaluate("self.name")[:20] == name


def test_a_visitor_starts_asks_and_stops_with_the_keyboard(opened: Open) -> None:
    page = opened(f"<llm-chat WEIGHTS placeholder='Ask about lentils'>Ask <b>me</b>.</llm-chat>{LOG}")
    chat = page.locator("llm-chat")
    expect(page.get_by_role("region", name="Chat with Sample 1M Instruct")).to_be_visible()
    expect(chat.get_by_role("button", name="Download and start")).to_have_text(re.compile(r"· [\d.]+.[kM]?B$"))
    expect(chat.locator("b")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    field = chat.get_by_role("textbox", name="Your message")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("placeholder", "Ask about lentils")
    page.wait_for_function("document.querySelector('llm-chat').status === 'ready'")  # a question may be asked before
    page.keyboard.type("say: **bold** `x`")
    page.keyboard.press("Enter")
    answered(page, 2)
    expect(chat.locator("strong")).to_have_text("bold")
    expect(chat.locator("b")).to_be_hidden()
    expect(chat.locator("#announce")).to_have_text("bold x")
    page.keyboard.type("slow")
    page.keyboard.press("Enter")
    expect(chat.get_by_role("button", name="Stop answering")).to_be_visible()
    page.wait_for_selector("llm-chat [data-open] .body:has-text('word3')")
    page.keyboard.press("Escape")
    answered(page, 4)
    expect(chat.locator(".note")).to_have_text("Stopped.")
    told = "log.map(([type, role]) => `${type} ${role}`.trim())"
    becomes(page, lambda: page.evaluate(told), ["ready", "message user", "message assistant", "message user", "message assistant"])
    endings = "document.querySelector('llm-chat').messages.map(({ role, ending }) => [role, ending ?? 'stop'])"
    becomes(page, lambda: page.evaluate(endings), [["user", "stop"], ["assistant", "stop"], ["user", "stop"], ["assistant", "abort"]])


def test_a_question_is_changed_and_answered_anew(opened: Open) -> None:
    page = opened("<llm-chat WEIGHTS autostart></llm-chat>")
    ask(page, "one")
    answered(page, 2)
    ask(page, "two")
    assert answered(page, 4) == "3 messages: user, assistant, user."
    page.hover("llm-chat li:nth-child(1)")
    page.click("llm-chat li:nth-child(1) [data-action=edit]")
    ask(page, "say: three")
    assert answered(page, 2) == "three"
    page.click("llm-chat li:nth-child(2) [data-action=retry]")
    assert answered(page, 2) == "three"
    expect(page.locator("llm-chat li.message")).to_have_count(2)


def test_a_script_asks_and_sets_the_conversation(opened: Open) -> None:
    page = opened(f"<llm-chat WEIGHTS system='Be brief.'></llm-chat>{LOG}")
    assert (
        page.evaluate("customElements.whenDefined('llm-chat').then(() => document.querySelector('llm-chat').ask('one'))")
        == "2 messages: system, user."
    )
    becomes(page, lambda: page.evaluate("document.querySelector('llm-chat').status"), "ready")
    before = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "**b**"}]
    page.evaluate("(all) => { document.querySelector('llm-chat').messages = all; }", before)
    expect(page.locator("llm-chat strong")).to_have_text("b")
    assert page.evaluate("document.querySelector('llm-chat').ask('two')") == "4 messages: system, user, assistant, user."
    stopped = """async () => {
      const chat = document.querySelector("llm-chat");
      const slow = chat.ask("slow");
      const busy = await chat.ask("again").catch(({ message }) => message);
      while (!chat.messages.at(-1).content.startsWith("word0 ")) await new Promise((resolve) => { setTimeout(resolve, 20); });
      chat.stop();
      return [busy.includes("under way"), (await slow).startsWith("word0 ")];
    }"""
    assert page.evaluate(stopped) == [True, True]
    failed = "document.querySelector('llm-chat').ask('fail: RequestValidation').catch(({ code }) => code)"
    assert page.evaluate(failed) == "RequestValidation"
    expect(page.locator("llm-chat [role=alert]")).to_contain_text("made to fail with RequestValidation")
    becomes(page, lambda: page.evaluate("log.at(-1)"), ["error", "", "made to fail with RequestValidation"])
    wrong = """() => {
      try {
        document.querySelector("llm-chat").messages = [{ role: "system", content: "x" }];
      } catch ({ code }) {
        return code;
      }
    }"""
    assert page.evaluate(wrong) == "RequestValidation"


def test_what_a_page_set_before_the_script_came_counts(opened: Open) -> None:
    early = """<script>
      Object.assign(document.querySelector("llm-chat"), {
        messages: [{ role: "user", content: "Hallo" }, { role: "assistant", content: "Guten Tag" }],
        words: { send: "Senden", start: () => "Los" },
      });
    </script>"""
    page = opened(f"<llm-chat WEIGHTS></llm-chat>{early}")
    expect(page.locator("llm-chat li.assistant .body")).to_have_text("Guten Tag")
    page.click("llm-chat >> text=Los")
    expect(page.locator("llm-chat").get_by_role("button", name="Senden")).to_be_visible()
    ask(page, "one")
    assert answered(page, 4) == "3 messages: user, assistant, user."


def test_elements_share_an_engine_and_end_it(opened: Open) -> None:
    page = opened("<llm-chat id=a WEIGHTS autostart></llm-chat><llm-chat id=b WEIGHTS model=sample-1m></llm-chat>")
    ask(page, "slow", "#a")
    page.wait_for_selector("#a [data-open] .body:has-text('word3')")
    expect(page.locator("#b #offer")).to_be_hidden()
    ask(page, "one", "#b")
    assert answered(page, 2, "#b") == "1 messages: user."
    becomes(page, lambda: len(page.workers), 1)
    page.evaluate("globalThis.a = document.querySelector('#a'); a.remove()")
    stopped = page.evaluate("a.messages.at(-1)")
    assert stopped["ending"] == "abort"
    ask(page, "two", "#b")
    assert answered(page, 4, "#b") == "3 messages: user, assistant, user."
    assert page.evaluate("a.messages.at(-1)") == stopped, "nobody writes it any more"
    page.evaluate("document.querySelector('#b').remove()")
    becomes(page, lambda: page.workers, [])
    page.evaluate("document.body.append(a)")
    ask(page, "three", "#a")
    assert answered(page, 4, "#a").startswith("3 messages")
    (worker,) = page.workers
    page.evaluate("document.body.append(a, document.createElement('p'))")
    ask(page, "four", "#a")
    assert answered(page, 6, "#a").startswith("5 messages")
    becomes(page, lambda: page.workers, [worker])  # one that is moved keeps its model
    page.evaluate("a.setAttribute('device', 'cpu')")
    page.wait_for_function("a.status === 'ready'")  # another engine starts by itself, too
    becomes(page, lambda: worker not in page.workers and len(page.workers), 1)
    page.evaluate("a.removeAttribute('autostart'); a.removeAttribute('device')")
    becomes(page, lambda: page.evaluate("a.status"), "idle")
    page.evaluate("a.setAttribute('autostart', '')")
    page.wait_for_function("a.status === 'ready'")


def test_hostile_markdown_is_inert(opened: Open) -> None:
    page = opened("<llm-chat WEIGHTS autostart></llm-chat>")
    foreign: list[str] = []
    page.on("request", lambda request: foreign.append(request.url) if "127.0.0.1" not in request.url else None)
    for number, attack in enumerate(ATTACKS, 1):
        ask(page, f"say: {attack}")
        answered(page, 2 * number)
    assert page.evaluate("globalThis.pwned") is None
    body = "llm-chat li.assistant .body"
    for selector in FORBIDDEN:
        expect(page.locator(f"{body} {selector}"), selector).to_have_count(0)
    assert foreign == []
    ask(page, "<b>one</b> <img src=x onerror=alert(1)>")
    answered(page, 2 * len(ATTACKS) + 2)
    expect(page.locator("llm-chat li.user .body *")).to_have_count(0)


def color(page: Page, selector: str, name: str) -> str:
    value: str = page.locator(selector).evaluate("(one, name) => getComputedStyle(one)[name]", name)
    return value


def test_a_page_gives_it_colors(opened: Open) -> None:
    style = """<style>
      h1, p, button { color: rgb(9, 9, 9); letter-spacing: 1em; }
      llm-chat { --accent: rgb(1, 2, 3); height: 400px; font: 20px serif; }
      llm-chat::part(composer) { border-radius: 3px; }
      llm-chat::part(message user) { opacity: 0.5; }
    </style>"""
    page = opened("<llm-chat WEIGHTS autostart></llm-chat><llm-chat id=dark WEIGHTS theme=dark></llm-chat>", style)
    ask(page, "one", "llm-chat:not(#dark)")
    answered(page, 2, "llm-chat:not(#dark)")
    assert color(page, "llm-chat:not(#dark) #send", "backgroundColor") == "rgb(1, 2, 3)"
    assert color(page, "llm-chat:not(#dark) #composer", "borderRadius") == "3px"
    assert color(page, "llm-chat:not(#dark) li.user", "opacity") == "0.5"
    assert color(page, "llm-chat:not(#dark) li.assistant .body p", "letterSpacing") == "normal", "the page's own rules stay outside"
    assert color(page, "llm-chat:not(#dark) li.assistant .body", "fontSize") == "20px"
    light, dark = (color(page, selector, "backgroundColor") for selector in ("llm-chat:not(#dark)", "#dark"))
    assert light != dark
    page.emulate_media(color_scheme="dark")
    becomes(page, lambda: color(page, "llm-chat:not(#dark)", "backgroundColor"), dark)
    assert page.locator("llm-chat").first.bounding_box()["height"] == 400  # type: ignore[index]


def test_a_strict_policy_is_enough(opened: Open, cdn: str) -> None:
    host = cdn.removesuffix("package/")
    policy = f"default-src 'none'; script-src {host} 'wasm-unsafe-eval'; connect-src {host}; worker-src blob: {host}; img-src data:"
    page = opened("<llm-chat WEIGHTS autostart></llm-chat>", f'<meta http-equiv="Content-Security-Policy" content="{policy}">')
    ask(page, "say: *one*")
    answered(page, 2)
    becomes(page, lambda: color(page, "llm-chat #composer", "display"), "flex")  # its style needs no permission


@pytest.mark.parametrize(
    ("attributes", "told"), [("", "holds no weights"), ("WEIGHTS model=other", 'no model "other"'), ("WEIGHTS device=tpu", "device")]
)
def test_what_cannot_be_loaded_says_why(opened: Open, attributes: str, told: str) -> None:
    page = opened(f"<llm-chat {attributes}></llm-chat>{LOG}")
    page.click("llm-chat #start")
    expect(page.locator("llm-chat [role=alert]")).to_contain_text(told)
    becomes(page, lambda: page.evaluate("log.map(([type]) => type)"), ["error"])
    page.evaluate(
        "(all) => { for (const [name, value] of all) document.querySelector('llm-chat').setAttribute(name, value); }",
        [["model", "sample-1m"], ["device", "gpu"]],
    )
    expect(page.locator("llm-chat [role=alert]")).to_be_hidden()
    expect(page.locator("llm-chat #start")).to_be_visible()
    becomes(page, lambda: page.workers, [])


def test_a_failed_load_is_tried_again(opened: Open, folder: Path) -> None:
    weights = folder / "package" / "weights"
    page = opened("<llm-chat WEIGHTS></llm-chat>")
    page.wait_for_selector("llm-chat #start")
    away = weights.rename(weights.with_name("away"))
    try:
        assert page.evaluate("document.querySelector('llm-chat').ask('one').catch(({ code }) => code)") == "Download"
    finally:
        away.rename(weights)
    page.click("llm-chat >> text=Try again")
    assert answered(page, 2) == "1 messages: user.", "the question waits"


def test_importing_it_on_a_server_does_nothing(folder: Path) -> None:
    script = folder / "server.mjs"
    script.write_text(
        "const { defineChat } = await import('./package/element.js'); defineChat([], () => Promise.reject()); console.log('done');"
    )
    assert node(script).stdout == "done\n"
