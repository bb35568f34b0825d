"""The runtime's own storage in a browser, against a server that breaks, cuts and lies; without an engine or a GPU."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from site_server import Instead, SiteServer
from site_visit import files_of_a_load, stored_files, until

from open_page import TESTS
from package_sample import FACTS, GRAMMAR, LIBRARY, TOKENIZER, publish_site
from webllm_build.limits_generated import SHARD_BYTES
from webllm_build.package.model_folder import CompiledModel, write_weights
from webllm_build.quantize import Packed

RUNTIME = TESTS.parent / "runtime_js"
NPM = runpy.run_path(str(TESTS.parent / "hatch_build.py"))["npm"]
MIB = 1 << 20
LOAD = """async (manifest) => {
  const { ModelFolder } = await import("./storage.js");
  const signal = new AbortController().signal;
  const waits = globalThis.waits = new Set(), received = globalThis.received = new Map();
  try {
    const folder = await ModelFolder.open({ manifest: new URL(manifest, location).href }, signal, ({ text }) => waits.add(text));
    await folder.read(folder.manifest.library, signal);
    await folder.readJson(folder.manifest.tokenizer, signal);
    let bytes = 0;
    await folder.readShards(signal, (file, count) => received.set(file.file, count), async (_, shard) => { bytes += shard.byteLength; });
    return { bytes, waits: [...waits], warning: folder.warning ?? null };
  } catch (error) {
    return { error: error.message, waits: [...waits] };
  }
}"""
BEGIN = f"(manifest) => {{ globalThis.loading = ({LOAD})(manifest); }}"
IS_STORED = """async (manifest) => (await import("./stored.js")).isStored({ manifest: new URL(manifest, location).href })"""
DELETE = """async (manifest) => (await import("./stored.js")).deleteStored({ manifest: new URL(manifest, location).href })"""
SPOIL = """async ([address, name, size, zeroes]) => {
  const models = await (await navigator.storage.getDirectory()).getDirectoryHandle("webllm-build");
  const file = await (await models.getDirectoryHandle(encodeURIComponent(address))).getFileHandle(name);
  const stream = await file.createWritable({ keepExistingData: true });
  await (zeroes ? stream.write({ type: "write", position: 5000, data: new Uint8Array(zeroes) }) : stream.truncate(size));
  await stream.close();
}"""


WAITS_FOR_A_TAB = "[...globalThis.waits ?? []].some((text) => text.includes('another tab'))"


def received(count: int) -> str:
    """Whether so many bytes of a shard have come."""
    return f"[...globalThis.received ?? []].some(([, bytes]) => bytes >= {count})"


Site = tuple[SiteServer, BrowserContext, str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a blank page, the bundled storage and a model of two whole shards and a piece."""
    folder = tmp_path_factory.mktemp("storage")
    words = np.random.default_rng(3).integers(0, 2**32, (2 * SHARD_BYTES + 2 * MIB) // 4, dtype=np.uint32)
    weights = write_weights(folder / "weights", [Packed("w", "uint32", words.shape, words)])
    page = folder / "page"
    publish_site(page, CompiledModel(FACTS, LIBRARY, TOKENIZER, (2,), weights, {"w": "q4a"}, GRAMMAR))
    (page / "blank.html").write_text('<!doctype html><link rel="icon" href="data:,"><title>storage</title>')
    for module, name in (("model_folder", "storage"), ("stored", "stored")):
        NPM(RUNTIME, "exec", "--offline", "--call", f"node test/bundle.mjs src/storage/{module}.ts {page / name}.js")
    return page


@pytest.fixture
def site(folder: Path, browser: Browser) -> Iterator[Site]:
    server = SiteServer(folder.parent, folder.name)
    server.start()
    context = browser.new_context()
    context.set_default_timeout(60_000)
    (manifest,) = folder.glob("model/manifest.*.json")
    yield server, context, f"model/{manifest.name}"
    context.close()
    server.stop()


def open_page(server: SiteServer, context: BrowserContext) -> Page:
    page = context.new_page()
    page.goto(server.url + "blank.html")
    return page


def test_broken_connections_are_gone_on_with(site: Site) -> None:
    server, context, manifest = site
    server.cuts = [SHARD_BYTES // 2, 3 * MIB, 5 * MIB]
    page = open_page(server, context)
    loaded = page.evaluate(LOAD, manifest)
    assert loaded["bytes"] == 2 * SHARD_BYTES + 2 * MIB
    assert any("trying again" in reason for reason in loaded["waits"])
    assert loaded["warning"] is None
    ranged = [request for request in server.downloads if request.range is not None]
    assert len(ranged) == 3
    assert all(request.if_range == f'"{request.name}"' for request in ranged)
    assert stored_files(page) == files_of_a_load(server.folder)
    assert page.evaluate(IS_STORED, manifest)


def test_a_closed_tab_keeps_what_came_and_spoilt_copies_come_again_alone(site: Site) -> None:
    server, context, manifest = site
    server.holds_from = 9 * MIB
    page = open_page(server, context)
    page.evaluate(BEGIN, manifest)
    until(page, received(8 * MIB))
    page.close()
    page = open_page(server, context)
    assert not page.evaluate(IS_STORED, manifest)
    assert any(name.endswith(".part") for name in stored_files(page))
    server.holds_from = None
    server.downloads.clear()
    assert page.evaluate(LOAD, manifest)["bytes"] == 2 * SHARD_BYTES + 2 * MIB
    starts = [int(request.range.removeprefix("bytes=")[:-1]) for request in server.downloads if request.range is not None]
    assert max(starts) >= 7 * MIB
    assert stored_files(page) == files_of_a_load(server.folder)

    first, _, third = sorted(path.name for path in server.folder.glob("model/*.bin"))
    address = f"{server.url}model/"
    page.evaluate(SPOIL, [address, first, 1000, 0])
    assert not page.evaluate(IS_STORED, manifest), "a cut file does not count"
    page.evaluate(SPOIL, [address, third, 0, 10])
    server.downloads.clear()
    assert page.evaluate(LOAD, manifest)["bytes"] == 2 * SHARD_BYTES + 2 * MIB
    assert sorted(request.name for request in server.downloads) == [first, third]
    assert page.evaluate(IS_STORED, manifest)


def test_two_tabs_share_one_download_and_one_goes_on_alone(site: Site) -> None:
    server, context, manifest = site
    server.holds_from = 9 * MIB
    first, second = open_page(server, context), open_page(server, context)
    first.evaluate(BEGIN, manifest)
    until(first, received(8 * MIB))
    second.evaluate(BEGIN, manifest)
    until(second, WAITS_FOR_A_TAB)
    server.holds_from = None
    loaded = second.evaluate("globalThis.loading")
    assert loaded["bytes"] == first.evaluate("async () => (await globalThis.loading).bytes") == 2 * SHARD_BYTES + 2 * MIB
    assert sorted(request.name for request in server.downloads) == sorted(path.name for path in server.folder.glob("model/*.bin"))
    assert len([path for path in server.requests if "/model/" in path]) == len(files_of_a_load(server.folder)), "each file came once"

    first.evaluate(DELETE, manifest)
    assert stored_files(first) == []
    server.holds_from = 9 * MIB
    server.downloads.clear()
    first.evaluate(BEGIN, manifest)
    until(first, received(8 * MIB))
    second.evaluate(BEGIN, manifest)
    until(second, WAITS_FOR_A_TAB)
    first.close()
    while not server.downloads[-1].range:  # the other goes on with it
        second.wait_for_timeout(50)
    server.holds_from = None
    loaded = second.evaluate("globalThis.loading")
    assert loaded["bytes"] == 2 * SHARD_BYTES + 2 * MIB
    assert any("another tab" in reason for reason in loaded["waits"])
    assert any(request.range is not None for request in server.downloads), "what the closed tab had is not fetched again"
    assert stored_files(second) == files_of_a_load(server.folder)


def test_what_is_no_shard_is_told_apart(site: Site) -> None:
    server, context, manifest = site
    page = open_page(server, context)
    html = Instead(b"<!doctype html><title>Not here</title>", content_type="text/html")
    server.instead = {"weights-0001": [html]}
    loaded = page.evaluate(LOAD, manifest)
    assert "sent a web page instead" in loaded["error"] and "weights-0001" in loaded["error"]
    server.instead = {"weights-0001": [Instead(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")]}
    assert "Git LFS pointer" in page.evaluate(LOAD, manifest)["error"]
    assert not [name for name in stored_files(page) if name.startswith("weights-0001") and not name.endswith(".part")]
    server.instead = {"weights-0001": [Instead(status=429, retry_after="1")]}
    loaded = page.evaluate(LOAD, manifest)
    assert loaded["bytes"] == 2 * SHARD_BYTES + 2 * MIB
    assert any("trying again in 1 s" in reason and "429" in reason for reason in loaded["waits"])


def test_a_model_is_deleted_while_another_tab_reads_or_downloads(site: Site) -> None:
    server, context, manifest = site
    server.holds_from = 9 * MIB
    first, second = open_page(server, context), open_page(server, context)
    first.evaluate(BEGIN, manifest)
    until(first, received(8 * MIB))
    second.evaluate(DELETE, manifest)
    server.holds_from = None
    loaded = first.evaluate("globalThis.loading")
    assert (loaded["bytes"], loaded["warning"]) == (2 * SHARD_BYTES + 2 * MIB, None)
    second.evaluate(DELETE, manifest)
    assert stored_files(second) == []
