"""What a model writes is shown as Markdown and can do nothing else."""

from __future__ import annotations

import json
import re

from playwright.sync_api import expect
from site_visit import Visit, answered, ask, becomes, drawn, kept_as, unloaded, until

ATTACKS = [
    '<img src=x onerror="globalThis.pwned = 1">',
    "<script>globalThis.pwned = 1</script>",
    "<svg><script>globalThis.pwned = 1</script></svg>",
    "[click](javascript:globalThis.pwned=1)",
    "[click](JaVaScRiPt:globalThis.pwned=1)",
    "[click](&#106;avascript:globalThis.pwned=1)",
    "[click](data:text/html,<script>globalThis.pwned=1</script>)",
    "[click](vbscript:x)",
    "<javascript:globalThis.pwned=1>",
    "![x](https://tracker.example/pixel.png)",
    '![x](x" onerror="globalThis.pwned=1)',
    '[x](https://example.org "onmouseover=globalThis.pwned=1")',
    '<a href="https://example.org" onclick="globalThis.pwned=1">x</a>',
    '<iframe src="https://example.org"></iframe><style>body { display: none }</style>',
    '<form action="https://example.org"><input name=x></form>',
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=globalThis.pwned=1&gt;">',
    "```html\n</code></pre><img src=x onerror=globalThis.pwned=1>\n```",
    '```"><img/src=x/onerror=globalThis.pwned=1>\ncode\n```',
    "`<img src=x onerror=globalThis.pwned=1>`",
    "| <img src=x onerror=globalThis.pwned=1> |\n|---|\n| <b onmouseover=globalThis.pwned=1>x</b> |",
    "<details open ontoggle=globalThis.pwned=1>x</details>",
    "<a id=webllm-config name=location>clobber</a><form id=prompt></form>",
]
FORBIDDEN = ("img", "script", "svg :not(use)", "iframe", "style", "form", "input", "math", "details", "object", "[id]", "[name]", "[style]")


def test_attacks_are_inert(visit: Visit) -> None:
    page = visit.start()
    foreign: list[str] = []
    page.on("request", lambda request: None if request.url.startswith(visit.server.url) else foreign.append(request.url))
    for number, attack in enumerate(ATTACKS, 1):
        ask(page, f"say: {attack}")
        answered(page, 2 * number)
    body = "#messages .assistant .body"
    for link in page.locator(f"{body} a").all():
        link.hover()
    assert page.evaluate("globalThis.pwned") is None
    for selector in FORBIDDEN:
        expect(page.locator(f"{body} {selector}"), selector).to_have_count(0)
    names = page.eval_on_selector_all(f"{body} *", "all => all.flatMap((one) => one.getAttributeNames())")
    assert not [name for name in names if name.startswith("on")]
    links = page.eval_on_selector_all(f"{body} a", "all => all.map((one) => [one.protocol, one.rel, one.target])")
    assert all(protocol in ("https:", ":") for protocol, _, _ in links)
    assert all("noopener" in rel and target == "_blank" for _, rel, target in links)
    assert foreign == []
    assert page.locator("#prompt").evaluate("(one) => one.tagName") == "TEXTAREA"


def test_a_question_is_never_markup(visit: Visit) -> None:
    page = visit.start()
    ask(page, "<b>one</b> **two** <img src=x onerror=alert(1)>")
    answered(page, 2)
    expect(page.locator("li.user .body")).to_have_text("<b>one</b> **two** <img src=x onerror=alert(1)>")
    expect(page.locator("li.user .body *")).to_have_count(0)


SHOWN = [
    ("# Heading", "h1", "Heading"),
    ("**bold** and *italic*", "strong", "bold"),
    ("1. one\n2. two", "ol > li:nth-child(2)", "two"),
    ("| a | b |\n|---|---|\n| 1 | 2 |", "table td:nth-child(2)", "2"),
    ("```python\nx < 1 & y\n```", "pre code", "x < 1 & y"),
    ("a < b and <tag>", "p", "a < b and <tag>"),
    ("[site](https://example.org/)", "a[href='https://example.org/']", "site"),
    ("- [x] done", "li", "☑ done"),
    ("line one\nline two", "p", "line one\nline two"),
]


def test_markdown(visit: Visit) -> None:
    page = visit.start()
    for number, (source, selector, text) in enumerate(SHOWN, 1):
        ask(page, f"say: {source}")
        answered(page, 2 * number)
        shown = re.compile(f"^{re.escape(text)}\\s*$")
        expect(page.locator(f"#messages > li:last-child .body {selector}").first, source).to_have_text(shown, use_inner_text=True)


# What small models fall into, and what makes a parser recurse or run for the square of its input.
MARKS = ("> ", "1. ", "- ", "* ", "# ", "- 1. > ", "[", "![", "*", "_a_", "a*b*", "x_y", "`", "~~a", "**a ", "[a](", "https://a")
SIGNS = ("<div>", "<", "&", "\u202e", "\\", " ", "\t", "| a ", "| - |\n", "a\n-\n", "- a\n", "> a\n", "[a]: b\n", "```\n", "\n")
DEGENERATE = [
    *(unit * 2000 for unit in (*MARKS, *SIGNS)),
    "".join(f"{'  ' * depth}- a\n" for depth in range(400)),
    "Good.\n\n" + "> " * 2000 + "text\n\nmore",
    "x" * 100_000,
]


def test_degenerate_answers_are_shown_and_kept(visit: Visit) -> None:
    page = visit.start()
    ask(page, "say: " + "> " * 2000)
    answered(page, 2)
    messages = [{"role": "assistant", "text": text, "ending": "stop"} for text in DEGENERATE]
    page.evaluate(f"(all) => sessionStorage.setItem({kept_as('conversation')}, all)", json.dumps(messages))
    page.goto(visit.server.url)
    page.wait_for_selector("body[data-status=ready]")
    drawn(page)
    expect(page.locator("li.assistant")).to_have_count(len(DEGENERATE))
    shown = page.eval_on_selector_all("li.assistant .body", "all => all.map((one) => one.textContent)")
    assert "more" in shown[-2]
    expect(page.locator("li.assistant .body p:text-is('Good.')"), "what comes before is Markdown").to_have_count(1)
    assert shown[-1].strip() == DEGENERATE[-1]
    ask(page, "say: done")
    assert answered(page, len(DEGENERATE) + 2) == "done"


def test_a_text_that_cannot_be_drawn_is_shown_as_it_was_written(visit: Visit) -> None:
    broken = "DocumentFragment.prototype.querySelectorAll = () => { throw new Error('as an unknown fault would'); }"
    visit.context.add_init_script(broken)
    page = visit.start()
    ask(page, "say: **bold**")
    assert answered(page, 2) == "**bold**"
    page.reload()
    page.wait_for_selector("body[data-status=ready]")
    drawn(page)
    expect(page.locator("li.assistant .body")).to_have_text("**bold**")


def test_a_selection_survives_while_the_answer_grows(visit: Visit) -> None:
    page = visit.start()
    for count, (question, selector) in enumerate((("slow", "p"), ("slow blocks", "p >> nth=0")), 1):
        ask(page, question)
        body = f"#messages > li:nth-child({2 * count}) .body"
        until(page, f"document.querySelector('{body}')?.textContent.includes('word4')")
        page.locator(f"{body} {selector}").evaluate("(one) => { getSelection().selectAllChildren(one); globalThis.first = one; }")
        selected = page.evaluate("getSelection().toString().trim()")
        until(page, f"document.querySelector('{body}').textContent.includes('word12')")
        assert page.evaluate("getSelection().toString().trim()").startswith(selected)
        assert page.evaluate("first.isConnected")
        page.keyboard.press("Escape")
        answered(page, 2 * count)
        assert page.evaluate("getSelection().toString().trim()").startswith(selected), "also when it ends"


def test_a_selection_survives_where_a_growing_list_is_cut(visit: Visit) -> None:
    page = visit.start()
    ask(page, "slowly: " + "".join(f"- item {number} of many\n" for number in range(10, 60)))
    body = page.locator("#messages > li:nth-child(2) .body")
    expect(body).to_contain_text("item 36")
    selected = page.evaluate("""() => {
      const items = [...document.querySelectorAll("#messages li.assistant .body li")];
      getSelection().setBaseAndExtent(items.at(-1).firstChild, 2, items.at(-6).firstChild, 3);
      return getSelection().toString();
    }""")
    assert selected.count("\n") == 5
    expect(body).to_contain_text("item 45")
    expect(body.locator("ul.further")).to_have_count(1)
    assert page.evaluate("getSelection().toString()") == selected
    assert page.evaluate("getSelection().anchorNode.compareDocumentPosition(getSelection().focusNode)") == 2, "it was drawn from its end"
    answered(page, 2)
    assert page.evaluate("getSelection().toString()") == selected


def test_a_growing_answer_looks_as_it_does_when_it_is_read_as_a_whole(visit: Visit) -> None:
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visit.start()
    source = (
        "# Title\n\nSome *text* with [a link][1].\n\n1. one\n\n2. two\n   - deep\n\n3. three\n\n> quoted\nlazily\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n"
        "```python\nx = 1\n\ny = 2\n```\n\nEnd of it\n===\n\n- a\n- b\n\nMore:\n\n"
    )
    source += "".join(f"{number}. item *{number}* of very many\n" for number in range(7, 307))
    within = "- all\n" + "".join(f"{'  ' * (1 + number % 4)}- item *{number}* of many\n" for number in range(200))
    quoted = "".join(f"> {line}\n" for line in within.splitlines())
    source += f"\nWithin one item, and in a quote:\n\n{within}\nso\n\n{quoted}\n[1]: https://example.org/\n"
    ask(page, f"say: {source}")
    answered(page, 2)
    page.wait_for_selector("li.assistant .body .code-number")
    grown = page.inner_html("li.assistant .body")
    page.reload()
    page.wait_for_selector("body[data-status=ready]")
    drawn(page)
    becomes(page, lambda: page.inner_html("li.assistant .body"), grown)
    expect(page.locator("li.assistant ol > li")).to_have_count(3 + 300)
    lists = page.eval_on_selector_all("li.assistant ol", "all => all.map((one) => [one.start, one.children.length, one.className])")
    assert len(lists) > 3, "a long list grows in parts"
    assert lists[1][0] == 7
    assert [start for start, _, _ in lists[2:]] == [start + count for start, count, _ in lists[1:-1]]
    assert {name for _, _, name in lists[2:]} == {"further"}
    expect(page.locator("li.assistant a")).to_have_attribute("href", "https://example.org/")
    for place in ("div > ul > li > ul", "div > blockquote > ul > li > ul"):
        expect(page.locator(f"li.assistant {place} li:not(.further)")).to_have_count(200)
        assert page.locator(f"li.assistant {place}.further").count() > 2, "also a list within one item"
    page.locator("li.assistant .body").evaluate("(one) => getSelection().selectAllChildren(one)")
    page.keyboard.press("ControlOrMeta+c")
    becomes(page, lambda: within in page.evaluate("navigator.clipboard.readText()"), True)


def test_a_link_leads_where_its_whole_address_does(visit: Visit) -> None:
    page = visit.start()
    ask(page, "slowly: So [it][1] is.\n\n[1]: https://example.org/of/several/pieces\n")
    answered(page, 2)
    expect(page.locator("li.assistant a")).to_have_attribute("href", "https://example.org/of/several/pieces")


def test_a_long_table_keeps_its_columns_and_says_that_it_is_one(visit: Visit) -> None:
    page = visit.start()
    ask(page, "say: | name | count |\n|---|--:|\n" + "".join(f"| row {number} of many | {number} |\n" for number in range(200)))
    answered(page, 2)
    expect(page.get_by_role("row")).to_have_count(201)
    expect(page.get_by_role("columnheader")).to_have_text(["name", "count"])
    last = page.get_by_role("cell", name="199", exact=True)
    last.scroll_into_view_if_needed()
    lefts = page.eval_on_selector_all("tr > :last-child", "all => all.map((one) => Math.round(one.getBoundingClientRect().left))")
    assert len({lefts[0], lefts[100], lefts[200]}) == 1
    assert last.evaluate("(one) => getComputedStyle(one).textAlign").endswith("right")


def test_each_block_is_written_in_its_own_direction(visit: Visit) -> None:
    page = visit.start()
    ask(page, "say: مرحبا بالعالم\n\nHello world")
    answered(page, 2)
    directions = page.eval_on_selector_all("li.assistant .body p", "all => all.map((one) => getComputedStyle(one).direction)")
    assert directions == ["rtl", "ltr"]
    ask(page, "say: > اقتباس\n\n- أولا\n\n- ثانيا\n\n| اسم | n |\n|---|---|\n| أ | 1 |\n\n1. one\n2. two")
    answered(page, 4)
    frames = "[...document.querySelectorAll('li:last-child .body :is(blockquote, ul, ul > li, table, ol)')]"
    assert page.evaluate(f"{frames}.map((one) => getComputedStyle(one).direction)") == ["rtl"] * 5 + ["ltr"], "bars, marks and columns, too"
    expect(page.locator("li:last-child .scroll")).to_have_attribute("dir", "rtl")  # and so stands where its words begin
    expect(page.locator("#prompt")).to_have_attribute("dir", "auto")


HOSTS = [
    ("[https://bank.example](https://evil.example/)", "evil.example"),
    ("[\u202emoc.knab](https://evil.example/)", "evil.example"),
    ("<https://bank.example@evil.example/>", "evil.example"),
    ("[b\u0430nk.example](https://b\u0430nk.example/)", "xn--bnk-6cd.example"),
    ("[write](mailto:a@evil.example)", "a@evil.example"),
    ("<https://example.org/>", ""),
]


def test_a_link_shows_where_it_leads(visit: Visit) -> None:
    page = visit.start()
    for number, (link, host) in enumerate(HOSTS, 1):
        ask(page, f"say: {link}")
        answered(page, 2 * number)
        expect(page.locator("#messages > li:last-child .host"), link).to_have_text([host] if host else [])


PART = "assets/markdown."
FETCHED = f"performance.getEntriesByType('resource').some(({{ name }}) => name.includes('{PART}'))"
PLAIN, MARKDOWN = "li.assistant .as-written", "li.assistant strong"


def test_what_draws_markdown_comes_with_the_model(visit: Visit) -> None:
    page = visit.open()
    page.wait_for_selector("#start:visible")
    assert not page.evaluate(FETCHED)
    page.click("#start")
    until(page, FETCHED)


def test_an_answer_is_drawn_again_when_markdown_comes(visit: Visit) -> None:
    visit.server.held = {PART}
    page = visit.start()
    ask(page, "say: **bold**")
    page.wait_for_selector("li.assistant .tools")
    expect(page.locator(PLAIN)).to_have_text("**bold**")
    ask(page, "slow blocks")
    page.wait_for_selector(f"[data-open] {PLAIN.split()[-1]}")
    visit.server.held = set()
    page.wait_for_selector("[data-open] .body p:nth-child(3)")
    expect(page.locator(MARKDOWN)).to_have_text("bold")
    page.keyboard.press("Escape")
    answered(page, 4)
    expect(page.locator(PLAIN)).to_have_count(0)


def test_markdown_that_cannot_be_fetched_is_asked_for_again(visit: Visit) -> None:
    visit.provokes(unloaded(PART))
    visit.server.failing = {PART}
    page = visit.start()
    ask(page, "say: **one** <b>two</b>")
    assert answered(page, 2) == "**one** <b>two</b>"
    visit.server.failing = set()
    ask(page, "say: **two**")
    answered(page, 4)
    expect(page.locator(MARKDOWN)).to_have_text(["one", "two"])


KEPT = [{"role": role, "text": f"**Bold** words, number {i}." * 40, "ending": "stop"} for i in range(30) for role in ("user", "assistant")]
TOP = """() => {
  const top = document.querySelector("#main").getBoundingClientRect().top;
  return [...document.querySelectorAll("#messages > li")].findIndex((item) => item.getBoundingClientRect().bottom > top);
}"""


def test_a_kept_conversation_waits_for_markdown(visit: Visit) -> None:
    plain = f"document.querySelector('#messages:not([hidden]) {PLAIN}') !== null"
    visit.context.add_init_script(f"(function look() {{ globalThis.seen ||= {plain}; requestAnimationFrame(look); }})()")
    page = visit.start()
    page.evaluate(f"(all) => sessionStorage.setItem({kept_as('conversation')}, all)", json.dumps(KEPT))
    page.reload()
    drawn(page)
    expect(page.locator(MARKDOWN)).to_have_count(30 * 40)
    expect(page.locator("#to-end"), "at the end").to_be_hidden()
    assert page.evaluate("seen") is False, "it was never shown in another form"


def test_the_reader_stays_where_he_reads_when_markdown_comes_late(visit: Visit) -> None:
    visit.server.held = {PART}
    page = visit.start()
    page.evaluate(f"(all) => sessionStorage.setItem({kept_as('conversation')}, all)", json.dumps(KEPT))
    page.reload()
    page.wait_for_selector(PLAIN)
    page.locator("#messages > li:nth-child(20)").evaluate("(one) => one.scrollIntoView({ block: 'start' })")
    page.mouse.move(500, 300)
    page.mouse.wheel(0, 40)
    until(page, f"({TOP})() === 19")
    visit.server.held = set()
    drawn(page)
    expect(page.locator(MARKDOWN)).to_have_count(30 * 40)
    until(page, f"({TOP})() === 19")
    expect(page.locator("#to-end")).to_be_visible()
