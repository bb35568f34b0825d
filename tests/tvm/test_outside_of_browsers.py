"""The cut model in Node, Deno and Bun, and in the terminal: on the CPU, token for token what the reference says."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runtimes import RUNTIMES, run_without_gpu, runtime_command

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = ROOT / "runtime_js" / "dist"
REFERENCE = json.loads((ROOT / "tests" / "golden" / "reference" / "smollm2-cut.json").read_text("utf-8"))
PROMPTS = [prompt for prompt in REFERENCE["prompts"] if prompt["name"] in ("short", "turns", "unicode")]

# As a server would use it: the engine in a thread of its own, several requests at once; and nobody ends it.
ASK = """
import { WorkerEngine, startEngine } from "RUNTIME/node.js";
const { folder, prompts } = JSON.parse(process.argv[2]);
const computers = [];
const engine = new WorkerEngine(startEngine(new URL("RUNTIME/node-worker.js", import.meta.url)), {
  variant: "cpu-f32", initProgressCallback: ({ computer }) => { if (computer !== undefined) computers.push(computer); },
});
await engine.reload(folder);
const answers = await Promise.all(prompts.map(({ messages, exact_until }) => (
  engine.chat.completions.create({ messages, temperature: 0, max_tokens: exact_until }))));
console.log(JSON.stringify({ computers, texts: answers.map(({ choices: [choice] }) => choice.message.content) }));
"""


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_answers_are_exact(cut_site: Path, tmp_path: Path, runtime: str) -> None:
    script = tmp_path / "ask.mjs"
    script.write_text(ASK.replace("RUNTIME", RUNTIME.as_uri()))
    done = run_without_gpu(runtime, str(script), json.dumps({"folder": str(cut_site), "prompts": PROMPTS}), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    (computer,) = told["computers"]
    assert computer["device"] == "cpu"
    assert computer["threads"] >= 1
    for prompt, text in zip(PROMPTS, told["texts"], strict=True):
        whole = prompt["exact_until"] == len(prompt["ids"])
        assert text == prompt["text"] if whole else prompt["text"].startswith(text), prompt["name"]


def test_an_error_that_nobody_catches_shows_no_page_of_code() -> None:
    """Node prints the line that threw."""
    program = f"const {{ Engine }} = await import('{(RUNTIME / 'node.js').as_uri()}'); await new Engine().reload('nothing/there')"
    command = [*runtime_command("node"), "--input-type=module", "--eval", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert "nothing/there" in done.stderr
    assert max(map(len, done.stderr.splitlines())) < 1000


def test_the_program_of_a_packages_readme_runs(tmp_path: Path) -> None:
    """As it stands there, with a chat and an embedding model in one package."""
    package, fixtures = tmp_path / "node_modules" / "both", ROOT / "tests" / "fixtures"
    models = ("--model", fixtures / "tiny-llama", "--model", fixtures / "tiny-bert" / "model.gguf")
    options = ("--out", package, "--package-name", "both", "--variant", "f32", "--weights", "bundle")
    subprocess.run([sys.executable, "-m", "webllm_build", "npm", *models, *options], check=True, capture_output=True)
    (program,) = re.findall(r"```ts\n(.*?)```", (package / "README.md").read_text("utf-8"), re.DOTALL)
    (tmp_path / "use.mjs").write_text(program, "utf-8")
    environment = {**os.environ, "WEBLLM_BUILD_CACHE": str(tmp_path / "cache")}
    command = [*runtime_command("node"), "use.mjs"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert float(done.stdout.splitlines()[-1]) <= 1.0001, "the cosine, behind the answer"


def chat(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "webllm_build", "chat", *map(str, arguments)]


@pytest.mark.parametrize("prompt", [["--prompt", "Hello"], []], ids=["option", "pipe"])
def test_the_terminal_answers_a_pipe_until_it_is_closed(cut_site: Path, prompt: list[str]) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen(chat(cut_site / "model", *prompt), stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(b"Hello\n")
        process.stdin.close()
        assert len(process.stdout.read(20)) == 20
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(300) == 0


def test_ctrl_c_ends_it(cut_site: Path) -> None:
    """What was answered until then is there."""
    with subprocess.Popen(chat(cut_site, "--prompt", "Hello"), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        begin = os.read(process.stdout.fileno(), 1)
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=300)
        assert process.returncode == 130
        assert (begin + rest).endswith(b"\n")
        assert errors == b""
