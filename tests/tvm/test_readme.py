"""Every command of README runs as it stands there, in a folder, on a Hub, with a registry and from a catalog that have what it names.

A command that names something else fails, until FILES, the repositories or RUNS know it.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest
import typer.main
from typer.core import TyperGroup

from command_process import CommandProcess, Done, start
from hub_repository import HubRepository, serve_hub
from mlc_model import stored, write
from npm_registry import Registry, serve_registry
from readme_commands import Words, blocks, commands, make_targets
from tiny_encoder import write_tiny_encoder
from tiny_site import TINY, write_greedy
from tiny_vision import write_tiny_smolvlm
from webllm_build import cli
from webllm_build.package.output import read_marker
from webllm_build.tokenizer_check import find_node

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
MODEL = "smollm2-135m"
COMMANDS = commands(README, MODEL)
CHEAP = 'variants = ["f32"]\n'
CHEAPER = CHEAP + "cpu = false\n"  # for other models than the one whose libraries for CPUs are compiled anyway
SETTINGS = CHEAP + "".join(blocks(README, "toml"))
NOWHERE = "http://127.0.0.1:9"  # the discard port: what asks for another address than the tests' own fails

FILES: Mapping[str, Callable[[Path], object]] = {
    "path/to/folder": lambda path: shutil.copytree(TINY, path),
    "path/to/model.gguf": lambda path: shutil.copy(TINY.with_name("tiny-llama-biased") / "model.gguf", path),
    "page.txt": lambda path: path.write_text("Words like those that the model will be given. " * 40, "utf-8"),
    "FILE": lambda path: path.write_text(SETTINGS, "utf-8"),
    "ada.svg": lambda path: path.write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>', "utf-8"),
}


@dataclass(frozen=True)
class World:
    """built: a folder with the `dist` and the `package` of README's first commands. environment: of programs that run in it."""

    built: Path
    process: CommandProcess
    hub: HubRepository
    registry: Registry
    environment: Mapping[str, str]

    def program(self, *words: str) -> tuple[list[str], dict[str, str]]:
        """The command in a process of its own, for what ends only when it is told to, or becomes another program."""
        return [sys.executable, "-m", "webllm_build", *words], {**os.environ, **self.environment}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("readme")
    encoder = write_tiny_encoder(folder / "encoder")
    base = Path(shutil.copytree(TINY, folder / "base", ignore=shutil.ignore_patterns("tokenizer_config.json")))
    mlc = write(folder / "mlc", stored("q4f16_1"))
    adapter = {path.name: path.read_bytes() for path in TINY.with_name("tiny-llama-adapter").iterdir()}
    gguf = (TINY.with_name("tiny-llama-biased") / "model.gguf").read_bytes()
    hub = HubRepository("me/model", exists=False)
    others = (
        HubRepository("org/name", files={**contents(TINY), **adapter, "file.gguf": gguf}),
        HubRepository("mlc-ai/Llama-3.2-1B-Instruct-q4f16_1-MLC", files=contents(mlc)),
    )
    with ExitStack() as stack:
        stack.enter_context(serve_hub(hub, *others))
        registry = stack.enter_context(serve_registry())
        environment = {
            **registry.environment(folder),
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(folder / "home"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_TOKEN": "hf_x",
            "HTTP_PROXY": NOWHERE,
            "HTTPS_PROXY": NOWHERE,
            "NO_PROXY": "127.0.0.1",
            "TERM": "dumb",
            "WEBLLM_BUILD_CACHE": str(folder / "chat"),
        }
        chat = write_greedy(folder / "greedy")
        models = {"chat": str(chat), "text": str(base), "embed": str(encoder), "vision": str(write_tiny_smolvlm(folder / "sees"))}
        process = stack.enter_context(start(environment, models))
        built = folder / "built"
        built.mkdir()
        (built / "webllm.toml").write_text(CHEAP, "utf-8")
        for kind, out in (("site", "dist"), ("npm", "package")):
            done = process.run(built, (kind, "--model", MODEL, "--out", out))
            assert done.returncode == 0, done.stderr
        yield World(built, process, hub, registry, environment)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def run(world: World, folder: Path, words: Words) -> Done:
    done = world.process.run(folder, words)
    assert "Traceback" not in done.stderr
    assert done.returncode == 0, done.stderr
    return done


def build(world: World, folder: Path, words: Words) -> None:
    (folder / "webllm.toml").write_text((CHEAP if MODEL in words else CHEAPER) if "--model" in words else SETTINGS, "utf-8")
    FILES["ada.svg"](folder / "ada.svg")
    if "hub:me/model" in words:
        run(world, world.built, ("upload", "dist", "hub:me/model", "--create"))
    run(world, folder, words)
    if "--help" not in words:
        markers = (read_marker(path) for path in folder.iterdir() if path.is_dir())
        assert [marker.kind for marker in markers if marker] == [words[0]]


def serve(world: World, folder: Path, words: Words) -> None:
    command, environment = world.program(*words, "--port", "0")
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        address = re.search(r"http://127\S+", server.stderr.readline())
        assert address is not None
        with urlopen(address[0], timeout=60) as answer:
            assert b"webllm-config" in answer.read()
        server.send_signal(signal.SIGINT)
        assert server.wait() == 130


def chat(world: World, folder: Path, words: Words) -> None:
    if find_node() is None:
        pytest.skip("needs Node")
    command, environment = world.program(*words)
    done = subprocess.run(command, cwd=folder, env=environment, input="Why?", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def bench(world: World, folder: Path, words: Words) -> None:
    """Its options, and that the site has what it opens: tests/browser/test_bench.py runs it, in a Chromium."""
    group = typer.main.get_command(cli.app)
    assert isinstance(group, TyperGroup)
    context = group.commands["bench"].make_context("bench", [*words[1:]])
    assert (folder / str(context.params["folder"]) / "bench.html").is_file()


def publish(world: World, folder: Path, words: Words) -> None:
    if shutil.which("npm") is None:
        pytest.skip("needs npm")
    run(world, folder, words)
    assert world.registry.published or "--dry-run" in words


def upload(world: World, folder: Path, words: Words) -> None:
    run(world, folder, words)
    assert {path.name for path in (folder / "dist" / "model").iterdir()} <= {*world.hub.files}


def init(world: World, folder: Path, words: Words) -> None:
    run(world, folder, words)
    assert [*folder.rglob("webllm.toml")]


def doctor(world: World, folder: Path, words: Words) -> None:
    """What it finds amiss is this machine's."""
    assert "webllm-build" in world.process.run(folder, words).stdout


RUNS: Mapping[str, Callable[[World, Path, Words], object]] = {
    "site": build,
    "npm": build,
    "serve": serve,
    "chat": chat,
    "bench": bench,
    "publish": publish,
    "upload": upload,
    "init": init,
    "doctor": doctor,
}


@pytest.mark.parametrize("words", COMMANDS, ids=shlex.join)
def test_a_command_runs(world: World, tmp_path: Path, words: Words) -> None:
    for name in {*words} & {*FILES}:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        FILES[name](tmp_path / name)
    if words[0] not in ("site", "npm"):
        for name in {*words} & {"dist", "package"}:
            shutil.copytree(world.built / name, tmp_path / name)
    RUNS.get(words[0], run)(world, tmp_path, words)


def test_readme_has_commands_of_each_kind() -> None:
    """Else the test above reads it wrongly."""
    assert {"site", "npm", "serve", "chat", "bench", "inspect", "models", "upload", "publish", "init"} <= {words[0] for words in COMMANDS}
    assert len(COMMANDS) >= 20


def test_what_make_is_asked_for_is_in_the_makefile() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert {"site", "test"} <= make_targets(README) <= {*targets}
