"""The npm package, imported by a page from another origin as from a CDN: it answers, can be cancelled, and leaves no worker behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cdn import publish, served
from playwright.sync_api import Browser, Page
from site_visit import becomes

IMPORT = "const { createEngine } = await import(url + 'package/index.js');"


@pytest.fixture(scope="module")
def cdn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a folder with `package`."""
    folder = tmp_path_factory.mktemp("cdn")
    publish(folder)
    with served(folder) as address:
        yield address


@pytest.fixture
def page(browser: Browser, cdn: str, tmp_path: Path) -> Iterator[Page]:
    """A page of another origin."""
    (tmp_path / "index.html").write_text('<!doctype html><link rel="icon" href="data:,"><title>mine</title>')
    with served(tmp_path) as address:
        context = browser.new_context()
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.goto(address)
        yield page
        context.close()


def test_an_engine_from_another_origin_answers_and_ends(page: Page, cdn: str) -> None:
    answer = page.evaluate(
        f"""async (url) => {{
            {IMPORT}
            const engine = await createEngine({{ weights: url + "package/weights/", worker: null, signal: null }});
            const {{ choices }} = await engine.chat.completions.create({{ messages: [{{ role: "user", content: "Hi" }}] }});
            globalThis.engine = engine;
            return choices[0].message.content;
        }}""",
        cdn,
    )
    assert answer == "1 messages: user."
    becomes(page, lambda: len(page.workers), 1)
    page.evaluate("engine.terminate()")
    becomes(page, lambda: page.workers, [])


def test_a_load_that_fails_leaves_no_worker(page: Page, cdn: str) -> None:
    failed = page.evaluate(
        f"""async (url) => {{
            {IMPORT}
            const failures = [];
            for (let i = 0; i < 5; i++) {{
                await createEngine({{ weights: "not a scheme:" }}).catch((error) => failures.push(error.code));
                await createEngine({{ weights: url, worker: "none" }}).catch((error) => failures.push(error.name));
            }}
            return failures.length;
        }}""",
        cdn,
    )
    assert failed == 10
    becomes(page, lambda: page.workers, [])


def test_a_load_can_be_cancelled(page: Page, cdn: str) -> None:
    told = page.evaluate(
        f"""async (url) => {{
            {IMPORT}
            const controller = new AbortController();
            const initProgressCallback = () => controller.abort(new RangeError("enough"));
            const engine = createEngine({{ weights: url + "package/weights/", signal: controller.signal, initProgressCallback }});
            return engine.then(() => "loaded", (error) => `${{error.name}}: ${{error.message}}`);
        }}""",
        cdn,
    )
    assert told == "RangeError: enough"
    becomes(page, lambda: page.workers, [])
