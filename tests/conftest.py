"""What several kinds of tests need: a Chromium, and sites, each built once as a user would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest.mock import patch

import portalocker
import pytest

import chromium
import order
from cut_model import write_cut
from tiny_site import SMALL_KERNELS, TINY, TINY_OPTIONS

FIXTURES = Path(__file__).resolve().parent / "fixtures"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    files = dict.fromkeys(item.nodeid.partition("::")[0] for item in items)
    places = {file: place for place, file in enumerate(order.in_order([*files], order.measured()))}
    items.sort(key=lambda item: places[item.nodeid.partition("::")[0]])


@pytest.fixture(scope="session", autouse=True)
def interrupts_count() -> None:
    """Also where the tests run in the background, whose processes begin by ignoring Ctrl+C, and so do those that they start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module", autouse=True)
def no_disk_is_waited_for() -> Iterator[None]:
    """What a power failure would lose, no test can see."""
    with patch.object(os, "fsync"):
        yield


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """The whole browser: for extensions, windows and tabs, and what a visitor's own must do."""
    return installed(chromium.find())


@pytest.fixture(scope="session")
def chromium_shell() -> Path:
    """Its headless shell, where there is one, which starts at a third of the cost: for pages that need nothing around them."""
    return installed(chromium.shell())


def installed(found: Path | None) -> Path:
    assert found is not None, "there is no Chromium: run `make test`, or name one in the variable CHROMIUM"
    return found


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default model's site, made by the public command."""
    return build_once(tmp_path_factory, "default-site", "smollm2-135m")


@pytest.fixture(scope="session")
def tiny_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of a model of two small layers, made by the public command with small kernels: every page compiles them."""
    return build_once(tmp_path_factory, "tiny-site", str(TINY), *TINY_OPTIONS, program=(str(SMALL_KERNELS),))


@pytest.fixture(scope="session")
def cut_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the default model with a few of its layers, which its reference names, in the variant that is exact everywhere, with
    small kernels of attention: those of visitors, of larger tiles, are in `site`."""
    layers = json.loads((FIXTURES.parent / "golden" / "reference" / "smollm2-cut.json").read_text("utf-8"))["layers"]
    model = write_cut(tmp_path_factory.mktemp("cut") / "cut.gguf", layers)
    return build_once(tmp_path_factory, "cut-site", str(model), "--variant", "f32", program=(str(SMALL_KERNELS), "attention"))


@pytest.fixture(scope="session")
def gemma_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of a base model with real weights, made by the public command in the variants that are exact everywhere, with small kernels
    of attention: SwiftShader takes half a minute to compile large tiles over heads of 256."""
    program = (str(SMALL_KERNELS), "floats", "attention")
    return build_once(tmp_path_factory, "gemma-site", "gemma3-270m", "--variant", "f32", program=program)


def build_once(
    tmp_path_factory: pytest.TempPathFactory, name: str, model: str, *options: str, program: Sequence[str] = ("-m", "webllm_build")
) -> Path:
    """A site that all test processes of a run share: the first that needs it builds it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with folder.with_suffix(".lock").open("w") as lock:
        portalocker.lock(lock, portalocker.LOCK_EX)
        if not folder.exists():
            command = [sys.executable, *program, "site", "--model", model, "--out", str(folder), *options]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return folder
