"""Pages without a bundler: from another origin, and under strict policies."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from projects import Ask, Project, answers

from open_page import serve_folder

# An import map is a script in the page, which a strict policy wants named.
POLICY = "script-src 'self' 'wasm-unsafe-eval' 'sha256-{map}'; worker-src 'self'{blob}"


def plain(folder: Path, root: str) -> str:
    """Writes the page, whose packages come from below `root`; the digest of its import map. A worker has none: it imports addresses."""
    entries = ("static", "element", "prompt-api")
    paths = {"tiny": "tiny/index.js", **{f"tiny/{name}": f"tiny/{name}.js" for name in entries}, "tiny/ai-sdk": "tiny/ai-sdk.js"}
    paths["@mlc-ai/web-llm"] = "@mlc-ai/web-llm/index.js"
    imports = {name: f"{root}node_modules/{path}" for name, path in paths.items()}
    text = json.dumps({"imports": imports})
    page = (folder / "index.html").read_text()
    (folder / "index.html").write_text(page.replace("<title>", f'<script type="importmap">{text}</script>\n  <title>'))
    worker = (folder / "worker.js").read_text()
    (folder / "worker.js").write_text(worker.replace("@mlc-ai/web-llm", imports["@mlc-ai/web-llm"]))
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_from_a_cdn(project: Project, ask: Ask, answer: str) -> None:
    folder = project()
    (folder / "page").mkdir()
    for name in ("index.html", "start.js", "main.js", "worker.js"):
        (folder / name).rename(folder / "page" / name)
    with serve_folder(folder, {"Access-Control-Allow-Origin": "*"}) as cdn:
        plain(folder / "page", cdn)
        with serve_folder(folder / "page") as address:
            assert ask(address) == answers(answer)


@pytest.mark.parametrize("blob", [" blob:", ""])
def test_under_a_strict_policy(project: Project, ask: Ask, answer: str, blob: str) -> None:
    folder = project()
    digest = plain(folder, "/")
    headers: Mapping[str, str] = {"Content-Security-Policy": POLICY.format(map=digest, blob=blob)}
    # Without blob: one thread reads and computes, and the browser tells that more were tried.
    told = None if blob else "violates the following Content Security Policy directive: \"worker-src 'self'\""
    with serve_folder(folder, headers) as address:
        assert ask(address, told) == answers(answer)
