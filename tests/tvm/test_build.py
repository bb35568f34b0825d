"""The whole build, on a tiny model: same bytes from the same inputs, work reused, nothing left behind by a failure."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from small_kernels import small_kernels
from tiny_site import SMALL_KERNELS, TINY, TINY_OPTIONS
from webllm_build import cli, library, weights
from webllm_build.build import build
from webllm_build.compile import pipeline
from webllm_build.config import BuildRequest
from webllm_build.errors import ToolchainError
from webllm_build.hosts import faults, host_of, read_folder

FIXTURES = TINY.parent


@pytest.fixture(scope="module", autouse=True)
def soon_compiled() -> Iterator[None]:
    with small_kernels():
        yield


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def page_config(site: Path) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="webllm-config">(.*?)</script>', (site / "index.html").read_text("utf-8"))
    assert found is not None
    return dict(json.loads(found[1]))


def test_same_inputs_give_the_same_bytes(tmp_path: Path, tiny_site: Path) -> None:
    """Another build of what the other tests visit, with surroundings of its own: folders, hash order, language, time zone, permissions."""
    options = ("--model", str(TINY), "--out", "dist", "--cache-dir", "cache", *TINY_OPTIONS)
    program = f"import os, runpy; os.umask(0o077); runpy.run_path({str(SMALL_KERNELS)!r}, run_name='__main__')"
    command = [sys.executable, "-c", program, "site", *options]
    other = {"LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de", "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "1", "PYTHONUTF8": "0"}
    environment = {**os.environ, **other, "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    again = contents(tmp_path / "dist")
    assert any(name.endswith(".wasm") for name in again)
    assert again == contents(tiny_site)


def test_a_second_build_packs_and_compiles_nothing(tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = BuildRequest(kind="site", models=(str(TINY),), out=tmp_path / "dist", cache_dir=kept / "cache", variants=("f32",))

    def unexpected(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("this was done before")

    monkeypatch.setattr(pipeline, "compile_model", unexpected)
    monkeypatch.setattr(weights, "pack_part", unexpected)
    build(request)
    assert contents(tmp_path / "dist") == contents(kept / "dist")


def test_a_fine_tune_shares_the_library_and_its_weights_are_its_own(tmp_path: Path, kept: Path) -> None:
    tuned = Path(shutil.copytree(TINY, tmp_path / "tuned"))
    data = bytearray((tuned / "model.safetensors").read_bytes())
    data[-2:] = b"\0\0"  # one weight
    (tuned / "model.safetensors").write_bytes(data)
    config = json.loads((tuned / "config.json").read_text("utf-8"))
    (tuned / "config.json").write_text(json.dumps({**config, "transformers_version": "9.9", "_name_or_path": "me/tuned"}), "utf-8")
    cache = Path(shutil.copytree(kept / "cache", tmp_path / "cache"))

    def made(model: Path, **options: Any) -> dict[str, int]:
        build(BuildRequest(kind="site", models=(str(model),), out=tmp_path / "dist", cache_dir=cache, variants=("f32",), **options))
        return {kind: len(list(cache.glob(f"{kind}-*"))) for kind in ("library", "weights")}

    assert made(TINY) == {"library": 1, "weights": 1}
    assert made(tuned) == {"library": 1, "weights": 2}
    assert made(tuned, title="Another", chat_template="{{ messages[0].content }}") == {"library": 1, "weights": 2}
    (tuned / "generation_config.json").write_text('{"eos_token_id": [2, 5]}', "utf-8")
    assert made(tuned, title="A third") == {"library": 1, "weights": 2}
    assert made(tuned, calibrate="Other words than before. " * 40) == {"library": 1, "weights": 3}


def damage(path: Path, kind: str) -> None:
    data = path.read_bytes()
    path.write_bytes(bytes(100) + data[100:] if kind == "zeros" else data[:100] if kind == "cut" else b"")


@pytest.mark.parametrize(
    ("file", "kind"), [*(("weights-*/weights-*.bin", kind) for kind in ("zeros", "cut", "empty")), ("library-*/model.*.wasm", "empty")]
)
def test_what_was_damaged_in_the_cache_is_made_again(tmp_path: Path, kept: Path, file: str, kind: str) -> None:
    cache = Path(shutil.copytree(kept / "cache", tmp_path / "cache"))
    (damaged,) = cache.glob(file)
    damage(damaged, kind)
    build(BuildRequest(kind="site", models=(str(TINY),), out=tmp_path / "dist", cache_dir=cache, variants=("f32",)))
    assert contents(tmp_path / "dist") == contents(kept / "dist")
    assert not list(cache.glob(".partial-*"))


def test_a_base_model_builds_and_its_page_continues_text(tmp_path: Path, kept: Path) -> None:
    base = Path(shutil.copytree(TINY, tmp_path / "base"))
    config = json.loads((base / "tokenizer_config.json").read_text("utf-8"))
    del config["chat_template"]
    (base / "tokenizer_config.json").write_text(json.dumps(config), "utf-8")
    request = BuildRequest(kind="site", models=(str(base),), out=tmp_path / "dist", cache_dir=kept / "cache", variants=("f32",))
    manifest = build(request).manifests[0]
    assert manifest.task == "complete"
    assert "chat_template" not in manifest.tokenizer_config
    assert page_config(tmp_path / "dist")["task"] == "complete"
    request = replace(request, chat_template="{{ messages[0].content }}", out=tmp_path / "chat")
    assert build(request).manifests[0].task == "chat"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    build(BuildRequest(kind="site", models=(str(TINY),), out=folder / "dist", cache_dir=folder / "cache", variants=("f32",)))
    return folder


def test_a_folder_that_init_made_builds_without_an_option(tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cli.app(["init", "--model", str(TINY), "--title", "Ask Ada", "--accent", "#7a1fa2", "--host", "cloudflare"], standalone_mode=False)
    settings = tmp_path / "webllm.toml"
    settings.write_text(f'variants = ["f32"]\ncache-dir = "{kept / "cache"}"\n{settings.read_text("utf-8")}', "utf-8")
    cli.app(["site"], standalone_mode=False)
    dist = tmp_path / "dist"
    assert "<title>Ask Ada</title>" in (dist / "index.html").read_text("utf-8")
    assert [b"--accent: #7a1fa2" in path.read_bytes() for path in dist.glob("assets/theme.*.css")] == [True]
    assert faults(host_of("cloudflare"), read_folder(dist)) == ()


def test_a_debug_dump_holds_the_ir_after_each_phase(tmp_path: Path, kept: Path) -> None:
    """Also of a build that could come from the cache."""
    phases = [name for name, _ in pipeline.PHASES]
    unscheduled = [name for name in phases if name != "schedule"]
    variants = {"cpu-f32": unscheduled, "cpu-int8": unscheduled, "f32": phases}
    names = [f"{variant}.{number}-{name}.py" for variant, passed in variants.items() for number, name in enumerate(passed)]
    dump, cache = tmp_path / "ir", kept / "cache"
    request = BuildRequest(kind="site", models=(str(TINY),), out=tmp_path / "dist", cache_dir=cache, variants=("f32",), debug_dump=dump)
    build(request)
    texts = contents(dump)
    assert list(texts) == names
    assert b"R.call_tir" in texts[names[0]] and b"R.call_tir" not in texts[names[-1]]
    assert contents(tmp_path / "dist") == contents(kept / "dist")


def test_a_sharded_checkpoint_is_the_same_model(tmp_path: Path) -> None:
    """Both fixtures hold the same numbers, in float16 and bfloat16; packed as float16 they are the same bytes."""
    shards = []
    for name in ("tiny-llama", "tiny-llama-sharded"):
        request = BuildRequest(
            kind="site",
            models=(str(FIXTURES / name),),
            out=tmp_path / name,
            cache_dir=tmp_path / "cache",
            quantization="f16",
            variants=("f32",),
            cpu=False,
        )
        shards.append(build(request).manifests[0].weights)
    assert shards[0] == shards[1]


def test_a_failed_build_leaves_the_earlier_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "dist"
    build(BuildRequest(kind="site", models=(str(TINY),), out=out, cache_dir=tmp_path / "cache", variants=("f32",), cpu=False))
    before = contents(out)

    def fail(*_: Any, **__: Any) -> NoReturn:
        raise ToolchainError("the linker is gone")

    monkeypatch.setattr(library, "link_library", fail)
    with pytest.raises(ToolchainError):
        build(BuildRequest(kind="site", models=(str(TINY),), out=out, cache_dir=tmp_path / "other", variants=("f16",), cpu=False))
    assert contents(out) == before
    assert {path.name for path in tmp_path.iterdir()} == {"dist", "cache", "other"}
    assert not list((tmp_path / "other").glob("weights-*")), "what takes long comes last"
    assert not list((tmp_path / "other").glob(".partial-*"))
