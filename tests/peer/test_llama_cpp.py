"""All chat templates and vocabularies that llama.cpp tests with: those of the sdist of llama-cpp-python on PyPI, fetched into the cache.

    .venv/bin/python -m pytest tests/peer

Takes a minute; fixtures have parts of both, for tests that need no network.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import runpy
import subprocess
import tarfile
import urllib.request
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from webllm_build.cache import Cache
from webllm_build.config import default_cache_dir
from webllm_build.package.assets import runtime_folder
from webllm_build.source import tokenizer_process
from webllm_build.source.folder import LocalFile
from webllm_build.source.gguf_header import read_gguf
from webllm_build.source.gguf_tokenizer import read_tokenizer
from webllm_build.source.tokenizer_json import read_facts
from webllm_build.tokenizer_check import CHECK, find_node

ROOT = Path(__file__).resolve().parents[2]
INDEX, SDIST = "https://pypi.org/simple/llama-cpp-python/", "llama_cpp_python-0.3.36.tar.gz"
SHA256 = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"
WITH_IDS = "bert-bge command-r deepseek-coder deepseek-llm falcon gemma-4 gpt-2 llama-bpe llama-spm mpt phi-3 qwen2 qwen35 refact starcoder"
SEPARATOR = "\n__ggml_vocab_test__\n"


def fetch(folder: Path) -> None:
    index = urllib.request.urlopen(INDEX, timeout=30).read().decode()
    (address,) = re.findall(rf'href="([^"]*/{re.escape(SDIST)})[#"]', index)
    archive = folder / SDIST
    archive.write_bytes(urllib.request.urlopen(urljoin(INDEX, address), timeout=300).read())
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == SHA256
    with tarfile.open(archive) as files:
        members = [member for member in files if "/vendor/llama.cpp/models/" in member.name and member.isfile()]
        files.extractall(folder, members, filter="data")
    archive.unlink()


@pytest.fixture(scope="session")
def models() -> Path:
    try:
        entry = Cache(default_cache_dir()).entry("peer", {"sdist": SHA256}, fetch, lambda folder: any(folder.iterdir()))
    except OSError as error:
        pytest.skip(f"{SDIST} cannot be had: {error}")
    return entry / SDIST.removesuffix(".tar.gz") / "vendor" / "llama.cpp" / "models"


def renders(jinja: Any, text: str, reference: dict[str, Any]) -> dict[str, dict[str, str]]:
    """By Jinja itself, set up as transformers does; arguments of calls are objects, or texts where a template wants these."""
    template = jinja.from_string(text)

    def render(conversation: dict[str, Any], as_text: bool) -> dict[str, str]:
        messages = json.loads(json.dumps(conversation["messages"]))
        # transformers gives a thought by both names
        messages = [{"thinking": said["reasoning_content"], **said} if "reasoning_content" in said else said for said in messages]
        for call in (call for message in messages for call in message.get("tool_calls", ()) if as_text):
            call["function"]["arguments"] = json.dumps(call["function"]["arguments"], ensure_ascii=False)
        tools = reference["tools"] if conversation["tools"] else None
        constants = {"bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": True, "documents": None}
        try:
            return {"text": template.render(messages=messages, tools=tools, **constants, **conversation["variables"])}
        except Exception as error:
            return {"error": str(error)}

    one = reference["conversations"]["one call"]
    probe = json.loads(json.dumps(one).replace('"city": "K\\u00f6ln"', '"probed": "value"'))
    said = render(probe, False).get("text", "")
    as_text = "'probed'" in said or 'probed\\"' in said or said == ""
    return {name: render(conversation, as_text) for name, conversation in reference["conversations"].items()}


def test_every_template_renders_in_the_page_as_in_python(models: Path, tmp_path: Path) -> None:
    reference = json.loads((ROOT / "tests" / "golden" / "reference" / "chat_templates.json").read_text("utf-8"))
    jinja = runpy.run_path(str(tokenizer_process.CHILD))["environment"]()
    reference["date"] = date.today().isoformat()
    texts = {path.stem: path.read_text("utf-8") for path in sorted((models / "templates").glob("*.jinja"))}
    reference["templates"] = {name: {"template": text, "renders": renders(jinja, text, reference)} for name, text in texts.items()}
    (tmp_path / "all.json").write_text(json.dumps(reference, ensure_ascii=False), "utf-8")
    assert len(texts) == 70
    environment = {**os.environ, "CHAT_TEMPLATES": str(tmp_path / "all.json")}
    run = subprocess.run(["npm", "test", "jinja"], cwd=ROOT / "runtime_js", env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-4000:]


@pytest.mark.parametrize("kind", WITH_IDS.split())
def test_every_vocabulary_makes_the_expected_tokens(kind: str, models: Path) -> None:
    path = models / f"ggml-vocab-{kind}.gguf"
    tokenizer = read_tokenizer(read_gguf(LocalFile(path)).metadata)
    read_facts(tokenizer)
    texts = path.with_suffix(".gguf.inp").read_bytes().decode().split(SEPARATOR)
    lines = path.with_suffix(".gguf.out").read_text("utf-8").split("\n")[: len(texts)]
    ids = [[int(word) for word in line.split()] for line in lines]
    assert tokenizer_process.encode(tokenizer, texts, add_special_tokens=False) == ids
    node = find_node()
    assert node is not None
    request = {"tokenizer": tokenizer.tokenizer_json.decode(), "config": {}, "conversations": [], "texts": texts}
    assert tokenizer_process.run_child([node, "--max-old-space-size=4096", str(runtime_folder() / CHECK)], request)["ids"] == ids
