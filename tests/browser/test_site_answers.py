"""What answers are made of besides Markdown: code with its colours, formulas, thoughts with their time, calls of tools."""

from __future__ import annotations

import json
import re

from playwright.sync_api import expect
from site_visit import Visit, answered, ask, becomes, drawn, kept_as, until

BODY = "#messages > li:last-child .body"
LATE = ("assets/highlight.", "assets/mathematics.")
FETCHED = "(part) => performance.getEntriesByType('resource').some(({ name }) => name.includes(part))"
CODE = '```python title="x"\ndef f(a):\n    return "b"  # c\n\n\nx = 1\n```'
# What is shown for a moment may be gone when somebody looks.
WATCHED = """() => {
  const button = document.querySelector("[data-action=copy-code]");
  globalThis.done = new Promise((resolve) => {
    new MutationObserver(() => { if (button.querySelector("[href='#icon-check']")) resolve(); }).observe(button, { childList: true });
  });
}"""


def test_code_has_colours_a_name_and_a_button(visit: Visit) -> None:
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visit.start()
    ask(page, "say: no code")
    answered(page, 2)
    ask(page, f"say: {CODE}\n\n```mine\na = 1\n```\n\n    def indented")
    answered(page, 4)
    page.wait_for_selector(f"{BODY} .code-keyword:text-is('def ')")
    expect(page.locator(f"{BODY} .code-string")).to_have_text(re.compile('^"b"  $'))
    expect(page.locator(f"{BODY} .code-comment")).to_have_text("# c")
    expect(page.locator(f"{BODY} .code-head bdi")).to_have_text(["python", "mine", ""])
    expect(page.locator(f"{BODY} .code >> nth=1").locator("[class^=code-]:not(.code-head)"), "nobody knows that language").to_have_count(0)
    page.evaluate(WATCHED)
    page.click(f"{BODY} [data-action=copy-code] >> nth=0")
    page.evaluate("done")
    assert page.evaluate("navigator.clipboard.readText()") == 'def f(a):\n    return "b"  # c\n\n\nx = 1\n'
    page.locator(f"{BODY} pre >> nth=0").evaluate("(one) => getSelection().selectAllChildren(one)")
    assert page.evaluate("getSelection().toString()") == 'def f(a):\n    return "b"  # c\n\n\nx = 1'
    color = "(one) => getComputedStyle(one).color"
    assert page.locator(f"{BODY} .code-keyword >> nth=0").evaluate(color) != page.locator(f"{BODY} pre >> nth=0").evaluate(color)


def test_scripts_come_with_what_needs_them(visit: Visit) -> None:
    page = visit.start()
    ask(page, "say: prose for $5 and $6, and `code`, and ```\nplain\n```")
    answered(page, 2)
    page.evaluate("fetch('index.html').then((page) => page.text())")  # what was asked for before has come, too
    assert not any(page.evaluate(f"({FETCHED})('{part}')") for part in LATE)
    ask(page, f"say: {CODE}")
    answered(page, 4)
    until(page, f"({FETCHED})('{LATE[0]}')")
    assert not page.evaluate(f"({FETCHED})('{LATE[1]}')")
    ask(page, "say: $x^2$")
    answered(page, 6)
    page.wait_for_selector(f"{BODY} math msup")


def test_what_is_selected_stays_so_when_colours_come(visit: Visit) -> None:
    visit.server.held = {LATE[0]}
    page = visit.start()
    ask(page, f"say: {CODE}")
    answered(page, 2)
    page.locator(f"{BODY} .lines > span >> nth=1").evaluate(
        "({ firstChild }) => getSelection().setBaseAndExtent(firstChild, 2, firstChild, 12)"
    )
    selected = page.evaluate("getSelection().toString()")
    assert selected == "  return \""
    visit.server.held = set()
    page.wait_for_selector(f"{BODY} .code-keyword")
    assert page.evaluate("getSelection().toString()") == selected


FORMULAS = [
    (r"$\frac{a}{b}$", "mfrac"),
    (r"\(\alpha_1\)", "msub"),
    ("$$\n\\sum_{k=1}^n k\n= \\pi\n$$", ".displayed munderover"),
    ("\\[\na\n+ b\n\\]", ".displayed mo"),
    ("\\begin{align}\na &= b \\\\\nc &= d\n\\end{align}", "mtable"),
    ("- item with $x$", "li math"),
    ("| $x$ |\n|---|\n| $y$ |", "td math"),
]
NO_FORMULAS = [
    "It costs $5 and $6.",
    "From $5, or 6$ for two",
    "US$5 and CA$7 are $HOME/bin:$PATH",
    "`$x$` and ``$$y$$``",
    "```\n$$x$$\n```",
    "$ x $ and $x",
    r"\$x$ and \(y",
    "$$\n\n$$",
    r"$\undefined{x$",
    r"$\def\a{\a\a}\a$",
]


def test_formulas_are_mathematics_and_prices_are_not(visit: Visit) -> None:
    page = visit.start()
    for number, (source, selector) in enumerate(FORMULAS, 1):
        ask(page, f"say: {source}")
        answered(page, 2 * number)
        page.wait_for_selector(f"{BODY} {selector}", state="attached")
    for number, source in enumerate(NO_FORMULAS, len(FORMULAS) + 1):
        ask(page, f"say: {source}\n\nbut $z$")
        answered(page, 2 * number)
        expect(page.locator(f"{BODY} math"), source).to_have_text(["z"])
    assert visit.console == []


def test_what_is_copied_is_markdown_that_draws_the_same(visit: Visit) -> None:
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visit.start()
    source = (
        "# Title\n\nSo $x^2$ *holds*, **very `co``de` much**, ~~not~~ [here](https://example.org/a_(b)). 2\\*3 snake_case \\[no](x)\n"
        "next line\n\n1\\. no list\n\n3. one\n4. two\n   - deep\n     - deeper\n   - more\n\n> quoted\n>\n> - in it\n\n"
        "- loose\n\n  with two\n\n- $$\\frac12$$\n\n"
        "```python\nx = '*'\n\n    y\n```\n\n````\n```\n````\n\n| a | b |\n|---|--:|\n| `1` | x\\|y |\n\n---\n\n"
        "A claim.[^1]\n\n[^1]: Where *it*\n    stands\n\nend <b>"
    )
    source += "\n\n" + "".join(f"1. item {number} of so many that the list is long\n" for number in range(80))
    copied: list[str] = []
    for number, text in enumerate((source, "")):
        ask(page, f"say: {text or copied[0]}")
        answered(page, 2 + 2 * number)
        page.wait_for_selector("li:last-child .body mfrac")
        page.wait_for_selector("li:last-child .body .code-string")
        page.locator("li:last-child .body").evaluate("(one) => getSelection().selectAllChildren(one)")
        page.keyboard.press("ControlOrMeta+c")
        copied.append(page.evaluate("navigator.clipboard.readText()"))
    drawn = page.eval_on_selector_all("li.assistant .body", "all => all.map((one) => one.innerHTML)")
    first, second = (re.sub(r'</ol>(</div><div class="part">)?<ol [^>]*further[^>]*>', "", html) for html in drawn)
    assert second == first
    assert copied[0] == copied[1]
    assert "3. one\n4. two\n   - deep\n     - deeper\n" in copied[0]
    assert "\n79. item 78 of so many that the list is long\n80. " in copied[0]
    html = page.evaluate("navigator.clipboard.read().then(([one]) => one.getType('text/html')).then((blob) => blob.text())")
    assert "<strong>" in html
    assert "<button" not in html


def test_a_part_of_code_is_copied_as_it_is(visit: Visit) -> None:
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visit.start()
    ask(page, "say: ```\na * b\n```")
    answered(page, 2)
    page.locator(f"{BODY} pre").evaluate("(one) => getSelection().selectAllChildren(one)")
    page.keyboard.press("ControlOrMeta+c")
    becomes(page, lambda: page.evaluate("navigator.clipboard.readText()").strip(), "a * b")


def test_thoughts_have_their_time_and_calls_are_no_text(visit: Visit) -> None:
    page = visit.start()
    ask(page, "say: hm</think>yes")
    answered(page, 2)
    expect(page.locator("li.assistant .thought summary")).to_have_text("Thought for 1 sec")
    ask(page, 'call: look {"place": "<b>", "days": [1, 2]}')
    answered(page, 4)
    arguments = re.compile(f"^{re.escape(json.dumps({'place': '<b>', 'days': [1, 2]}, indent=2))}$")
    for _ in range(2):
        expect(page.locator("li:last-child .call summary")).to_have_text("Calls look")
        page.click("li:last-child .call summary")
        expect(page.locator("li:last-child .call pre")).to_have_text(arguments, use_inner_text=True)
        page.reload()
        page.wait_for_selector("body[data-status=ready]")
        drawn(page)


def test_a_call_that_was_kept_is_shown_within_bounds(visit: Visit) -> None:
    page = visit.start()
    call = {"name": "\u202ex" * 300, "arguments": "{" * 60_000, "result": "r"}
    kept = {"role": "assistant", "text": "", "ending": "stop", "calls": [call]}
    page.evaluate(f"(all) => sessionStorage.setItem({kept_as('conversation')}, all)", json.dumps([kept]))
    page.reload()
    page.wait_for_selector("li .call")
    assert page.locator("li .call > .code pre").evaluate("(one) => one.textContent.length") < 10_000
    expect(page.locator("li .call details summary")).to_have_text("Result")
    expect(page.locator("li .call summary .sign")).to_have_count(50)
