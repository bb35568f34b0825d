"""LangChain's ChatWebLLM, which is written for WebLLM, with this package in its place."""

from __future__ import annotations

import subprocess
from pathlib import Path

from runtimes import npm_package, runtime_command

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = ROOT / "runtime_js"
COMMUNITY, CHAT = "@langchain/community@1.1.29", "package/dist/chat_models/webllm.js"


def test_it_answers(tmp_path: Path) -> None:
    community = npm_package(COMMUNITY, CHAT, "package/dist/_virtual/_rolldown/runtime.js", "package/package.json")
    aliases = [f"@mlc-ai/web-llm={RUNTIME / 'src' / 'index.ts'}", f"@langchain/community/chat_models/webllm={community / CHAT}"]
    program = tmp_path / "program.mjs"
    for script in (["test/bundle.mjs", ROOT / "tests" / "peer" / "chat_web_llm.mjs", program, "--node", *aliases], [program]):
        ran = subprocess.run([*runtime_command("node"), *script], cwd=RUNTIME, capture_output=True, text=True, check=False, timeout=120)
        assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "all as it should be\n"
