"""The package through bundlers: what they make of it answers exactly, in every way that a program may ask."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from projects import NAMES, Ask, Project, answers, command, run

from open_page import serve_folder

PAGE = "index.html"


@dataclass(frozen=True)
class Bundler:
    """packages: of npm, each in a whole version. build: what is run; the result is in the folder `out`. copies: what lies beside it."""

    packages: tuple[str, ...]
    build: tuple[str, ...]
    copies: tuple[str, ...] = ()


VITE = ("vite", "build", "--outDir", "out")
WEBPACK = ("webpack", "./start.js", "--output-path", "out", "--mode", "production")
RSPACK = ("rspack", "build", "--entry", "./start.js", "--output-path", "out", "--mode", "production")
PARCEL = ("parcel", "build", PAGE, "--dist-dir", "out", "--public-url", "./", "--no-cache")
ESBUILD = ("esbuild", "start.js", "worker.js", "--bundle", "--format=esm", "--outdir=out")

BUNDLERS = {
    "vite 5": Bundler(("vite@5.4.21",), VITE),
    "vite 6": Bundler(("vite@6.4.6",), VITE),
    "vite 7": Bundler(("vite@7.3.8",), VITE),
    "vite 8": Bundler(("vite@8.3.8",), VITE),
    "webpack 5": Bundler(("webpack@5.113.0", "webpack-cli@7.3.1"), WEBPACK, (PAGE,)),
    "rspack 2": Bundler(("@rspack/core@2.3.3", "@rspack/cli@2.2.8"), RSPACK, (PAGE,)),
    "parcel 2.16": Bundler(("parcel@2.16.4",), PARCEL),
    "parcel 2.8": Bundler(("parcel@2.8.3",), PARCEL),  # as the examples of WebLLM are built
    # It leaves `new URL(..., import.meta.url)` alone: what that names is copied beside the script, as the package's README says.
    "esbuild": Bundler(("esbuild@0.28.2",), ESBUILD, (PAGE, "node_modules/tiny/model", "node_modules/tiny/runtime/worker.js")),
}


@pytest.mark.parametrize("name", BUNDLERS)
def test_what_is_built_answers(project: Project, ask: Ask, answer: str, name: str) -> None:
    bundler = BUNDLERS[name]
    folder = project(*bundler.packages)
    run(folder, *bundler.build)
    for path in bundler.copies:
        copy(folder, path)
    entry = PAGE
    if name.startswith(("webpack", "rspack")):  # their scripts are called so
        (folder / "out" / PAGE).write_text((folder / PAGE).read_text().replace("start.js", "main.js").replace('type="module"', "defer"))
    with serve_folder(folder / "out") as address:
        assert ask(address + entry) == answers(answer)


def copy(folder: Path, path: str) -> None:
    """Into `out`, at its place in the package."""
    target = folder / "out" / path.removeprefix("node_modules/tiny/")
    if (folder / path).is_dir():
        shutil.copytree(folder / path, target)
    else:
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(folder / path, target)


@pytest.mark.parametrize("name", [name for name in BUNDLERS if name.startswith("vite")])
def test_the_development_server_of_vite_serves_it(project: Project, ask: Ask, answer: str, name: str) -> None:
    folder = project(*BUNDLERS[name].packages)
    if name != "vite 8":  # whose dependencies keep their addresses
        (folder / "vite.config.js").write_text(f"export default {{ optimizeDeps: {{ exclude: {list(NAMES)} }} }};\n")
    with command(folder, "vite", "--host", "127.0.0.1", "--strictPort", "--port") as address:
        assert ask(address) == answers(answer)


NEXTS = (("next@16.4.6", "--turbopack"), ("next@16.4.6", "--webpack"), ("next@15.5.29", "--turbopack"), ("next@15.5.29", ""))


@pytest.mark.parametrize(("next", "bundler"), NEXTS)
def test_next_renders_it_on_the_server_and_answers_in_the_page(project: Project, ask: Ask, answer: str, next: str, bundler: str) -> None:
    folder = project(next, "react@19.3.1", "react-dom@19.3.1")
    site = folder / "next"
    for name in ("main.js", "worker.js"):
        shutil.copyfile(folder / name, site / "app" / name)
    for name in ("node_modules", "package.json"):
        (folder / name).rename(site / name)
    run(site, "next", "build", *filter(None, [bundler]))
    assert "tiny-llama" in (site / ".next" / "server" / "app" / "index.html").read_text("utf-8"), "rendered on the server"
    with command(site, "next", "start", "-H", "127.0.0.1", "-p") as address:
        assert ask(address) == answers(answer)
