"""What a model writes is shown as Markdown and can do nothing else."""

from __future__ import annotations

import pytest
from site_visit import Visit, answered, ask

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
        assert page.locator(f"{body} {selector}").count() == 0, selector
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
    assert page.inner_text("li.user .body") == "<b>one</b> **two** <img src=x onerror=alert(1)>"
    assert page.locator("li.user .body *").count() == 0


@pytest.mark.parametrize(
    ("source", "selector", "text"),
    [
        ("# Heading", "h1", "Heading"),
        ("**bold** and *italic*", "strong", "bold"),
        ("1. one\n2. two", "ol > li:nth-child(2)", "two"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "table td:nth-child(2)", "2"),
        ("```python\nx < 1 & y\n```", "pre code", "x < 1 & y"),
        ("a < b and <tag>", "p", "a < b and <tag>"),
        ("[site](https://example.org/)", "a[href='https://example.org/']", "site"),
        ("- [x] done", "li", "☑ done"),
        ("line one\nline two", "p br + *, p", "line one\nline two"),
    ],
)
def test_markdown(visit: Visit, source: str, selector: str, text: str) -> None:
    page = visit.start()
    ask(page, f"say: {source}")
    answered(page, 2)
    assert page.inner_text(f"li.assistant .body {selector}").strip() == text
