"""A model whose table of layers' vectors stays in storage, in Node: on the CPU, token for token what NumPy says."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np

from families import FIXTURES, TOKENS
from runtimes import runtime_command
from small_kernels import floats_on_cpus, small_kernels
from webllm_build.build import build
from webllm_build.config import BuildRequest
from webllm_build.model import load_model
from webllm_build.model.numpy_operators import NumpyOperators
from webllm_build.source.gguf import open_gguf

RUNTIME = Path(__file__).resolve().parents[2] / "runtime_js" / "dist"
MODEL, COUNT = FIXTURES / "tiny-gemma4_text" / "model.gguf", 12

ASK = """
import { WorkerEngine, startEngine } from "RUNTIME/node.js";
const { folder, prompts, answers } = JSON.parse(process.argv[2]);
const engine = new WorkerEngine(startEngine(new URL("RUNTIME/node-worker.js", import.meta.url)), { variant: "cpu-f32" });
await engine.reload(folder);
const expected = await Promise.all(answers.map((ids) => engine.detokenize(ids)));
const found = await Promise.all(prompts.map((prompt, i) => engine.completions.create(
  { prompt, temperature: 0, max_tokens: answers[i].length, ignore_eos: true })));
console.log(JSON.stringify({ expected, found: found.map(({ choices: [choice] }) => choice.text) }));
"""


def greedy(prompt: list[int]) -> list[int]:
    checkpoint = open_gguf(MODEL)
    model, found = load_model(checkpoint), list(prompt)
    while len(found) < len(prompt) + COUNT:
        operators = NumpyOperators(checkpoint, model.norm_eps, found)
        found.append(int(np.argmax(model.logits(operators, model.hidden(operators))[-1])))
    return found[len(prompt) :]


def test_answers_are_exact(tmp_path: Path) -> None:
    out = tmp_path / "site"
    request = BuildRequest("site", (str(MODEL),), out=out, cache_dir=tmp_path / "cache", variants=("f32",))
    with small_kernels(), floats_on_cpus():  # GPUs and codes are not what this is about
        build(replace(request, quantization="f16", context_length=128, prefill_chunk=64))
    prompts = [[*TOKENS, *TOKENS], TOKENS[5:8]]  # of two chunks, and of one
    script = tmp_path / "ask.mjs"
    script.write_text(ASK.replace("RUNTIME", RUNTIME.as_uri()))
    asked = json.dumps({"folder": str(out), "prompts": prompts, "answers": [greedy(prompt) for prompt in prompts]})
    done = subprocess.run([*runtime_command("node"), str(script), asked], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["found"] == told["expected"]
