"""The service worker: a second visit without a network, a new build after an old one, and no memory of its own."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect
from site_visit import TITLE, Visit, answered, ask, becomes, build_site, files_of_a_load, installed, stored_files, unloaded, until


def cache_names(page: Page) -> list[str]:
    names: list[str] = page.evaluate("caches.keys()")
    return sorted(names)


SHELLS = "caches.keys().then((names) => names.filter((name) => name.startsWith('webllm-build:shell:')).length === COUNT)"
STORE_ANOTHER = """async (address) => {
  const models = await (await navigator.storage.getDirectory()).getDirectoryHandle("webllm-build");
  const folder = await models.getDirectoryHandle(encodeURIComponent(address), { create: true });
  await folder.getFileHandle("another.bin", { create: true });
}"""


def stop_service_workers(visit: Visit, page: Page) -> None:
    """What the browser does to idle service workers."""
    session = visit.context.new_cdp_session(page)
    session.send("ServiceWorker.enable")
    session.send("ServiceWorker.stopAllWorkers")
    session.detach()


def test_the_second_visit_works_offline(visit: Visit) -> None:
    page = visit.start()
    installed(page)
    page.close()
    visit.server.stop()
    page = visit.open()
    page.wait_for_selector("body[data-status=ready]")
    expect(page).to_have_title(TITLE)
    ask(page, "one")
    assert answered(page, 2) == "1 messages: user."
    page.goto(visit.server.url + "index.html?from=a-bookmark#here")
    page.wait_for_selector("body[data-status=ready]")
    page.goto(visit.server.url + "no/such/page")
    page.wait_for_selector("body[data-status=ready]")
    expect(page).to_have_url(visit.server.url)


def test_caches_that_cannot_be_read_do_not_keep_the_page_from_the_network(visit: Visit) -> None:
    page = visit.start()
    installed(page)
    (worker,) = visit.context.service_workers
    worker.evaluate("() => { CacheStorage.prototype.match = () => Promise.reject(new DOMException('broken', 'UnknownError')); }")
    page.reload()
    page.wait_for_selector("body[data-status=ready]")


def test_it_behaves_the_same_after_the_browser_ended_it(visit: Visit) -> None:
    page = visit.start()
    installed(page)
    visit.server.stop()
    for _ in range(2):
        stop_service_workers(visit, page)
        page.reload()
        page.wait_for_selector("body[data-status=ready]")
    ask(page, "one")
    answered(page, 2)


def test_weights_are_stored_once(visit: Visit) -> None:
    page = visit.start()
    installed(page)
    page.reload()
    page.wait_for_selector("body[data-status=ready]")
    names = files_of_a_load(visit.server.folder)
    assert len(names) == 4
    becomes(page, lambda: stored_files(page), names)  # one folder, and nothing else in it
    cached = page.evaluate(
        """async () => {
             const urls = [];
             for (const name of await caches.keys())
               for (const request of await (await caches.open(name)).keys()) urls.push(request.url);
             return urls;
           }"""
    )
    assert not [url for url in cached if "/model/" in url]


def test_stored_model_files_are_served_to_others_too(visit: Visit) -> None:
    page = visit.start()
    installed(page)
    (shard,) = visit.server.folder.glob("model/*.bin")
    visit.server.stop()
    size = page.evaluate("async (url) => (await (await fetch(url)).arrayBuffer()).byteLength", f"model/{shard.name}")
    assert size == shard.stat().st_size
    part = page.evaluate(
        """async (url) => {
             const response = await fetch(url, { headers: { Range: "bytes=1000-1003" } });
             return [response.status, response.headers.get("content-range"), [...new Uint8Array(await response.arrayBuffer())]];
           }""",
        f"model/{shard.name}",
    )
    assert part == [206, f"bytes 1000-1003/{size}", list(shard.read_bytes()[1000:1004])]


def test_a_new_build_replaces_the_old_one(visit: Visit, tmp_path: Path) -> None:
    page = visit.start()
    installed(page)
    ask(page, "one")
    answered(page, 2)
    others = [f"webllm-build:shell:{visit.server.url}nested/ 0", "somebody else's"]
    page.evaluate("(names) => Promise.all(names.map((name) => caches.open(name)))", others)
    nested = f"{visit.server.url}nested/model/"
    page.evaluate(STORE_ANOTHER, nested)
    before = set(cache_names(page)) - set(others)
    (old_shard,) = visit.server.folder.glob("model/*.bin")

    build_site(visit.server.folder, tmp_path / "build-1", seed=1, title="Newer chat")
    page.reload()
    page.wait_for_selector("#notice:visible")
    expect(page, "the old page stays whole until the user agrees").to_have_title(TITLE)
    page.wait_for_selector("body[data-status=ready]")
    ask(page, "two")
    answered(page, 4)

    page.click("#notice button")
    expect(page).to_have_title("Newer chat", timeout=60_000)
    page.wait_for_selector("#start:visible")
    expect(page.locator("#messages > li"), "the conversation is kept").to_have_count(4)
    page.click("#start")
    page.wait_for_selector("body[data-status=ready]")
    until(page, SHELLS.replace("COUNT", "2"))  # the nested site has the other
    becomes(page, lambda: before & set(cache_names(page)), set())
    becomes(page, lambda: stored_files(page, f"{visit.server.url}model/"), files_of_a_load(visit.server.folder))
    assert set(others) <= set(cache_names(page))
    assert not visit.server.folder.joinpath("model", old_shard.name).exists(), "files of the older model are gone"
    assert stored_files(page, nested) == ["another.bin"]


def test_another_open_page_is_told_too_and_keeps_its_files(visit: Visit, tmp_path: Path) -> None:
    first = visit.start()
    installed(first)
    second = visit.open()
    second.wait_for_selector("body[data-status=ready]")
    (old_script,) = visit.server.folder.glob("assets/app.*.js")
    (old_shard,) = visit.server.folder.glob("model/*.bin")
    build_site(visit.server.folder, tmp_path / "build-1", seed=1, title="Newer chat")
    assert not old_script.exists()
    first.reload()
    first.wait_for_selector("#notice:visible")
    first.click("#notice button")
    expect(first).to_have_title("Newer chat", timeout=60_000)
    second.wait_for_selector("#notice:visible")
    ask(second, "still here")
    answered(second, 2)
    ask(second, "fail: DeviceLost")
    second.click("#problem-action")
    second.wait_for_selector("body[data-status=ready]")
    assert second.evaluate("async (url) => (await fetch(url)).status", f"assets/{old_script.name}") == 200
    assert old_shard.name in stored_files(second)

    second.close()
    first.reload()
    until(first, SHELLS.replace("COUNT", "1"))
    becomes(first, lambda: old_shard.name in stored_files(first), False)


def test_a_page_of_another_build_is_not_kept(visit: Visit, tmp_path: Path) -> None:
    page = visit.start()
    installed(page)
    index = visit.server.folder / "index.html"
    old = index.read_bytes()
    build_site(visit.server.folder, tmp_path / "build-1", seed=1, title="Newer chat")
    new = index.read_bytes()
    index.write_bytes(old)  # the upload is not complete
    visit.server.requests.clear()
    page.reload()
    page.wait_for_selector("body[data-status=ready]")
    # The browser looks for a newer build when the page has come to rest.
    becomes(page, lambda: "/sub/chat/" in visit.server.requests, True)
    until(page, "navigator.serviceWorker.getRegistration().then((one) => one.installing === null && one.waiting === null)")
    expect(page.locator("#notice")).to_be_hidden()
    index.write_bytes(new.replace(b"</body>", b"<!-- a host's own words --></body>"))
    page.reload()
    page.wait_for_selector("#notice:visible")
    page.click("#notice button")
    expect(page).to_have_title("Newer chat", timeout=60_000)
    visit.server.stop()
    page.reload()
    expect(page).to_have_title("Newer chat", timeout=60_000)


def test_a_build_that_cannot_be_fetched_whole_changes_nothing(visit: Visit, tmp_path: Path) -> None:
    visit.provokes(unloaded("assets/style."))
    page = visit.start()
    installed(page)
    build_site(visit.server.folder, tmp_path / "build-1", seed=1, title="Newer chat")
    visit.server.failing = {"assets/style."}
    page.reload()
    page.wait_for_selector("body[data-status=ready]")
    until(page, "navigator.serviceWorker.getRegistration().then((one) => one.installing === null)")
    expect(page.locator("#notice")).to_be_hidden()
    page.reload()
    page.wait_for_selector("body[data-status=ready]")
    expect(page).to_have_title(TITLE)
