"""bench.html and the command that runs it, on a tiny model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chromium import FLAGS
from open_page import TESTS, page_console
from webllm_build.compile.link import PLAN_SECTION, read_custom_section
from webllm_build.compile.plan import Plan, parse_plan
from webllm_build.package.manifest import Manifest, read_manifest
from webllm_build.package.output import read_marker

PROMPT, OUTPUT, CONTEXT, RUNS = 60, 6, 80, 1


# The public command, whose Chromium runs with the tests' switches: see DAWN_TOGGLES.
COMMAND = f"""
from webllm_build import __main__, chromium
chromium.WEBGPU["software"] = {FLAGS["test"]}
__main__.main()
"""


def bench(site: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", COMMAND, "bench", str(site), "--gpu", "software", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def manifest(tiny_site: Path) -> Manifest:
    marker = read_marker(tiny_site)
    assert marker is not None
    return read_manifest(tiny_site / marker.models[0].manifest)


@pytest.fixture(scope="module")
def plan(tiny_site: Path, manifest: Manifest) -> Plan:
    return parse_plan(read_custom_section((tiny_site / "model" / manifest.library.file).read_bytes(), PLAN_SECTION))


@pytest.fixture(scope="module")
def report(tiny_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    saved = tmp_path_factory.mktemp("bench") / "new" / "report.json"
    lengths = ("--prompt-tokens", str(PROMPT), "--output-tokens", str(OUTPUT), "--context", str(CONTEXT))
    done = bench(tiny_site, *lengths, "--runs", str(RUNS), "--kernels", "--json", str(saved))
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    titles = (f"Answers: median of {RUNS}", f"Decoding {OUTPUT} tokens", "Loading: ", "GPU memory", "What this GPU can do", "prefill: ")
    assert [title for title in titles if title not in done.stdout] == []
    return json.loads(saved.read_text("utf-8"))


def test_answers(report: Any) -> None:
    speed = report["speed"]
    assert len(speed["runs"]) == RUNS
    for answer in (speed, *speed["runs"]):
        assert PROMPT <= answer["prompt_tokens"] < PROMPT + 10
        assert answer["output_tokens"] == OUTPUT
        seconds = answer["time_to_first_token_ms"] / 1000
        assert answer["prefill_tokens_per_s"] == pytest.approx(answer["prompt_tokens"] / seconds, rel=0.5)
        assert answer["decode_tokens_per_s"] > 0


def test_decoding_behind_contexts(report: Any) -> None:
    assert [row["context_tokens"] for row in report["decode"]] == [PROMPT, CONTEXT]
    for row in report["decode"]:
        times = row["token_ms"]
        assert 0 < times["p50"] <= times["p90"] <= times["p99"]
        assert row["output_tokens"] == OUTPUT
        assert row["tokens_per_s"] > 1000 / times["p99"]


def test_loads(report: Any) -> None:
    assert [(load["from"], load["loads"]) for load in report["loads"]] == [("network", 1), ("storage", RUNS)]
    for load in report["loads"]:
        parts = [load[part] for part in ("manifest", "device", "tokenizer", "kernels", "weights")]
        assert 0 < load["manifest"] <= min(parts)
        assert max(parts) <= load["ready"]


def test_memory(report: Any, manifest: Manifest, plan: Plan) -> None:
    memory = report["memory"]
    variant = next(variant for variant in plan.variants if variant.name == report["variant"])
    assert memory["weights"] == manifest.weights.bytes
    assert memory["kv"] % sum(variant.state_bytes) == 0
    assert memory["kv"] * plan.model.page_size >= (CONTEXT + OUTPUT) * sum(variant.state_bytes)
    assert memory["rest"] > sum(variant.workspace)
    assert memory["peak"] >= memory["weights"] + memory["kv"] + memory["rest"]


def test_kernels(report: Any, plan: Plan) -> None:
    profile = report["profile"]
    assert all(value > 0 for value in profile["machine"].values())
    variant = next(variant for variant in plan.variants if variant.name == report["variant"])
    cases = [(function["name"], function["new_tokens"], function["context_tokens"]) for function in profile["functions"]]
    assert cases == [
        ("decode", 1, PROMPT + OUTPUT),
        ("decode", 1, CONTEXT),
        ("sample", 1, 1),
        ("prefill", PROMPT, PROMPT),
        ("logits", PROMPT, PROMPT),
    ]
    for function in profile["functions"]:
        planned = variant.functions[function["name"]]
        assert [kernel["name"] for kernel in function["kernels"]] == [variant.kernels[index].name for index in planned.kernels]
        tiles = [[tile.entry for tile in variant.kernels[index].tiles] for index in planned.kernels]
        assert all(f"{kernel['tile']}_kernel" in entries for kernel, entries in zip(function["kernels"], tiles, strict=True))
        assert sum(kernel["dispatches"] for kernel in function["kernels"]) == len(planned.steps)
        assert sum(kernel["share"] for kernel in function["kernels"]) == pytest.approx(1)
        assert all(kernel["us"] > 0 for kernel in function["kernels"])
        multiplied = [kernel["weights"] for kernel in function["kernels"] if kernel["flops"] and kernel["weights"]]
        if function["name"] in ("decode", "prefill"):
            assert {"qkv", "o", "gate_up", "down"} <= {name for names in multiplied for name in names.split(", ")}
        for kernel in function["kernels"]:
            assert kernel["floor_us"] >= max(profile["machine"]["dispatch_us"], kernel["bytes"] / profile["machine"]["read_gb_per_s"] / 1e3)


def test_work_is_the_models(report: Any, plan: Plan) -> None:
    """Bytes and operations of a decode step, against the sums that the model's own configuration gives."""
    config = json.loads((TESTS / "fixtures" / "tiny-llama" / "config.json").read_text("utf-8"))
    hidden, heads, kv_heads, layers = (
        config[name] for name in ("hidden_size", "num_attention_heads", "num_key_value_heads", "num_hidden_layers")
    )
    head_dim = config.get("head_dim") or hidden // heads
    attention = hidden * head_dim * (2 * heads + 2 * kv_heads)
    linear = layers * (attention + 3 * hidden * config["intermediate_size"]) + hidden * config["vocab_size"]
    for function in report["profile"]["functions"]:
        if function["name"] != "decode":
            continue
        keys = function["context_tokens"]
        flops = sum(kernel["flops"] * kernel["dispatches"] for kernel in function["kernels"])
        assert flops == 2 * linear + layers * 4 * heads * head_dim * keys
        variant = next(variant for variant in plan.variants if variant.name == report["variant"])
        table = sum(weight.bytes for weight in plan.weights if weight.name.startswith("embedding."))
        cache = keys * sum(variant.state_bytes) / plan.model.page_size  # all but its own are read, and that is written
        others = sum(weight.bytes for weight in plan.weights) - table
        moved = others + table / config["vocab_size"] + cache + 4 * config["vocab_size"]
        assert sum(kernel["bytes"] * kernel["dispatches"] for kernel in function["kernels"]) == pytest.approx(moved)


def test_more_than_the_context_is_refused(tiny_site: Path, tmp_path: Path) -> None:
    done = bench(tiny_site, "--prompt-tokens", "100000", "--json", str(tmp_path / "none.json"))
    assert done.returncode == 1
    assert "100256 tokens are asked for" in done.stderr.replace("\n", " ")
    assert not (tmp_path / "none.json").exists()


def test_an_address_with_a_mistake_ends_at_once(tiny_site: Path, chromium_shell: Path) -> None:
    lines = list(page_console("site/bench.html", {"site": tiny_site}, "runs=x", program=chromium_shell))
    message = 'Invalid address: runs must be an integer from 0 to 1000, not "x".'
    assert lines[0] == f"FAIL {message}"
    assert json.loads(lines[1].removeprefix("DONE ")) == {"error": {"code": "RequestValidation", "message": message}}
    assert len(lines) == 2
