"""One package of a tiny chat model and a tiny embedding model: both answer in one engine, in a page, in its workers, and in Node."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from open_page import TESTS, page_console
from runtimes import runtime_command
from tiny_encoder import write_tiny_encoder

PROGRAMS = TESTS / "browser" / "several"
IDS = ["tiny-llama-q4", "encoder-q8"]
NODE = """
import * as webllm from "@mlc-ai/web-llm";
import * as inThisThread from "@mlc-ai/web-llm/static";
import * as programs from %s;
const told = [await programs.createEngine(webllm), await programs.createEngine(inThisThread), await programs.webllm(webllm)];
told.push(await programs.records(webllm));
console.log(JSON.stringify([webllm.modelIds, ...told]));
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a program finds it that was written for WebLLM."""
    folder = tmp_path_factory.mktemp("several")
    package = folder / "node_modules" / "@mlc-ai" / "web-llm"
    models: list[str | Path] = ["--model", TESTS / "fixtures" / "tiny-llama", "--model", write_tiny_encoder(folder / "encoder")]
    options = ["--package-name", "several", "--package-version", "0.2.86", "--variant", "f32", "--weights", "bundle"]
    subprocess.run([sys.executable, "-m", "webllm_build", "npm", *models, "--out", package, *options], check=True, capture_output=True)
    return package


def test_both_answer_in_a_page_and_in_workers(package: Path, chromium_shell: Path) -> None:
    roots = {"several": PROGRAMS, "package": package}
    *lines, end = page_console("several/index.html", roots, program=chromium_shell, seconds=300)
    assert end == "DONE", "\n".join(lines)
    told = dict(map(json.loads, lines))
    assert told.pop("folders") == ["/package/model/"], "what the models have in common is stored once"
    texts = {_check(answers, name) for name, answers in told.items()}
    assert len(texts) == 1, told


def test_both_answer_in_node_under_the_name_of_webllm(package: Path) -> None:
    assert json.loads((package / "package.json").read_text("utf-8"))["version"] == "0.2.86"
    program = package.parents[2] / "program.mjs"
    program.write_text(NODE % json.dumps(PROGRAMS.joinpath("programs.js").as_uri()), "utf-8")
    environment = {**os.environ, "WEBLLM_BUILD_CACHE": str(program.with_name("cache"))}
    ran = subprocess.run(
        [*runtime_command("node"), program], env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert ran.returncode == 0, ran.stderr
    ids, *told = json.loads(ran.stdout)
    assert ids == IDS
    assert len({_check(answers, "in Node") for answers in told}) == 1, told


def _check(answers: object, where: str) -> str:
    """The chat's answer."""
    assert isinstance(answers, dict), f"{where}: {answers}"
    assert answers["text"] and answers["width"] == 64, f"{where}: {answers}"
    assert all(right is True for name, right in answers.items() if name not in ("text", "width")), f"{where}: {answers}"
    return str(answers["text"])


def test_each_model_is_described(package: Path) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "webllm_build", "inspect", package], capture_output=True, text=True, check=True, timeout=300
    ).stdout
    first, second = shown.strip().split("\n\n")
    assert f"({IDS[0]})" in first.splitlines()[0]
    assert f"({IDS[1]})" in second.splitlines()[0]
    assert "Variant f32:" in first and "Variant f32:" in second
