"""What programs for WebLLM do, kind by kind of its examples, in Chromium with a package in its place: see the modules of webllm/."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from site_visit import becomes
from test_site_shared import LEADERS, MOST, tells

from firefox import Firefox
from open_page import TESTS, page_console, serve
from runtimes import runtime_command
from tiny_site import write_greedy
from tiny_vision import write_tiny_smolvlm

PROGRAMS = TESTS / "browser" / "webllm"
RUNTIME = TESTS.parent / "runtime_js"


# WebLLM's example projects. Those in extensions are in test_extension.py, the one in Next.js among the bundlers (`make compat`).
EXAMPLES = (
    *("abort-reload", "cache-usage", "embeddings", "function-calling-manual", "function-calling-openai", "get-started"),
    *("get-started-latency-breakdown", "get-started-web-worker", "integrity-verification", "json-mode", "json-schema", "logit-processor"),
    *("multi-models", "multi-round-chat", "qwen3", "seed-to-reproduce", "service-worker", "simple-chat-js", "simple-chat-ts"),
    *("simple-chat-upload", "streaming", "structural-tag-tool-use", "subgroups-usage", "text-completion", "vision-model"),
)
BESIDE = ("mistakes", "grammar", "interrupt", "service worker without import()")
TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content or '' }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% if enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Packages of random models that chat, make vectors and see, and the pages of the programs."""
    folder = tmp_path_factory.mktemp("programs")
    package, vectors, pages, template = folder / "package", folder / "vectors", folder / "webllm", folder / "template.jinja"
    template.write_text(TEMPLATE, "utf-8")
    pictures, seeing = folder / "pictures", folder / "seeing"
    seeing.mkdir()
    write_tiny_smolvlm(seeing)
    fixtures = TESTS / "fixtures"
    models: tuple[tuple[Path, Path, list[str | Path]], ...] = (
        (write_greedy(folder / "greedy"), package, ["--tool-format", "hermes", "--chat-template", template]),
        (fixtures / "tiny-bert" / "model.gguf", vectors, []),
        (seeing, pictures, []),
    )
    for model, out, more in models:
        options: list[str | Path] = ["--out", out, "--package-name", "tiny", "--variant", "f32", "--weights", "bundle", *more]
        subprocess.run([sys.executable, "-m", "webllm_build", "npm", "--model", model, *options], check=True, capture_output=True)
    shutil.copytree(PROGRAMS, pages)
    alias = f"@mlc-ai/web-llm={package / 'index.js'}"
    bundle: list[str | Path] = ["test/bundle.mjs", PROGRAMS / "service_worker.js", pages / "service_worker.bundle.js", alias]
    subprocess.run([*runtime_command("node"), *bundle], cwd=RUNTIME, check=True)
    return {"webllm": pages, "package": package, "vectors": vectors, "pictures": pictures}


@pytest.fixture(scope="module")
def told(roots: dict[str, Path], chromium_shell: Path) -> dict[str, str]:
    """What came of each program, by its name: nothing, or what was wrong."""
    lines = list(page_console("webllm/index.html", roots, program=chromium_shell))
    assert lines[-1] == "DONE", "\n".join(lines)
    ends = (line.partition(" ")[2].partition(": ") for line in lines[:-1])
    return {name: error for name, _, error in ends}


@pytest.mark.parametrize("name", [*EXAMPLES, *BESIDE])
def test_example(told: dict[str, str], name: str) -> None:
    assert told[name] == ""


def test_all_are_told(told: dict[str, str]) -> None:
    assert set(told) == {*EXAMPLES, *BESIDE}
    assert len(EXAMPLES) == 28 - len(("chrome-extension", "chrome-extension-webgpu-service-worker", "next-simple-chat"))


@pytest.mark.parametrize("script", ["service_worker.bundle.js", "static_service_worker.js"])
def test_a_service_worker_that_was_stopped_answers_again(roots: dict[str, Path], browser: Browser, script: str) -> None:
    """The browser starts it again, and the model is loaded again from storage. Answers go on where they were."""
    with serve(roots) as origin:
        context = browser.new_context()
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.goto(f"{origin}/webllm/stopped.html?{script}")
        page.wait_for_function("globalThis.ask")
        first = page.evaluate("ask()")
        session = context.new_cdp_session(page)
        session.send("ServiceWorker.enable")
        session.send("ServiceWorker.stopAllWorkers")
        again = page.evaluate("ask()")
        whole = page.evaluate("stream()")
        page.expose_function("stop", lambda: session.send("ServiceWorker.stopAllWorkers"))
        streamed, loads = page.evaluate("(async () => [await stream(stop), loadsSoFar()])()")
        page.reload()
        page.wait_for_function("globalThis.ask")
        reloaded, reports = page.evaluate("(async () => [await ask(), reports])()")
        context.close()
    assert again["text"] == first["text"] == reloaded["text"]
    assert (first["loads"], again["loads"]) == (1, 2)
    assert loads == 3, "it was stopped in the middle of the answers"
    assert streamed == whole and max(map(len, whole)) > 100
    assert reports == 1, "a page that is loaded again finds the model"


POST = """async ({ stream = false, model, cancel = false }) => {
  const messages = [{ role: "user", content: "Hello there" }];
  const body = JSON.stringify({ messages, temperature: 0, max_tokens: cancel ? 2000 : 6, stream, model });
  const response = await fetch("v1/chat/completions", { method: "POST", body });
  const reader = response.body.getReader();
  let text = "";
  for (let read = await reader.read(); !read.done && !cancel; read = await reader.read()) text += new TextDecoder().decode(read.value);
  if (cancel) await reader.cancel();
  return [response.status, text];
}"""


def test_a_service_worker_answers_openais_requests_of_any_tab(roots: dict[str, Path], browser: Browser) -> None:
    """By the model that a page has loaded there, which is loaded again where the browser has stopped the service worker."""
    with serve(roots) as origin:
        context = browser.new_context()
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.goto(f"{origin}/webllm/stopped.html?static_service_worker.js")
        page.wait_for_function("globalThis.ask")
        expected = page.evaluate("ask()")["text"]
        tab = context.new_page()
        tab.goto(f"{origin}/webllm/check.js")

        def answer() -> str:
            status, text = tab.evaluate(POST, {})
            assert status == 200, text
            content = json.loads(text)["choices"][0]["message"]["content"]
            assert isinstance(content, str)
            return content

        assert answer() == expected
        status, text = tab.evaluate(POST, {"stream": True})
        assert (status, text.endswith("data: [DONE]\n\n")) == (200, True)
        assert tab.evaluate(POST, {"model": "nobody"})[0] == 404
        tab.evaluate(POST, {"stream": True, "cancel": True})
        assert page.evaluate("ask()")["text"] == expected
        session = context.new_cdp_session(page)
        session.send("ServiceWorker.enable")
        session.send("ServiceWorker.stopAllWorkers")
        assert answer() == expected, "the page has loaded its model again"
        page.close()
        assert answer() == expected, "its page is gone, and the model is still there"
        session = context.new_cdp_session(tab)
        session.send("ServiceWorker.enable")
        session.send("ServiceWorker.stopAllWorkers")
        status, text = tab.evaluate(POST, {})
        assert (status, json.loads(text)["error"]["code"]) == (503, "model_not_loaded")
        context.close()


def with_limits(package: Path, out: Path) -> Path:
    """The package, whose worker can be told how much of an answer it tells others."""
    shutil.copytree(package, out)
    worker = out / "runtime" / "worker.js"
    worker.write_text(MOST + worker.read_text("utf-8"), "utf-8")
    return out


def test_tabs_share_an_engine_of_the_package(roots: dict[str, Path], browser: Browser, tmp_path: Path) -> None:
    """It is loaded once, and answers go on where the tab that has it is closed."""
    with serve({**roots, "package": with_limits(roots["package"], tmp_path / "package")}) as origin:
        context = browser.new_context()
        context.set_default_timeout(60_000)

        def opened() -> Page:
            page = context.new_page()
            page.goto(f"{origin}/webllm/shared.html")
            page.wait_for_function("globalThis.ask !== undefined")
            return page

        first = opened()
        expected = first.evaluate("ask('Hello there')")
        second = opened()
        becomes(second, lambda: second.evaluate(LEADERS), [1, 1])  # one has the model, and one waits for its end
        assert second.evaluate("ask('Hello there')") == expected
        tells(first, 8)
        second.expose_function("closeFirst", first.close)
        assert second.evaluate("ask('Hello there', closeFirst)") == expected
        assert first.is_closed()
        context.close()


STOPPED = "webllm/stopped.html"


def test_without_a_gpu_in_a_service_worker_one_page_has_the_engine(roots: dict[str, Path], browser: Browser, tmp_path: Path) -> None:
    """For all pages, whose calls are the same: the model is loaded once, and answers go on where that page is closed."""
    with serve({**roots, "package": with_limits(roots["package"], tmp_path / "package")}) as origin:
        context = browser.new_context()
        context.set_default_timeout(60_000)

        def opened() -> Page:
            page = context.new_page()
            page.goto(f"{origin}/{STOPPED}?no_gpu_service_worker.js")
            page.wait_for_function("globalThis.ask")
            return page

        first = opened()
        expected = first.evaluate("ask()")
        whole = first.evaluate("stream()")
        second = opened()
        assert second.evaluate("reports") == 1, "it is loaded already"
        becomes(second, lambda: second.evaluate(LEADERS), [1, 1])
        session = context.new_cdp_session(second)
        session.send("ServiceWorker.enable")
        session.send("ServiceWorker.stopAllWorkers")
        assert second.evaluate("ask()") == expected, "nothing of it ends with the service worker"
        tab = context.new_page()
        tab.goto(f"{origin}/webllm/check.js")
        status, text = tab.evaluate(POST, {})
        assert (status, json.loads(text)["choices"][0]["message"]["content"]) == (200, expected["text"])
        tells(first, 8)
        second.expose_function("closeFirst", first.close)
        assert second.evaluate("stream(closeFirst)") == whole and max(map(len, whole)) > 100
        assert first.is_closed()
        second.reload()
        second.wait_for_function("globalThis.ask")
        assert second.evaluate("ask()") == expected, "from storage"
        context.close()


def test_firefox_has_the_engine_of_a_service_worker_in_a_worker_of_one_page(roots: dict[str, Path], firefox: Firefox) -> None:
    """Its service workers have no WebGPU; workers of its pages have."""
    with serve(roots) as origin:
        first = firefox.open(f"{origin}/{STOPPED}?static_service_worker.js#gpu")
        first.until("globalThis.ask !== undefined", 600)
        expected = first.evaluate("ask()")
        second = firefox.open(f"{origin}/{STOPPED}?static_service_worker.js#gpu")
        second.until("globalThis.ask !== undefined", 600)
        assert second.evaluate("reports") == 1, "it is loaded already"
        assert second.evaluate(LEADERS) == [1, 1]
        first.close()
        assert second.evaluate("ask()")["text"] == expected["text"]
        second.close()
    assert firefox.console == []
