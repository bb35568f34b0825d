"""The npm package in the hands of a stranger: installed, type-checked and bundled by Vite, then used in a browser."""

from __future__ import annotations

import json
import runpy
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from site_server import SiteServer
from site_visit import FAKE_WORKER, Visit

from package_sample import publish_npm, sample_model

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "smollm2-135m"
NPM = runpy.run_path(str(ROOT / "hatch_build.py"))["npm"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The quickstart with a package of a small model whose engine is the fake one; gives the folder of Vite's result."""
    folder = tmp_path_factory.mktemp("quickstart") / "npm-quickstart"
    shutil.copytree(ROOT / "sites" / "npm-quickstart", folder, ignore=shutil.ignore_patterns("node_modules", "dist", "package", "public"))
    publish_npm(folder / "package", sample_model(folder.parent), name=PACKAGE)
    shutil.copytree(folder / "package" / "weights", folder / "public" / "weights")
    shutil.copyfile(FAKE_WORKER, folder / "package" / "runtime" / "worker.js")
    NPM(folder, "install", "--no-audit", "--no-fund")
    # The sample's files are so small that Vite would write them into the script.
    NPM(folder, "run", "build", "--", "--assetsInlineLimit", "0")
    return folder / "dist"


@pytest.fixture
def server(built: Path) -> Iterator[SiteServer]:
    with SiteServer(built.parent, built.name) as server:
        yield server


def test_the_package_names_its_dependency(built: Path) -> None:
    fields = json.loads((ROOT / "sites" / "npm-quickstart" / "package.json").read_text())
    assert list(fields["dependencies"]) == [PACKAGE]
    versions = fields["devDependencies"].values()
    assert all(version[0].isdigit() for version in versions), "pinned"


def test_the_published_package_holds_no_weights(built: Path) -> None:
    folder = built.parent / "package"
    NPM(folder, "pack", "--silent")
    with tarfile.open(folder / f"{PACKAGE}-1.2.3.tgz") as archive:
        names = set(archive.getnames())
    assert {"package/index.js", "package/package.json", "package/LICENSE", "package/README.md", "package/runtime/worker.js"} <= names
    assert not [name for name in names if "weights-" in name]


def test_a_forgotten_address_is_a_typed_error_that_says_what_to_do(built: Path) -> None:
    (built.parent / "forgotten.mjs").write_text(
        f"""
        import {{ createEngine, MLCEngineError }} from {json.dumps(PACKAGE)};
        import {{ writeFileSync }} from "node:fs";
        const error = await createEngine().catch((reason) => reason);
        writeFileSync("forgotten.txt", `${{error instanceof MLCEngineError}} ${{error.code}}: ${{error.message}}`);
        """
    )
    NPM(built.parent, "exec", "--offline", "--call", "node forgotten.mjs")
    told = (built.parent / "forgotten.txt").read_text()
    assert told.startswith("true RequestValidation: ")
    assert 'createEngine({ weights: "https://..." })' in told


def test_a_bundled_page_answers(visit: Visit, built: Path) -> None:
    page = visit.open()
    expect(page.locator("#status")).to_have_text("Ready.")
    page.click("#ask")
    expect(page.locator("#answer")).to_have_text("1 messages: user.")
    expect(page.locator("#status")).to_have_text("3 tokens, 42.5 a second.")
    fetched = {path.rsplit("/", 1)[1].split("-")[0].split(".")[0] for path in visit.server.requests if "/assets/" in path}
    assert {"manifest", "model", "tokenizer", "worker"} <= fetched
    assert [path for path in visit.server.requests if "/weights/weights-0000." in path]


def test_an_answer_that_fails_is_said_and_another_can_be_asked(visit: Visit) -> None:
    page = visit.open()
    expect(page.locator("#status")).to_have_text("Ready.")
    page.fill("#question", "fail: RequestValidation")
    page.click("#ask")
    expect(page.locator("#status")).to_have_text("RequestValidation: made to fail with RequestValidation")
    page.fill("#question", "one")
    page.click("#ask")
    expect(page.locator("#answer")).to_have_text("1 messages: user.")


def test_the_second_visit_reads_the_model_from_storage(visit: Visit) -> None:
    page = visit.open()
    expect(page.locator("#status")).to_have_text("Ready.")
    visit.server.requests.clear()
    page.reload()
    expect(page.locator("#status")).to_have_text("Ready.")
    assert not [path for path in visit.server.requests if path.endswith((".bin", ".wasm"))]
