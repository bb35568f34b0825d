"""The static site: its files, how they refer to each other, and what a second build changes."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from golden_file import assert_golden
from package_sample import FACTS, TOKENIZER, node, publish_site, sample_model, stub_runtime, tree
from webllm_build.config import Remote
from webllm_build.errors import PackageError
from webllm_build.logo import Logo
from webllm_build.package import assets
from webllm_build.package.manifest import read_manifest
from webllm_build.package.output import MARKER, open_output, read_marker
from webllm_build.package.places import BUNDLED, Places
from webllm_build.package.site import LATE, SiteOptions, write_site
from webllm_build.site_words import Preset, SiteWords
from webllm_build.theme import Theme

HASHED = re.compile(r"\.([0-9a-f]{16}|[0-9a-f]{32})\.")


class Page(HTMLParser):
    """What a page names: files, its JSON config, its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.files: list[str] = []
        self.metas: dict[str, str] = {}
        self.inline_scripts: list[str | None] = []
        self.handlers: list[str] = []
        self.config = ""
        self.own_script = ""
        self.title = ""
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self._in = tag if attributes.get("id") != "webllm-config" else "config"
        if tag == "script" and not attributes:
            self._in = "own script"
        self.files += [
            attributes[name] or "" for name in ("src", "href") if name in attributes and not (attributes[name] or "").startswith("#")
        ]
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name == "style"]
        if tag == "script" and "src" not in attributes:
            self.inline_scripts.append(attributes.get("type"))
        if "http-equiv" in attributes:
            self.metas[attributes["http-equiv"] or ""] = attributes["content"] or ""

    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in == "config":
            self.config += data
        elif self._in == "own script":
            self.own_script += data
        elif self._in == "title":
            self.title += data


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = stub_runtime(tmp_path / "runtime")
    monkeypatch.setattr(assets, "runtime_folder", lambda: folder)
    return folder


def service_worker_config(out: Path) -> dict[str, object]:
    match = re.search(r"startServiceWorker\((.*)\);", (out / "sw.js").read_text())
    assert match is not None
    config: dict[str, object] = json.loads(match[1])
    return config


def test_file_list(tmp_path: Path) -> None:
    publish_site(tmp_path / "dist", sample_model(tmp_path), title="Chat")
    names = [HASHED.sub(".<hash>.", name) for name in tree(tmp_path / "dist")]
    assert_golden("site-files.txt", "\n".join(sorted(names)) + "\n")


PAGES = pytest.mark.parametrize("name", ["index.html", "bench.html"])


@PAGES
def test_a_page_names_only_files_that_are_there(tmp_path: Path, name: str) -> None:
    out = tmp_path / "dist"
    publish_site(out, sample_model(tmp_path), title="Chat")
    page = Page((out / name).read_text())
    assert page.files
    config = json.loads(page.config)
    (model,) = config["models"]
    for name in [*page.files, config["worker"], model["manifest"], config["service_worker"]]:
        assert not name.startswith(("/", "http")), "a site must work under any path"
        assert (out / name).is_file(), name
    manifest = read_manifest(out / model["manifest"])
    assert manifest.sha256 == model["manifest_sha256"]
    for entry in manifest.files:
        assert (out / "model" / entry.file).stat().st_size == entry.bytes
    assert model["download_bytes"] == manifest.download_bytes


@PAGES
def test_the_policy_allows_no_foreign_code_and_one_inline_script(tmp_path: Path, name: str) -> None:
    publish_site(tmp_path / "dist", sample_model(tmp_path), title="Chat")
    page = Page((tmp_path / "dist" / name).read_text())
    digest = base64.b64encode(hashlib.sha256(page.own_script.encode()).digest()).decode()
    policy = dict(part.strip().split(" ", 1) for part in page.metas["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == f"'self' 'wasm-unsafe-eval' 'sha256-{digest}'"
    assert policy["connect-src"] == "'self'"
    assert policy["style-src"] == "'self'"
    assert policy.get("media-src") == ("blob:" if name == "index.html" else None), "what was recorded, and nothing from elsewhere"
    assert policy["require-trusted-types-for"] == "'script'"
    assert page.inline_scripts == [None, "application/json"]
    assert page.handlers == []


def test_the_service_worker_caches_what_the_page_needs(tmp_path: Path) -> None:
    out = tmp_path / "dist"
    model = sample_model(tmp_path)
    manifest = model.manifest()
    publish_site(out, model, title="Chat")
    config = service_worker_config(out)
    page = Page((out / "index.html").read_text())
    shell = config["shell"]
    assert isinstance(shell, list)
    assert shell[0] == "./"
    later = ("worker", *LATE, "endpoint")
    of_a_launcher = {path for path in page.files if path.endswith((".webmanifest", ".png"))}
    assert set(page.files) - of_a_launcher | {json.loads(page.config)[name] for name in later} == set(shell[1:])
    bench = Page((out / "bench.html").read_text())
    only_bench = {*bench.files, json.loads(bench.config)["worker"]} - set(page.files)
    assert len(only_bench) == 3, "its script, worker and style"
    assert not only_bench & set(shell), "a visitor of the chat does not pay for it"
    assert json.loads(page.config)["build"] == config["version"], "a page of another build is not taken for this one's"
    assert config["model"] == {"folder": "model/", "files": [manifest.file, *(entry.file for entry in manifest.files)]}
    match = re.match(r'importScripts\("(.*)"\);', (out / "sw.js").read_text())
    assert match is not None
    assert (out / match[1]).is_file()


def test_the_service_worker_parses(tmp_path: Path) -> None:
    publish_site(tmp_path / "dist", sample_model(tmp_path))
    done = node("--check", tmp_path / "dist" / "sw.js")
    assert done.returncode == 0, done.stderr


def test_two_builds_give_the_same_bytes(tmp_path: Path) -> None:
    publish_site(tmp_path / "a", sample_model(tmp_path / "1"), title="Chat")
    publish_site(tmp_path / "b", sample_model(tmp_path / "2"), title="Chat")
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


@pytest.mark.parametrize("change", ["title", "app", "site-worker", "structure", "cpu", "weights"])
def test_every_change_makes_another_version(tmp_path: Path, runtime: Path, change: str) -> None:
    out = tmp_path / "dist"
    publish_site(out, sample_model(tmp_path / "1"), title="Chat")
    before = service_worker_config(out)
    if change in ("app", "site-worker", "structure", "cpu"):
        (runtime / f"{change}.js").write_text("export const changed = true;\n")
    publish_site(out, sample_model(tmp_path / "2", seed=int(change == "weights")), title="Other" if change == "title" else "Chat")
    assert service_worker_config(out)["version"] != before["version"]
    listed = set((read_marker(out) or pytest.fail("no marker")).files)
    assert set(tree(out)) == listed | {MARKER}, "files of the older build are gone"


def test_weights_elsewhere(tmp_path: Path) -> None:
    out = tmp_path / "dist"
    publish_site(out, sample_model(tmp_path), title="Chat", weights=Places(("https://weights.example.org/a/b/",), "weights"))
    page = Page((out / "index.html").read_text())
    for each in (page, Page((out / "bench.html").read_text())):
        assert "connect-src 'self' https://weights.example.org;" in each.metas["Content-Security-Policy"]
    manifest = read_manifest(out / json.loads(page.config)["models"][0]["manifest"])
    assert manifest.weights.places == ("https://weights.example.org/a/b/",)
    assert not list(out.glob("model/*.bin"))
    assert [path.name for path in out.glob("weights/*")] == [shard.file for shard in manifest.weights.shards], "to be uploaded"
    publish_site(out, sample_model(tmp_path), title="Chat")
    assert not (out / "weights").exists(), "bundled again"


def test_weights_here_and_on_the_hub(tmp_path: Path) -> None:
    out, hub = tmp_path / "dist", "https://huggingface.co/me/sample/resolve/0123/"
    publish_site(out, sample_model(tmp_path), weights=Places(("", hub)))
    page = Page((out / "index.html").read_text())
    policy = "connect-src 'self' https://huggingface.co https://*.hf.co https://cas-bridge.xethub.hf.co;"
    assert policy in page.metas["Content-Security-Policy"], "also what the Hub redirects to"
    manifest = read_manifest(out / json.loads(page.config)["models"][0]["manifest"])
    assert manifest.weights.places == ("", hub)
    assert list(out.glob("model/*.bin")) and not (out / "weights").exists()
    publish_site(out, sample_model(tmp_path), weights=Places((hub,), None))
    assert not list(out.rglob("*.bin")), "they are there"


def test_a_remote_model(tmp_path: Path) -> None:
    out = tmp_path / "dist"
    publish_site(out, sample_model(tmp_path), title="Chat", remote=Remote("https://api.example.org:8443/v1", "far/away"))
    page = Page((out / "index.html").read_text())
    assert "connect-src 'self' https://api.example.org:8443;" in page.metas["Content-Security-Policy"]
    remote = json.loads(page.config)["remote"]
    assert (remote["url"], remote["model"]) == ("https://api.example.org:8443/v1", "far/away")
    shell = service_worker_config(out)["shell"]
    assert isinstance(shell, list) and remote["script"] in shell
    assert "example.org" not in (out / "bench.html").read_text(), "what measures asks nobody"


def test_a_hostile_title_stays_text(tmp_path: Path) -> None:
    title = '</title><script>alert(1)</script>"><img src=x onerror=alert(1)> {{ 7*7 }}'
    publish_site(tmp_path / "dist", sample_model(tmp_path), title=title)
    page = Page((tmp_path / "dist" / "index.html").read_text())
    assert page.title == title
    assert page.handlers == []


def test_a_sites_own_words_picture_and_colors_are_part_of_it(tmp_path: Path) -> None:
    hostile = "</script><script>alert(1)</script>"
    words = SiteWords(f"Hallo {hostile}", (hostile,), hostile, (Preset("a", hostile),))
    theme = Theme(":root{}", "#111111", "#222222", "#333333")
    publish_site(tmp_path / "dist", sample_model(tmp_path), words=words, logo=Logo(b"RIFF....WEBP", "webp"), theme=theme)
    out = tmp_path / "dist"
    page = Page((out / "index.html").read_text("utf-8"))
    assert page.inline_scripts == [None, "application/json"]
    assert json.loads(page.config)["site"] == json.loads(json.dumps(asdict(words)))
    own = [path for path in page.files if HASHED.sub(".", path) in ("assets/logo.webp", "assets/theme.css")]
    assert len(own) == 4, "the picture as icons and in the header, the stylesheet"
    assert all((out / path).is_file() for path in own)
    shell = service_worker_config(out)["shell"]
    assert isinstance(shell, list) and set(own) <= set(shell)
    app = json.loads((out / "manifest.webmanifest").read_text("utf-8"))
    assert (app["background_color"], app["theme_color"]) == ("#111111", "#222222")


def test_a_site_is_installable(tmp_path: Path) -> None:
    out = tmp_path / "dist"
    publish_site(out, sample_model(tmp_path), title="A long name for a chat", language="ar")
    app = json.loads((out / "manifest.webmanifest").read_text())
    assert (app["name"], app["short_name"], app["lang"]) == ("A long name for a chat", "A long name", "ar")
    assert {(icon["sizes"], icon["purpose"]) for icon in app["icons"]} >= {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")}
    assert {screen["form_factor"] for screen in app["screenshots"]} == {"wide", "narrow"}
    for icon in (*app["icons"], *app["screenshots"]):
        data = (out / icon["src"]).read_bytes()
        if icon["sizes"] != "any":
            assert data[16:24] == struct.pack(">II", *map(int, icon["sizes"].split("x"))), "a PNG says its own size"
    assert app["share_target"]["params"]["text"] == "q" and app["start_url"] == app["scope"] == "./"


def test_an_installed_site_has_its_own_picture(tmp_path: Path) -> None:
    publish_site(tmp_path / "dist", sample_model(tmp_path), title="Chat", logo=Logo(b"RIFF....WEBP", "webp"))
    app = json.loads((tmp_path / "dist" / "manifest.webmanifest").read_text())
    assert [(icon["type"], icon["sizes"]) for icon in app["icons"]] == [("image/webp", "any")]
    assert not list((tmp_path / "dist").rglob("*.png")), "no pictures of another page"
    assert "screenshots" not in app


def test_a_missing_runtime_stops_the_build(tmp_path: Path, runtime: Path) -> None:
    (runtime / "app.js").unlink()
    with pytest.raises(PackageError, match="npm run build"):
        publish_site(tmp_path / "dist", sample_model(tmp_path), title="Chat")
    assert not (tmp_path / "dist").exists()


def test_the_page_knows_what_the_model_is_for(tmp_path: Path) -> None:
    model = sample_model(tmp_path)
    for config, task in ((TOKENIZER.config, "chat"), ({}, "complete")):
        publish_site(tmp_path / "dist", replace(model, tokenizer=replace(TOKENIZER, config=config)))
        assert json.loads(Page((tmp_path / "dist" / "index.html").read_text()).config)["task"] == task


@pytest.mark.parametrize("threads", [True, False])
def test_the_service_worker_isolates_the_page_where_it_is_asked_to(tmp_path: Path, threads: bool) -> None:
    with open_output(tmp_path / "dist") as output:
        write_site(output, [sample_model(tmp_path)], SiteOptions("Chat", threads=threads))
    config = service_worker_config(tmp_path / "dist")
    assert config["threads"] is threads
    assert (tmp_path / "dist" / str(config["bench"])).is_file()


@pytest.mark.parametrize("weights", [BUNDLED, Places(("https://weights.example.org/a/",), "weights")])
def test_several_models_share_what_is_equal(tmp_path: Path, weights: Places) -> None:
    small = replace(sample_model(tmp_path / "1"), memory=1000)
    other = sample_model(tmp_path / "2", 1, facts=replace(FACTS, id="other-q8", name="Other"))
    marker = publish_site(tmp_path / "dist", small, other, weights=weights)
    out = tmp_path / "dist"
    models = json.loads(Page((out / "index.html").read_text()).config)["models"]
    assert [(model["id"], model["name"], model["memory_bytes"]) for model in models] == [
        (FACTS.id, FACTS.name, 1000),
        ("other-q8", "Other", 0),
    ]
    manifests = [read_manifest(out / model["manifest"]) for model in models]
    assert [marked.manifest for marked in marker.models] == [model["manifest"] for model in models]
    names = {name for each in manifests for name in (each.file, *(entry.file for entry in each.files))}
    assert len(names) == 2 * 2 + 3, "manifest and weights of each; one library, one grammar engine, one tokenizer"
    folders = {"model/", "weights/"} if weights != BUNDLED else {"model/"}
    assert {path.name for folder in folders for path in out.glob(f"{folder}*")} == names
    held = service_worker_config(out)["model"]
    assert isinstance(held, dict)
    assert len(held["files"]) == len(names), "each once"
    assert set(held["files"]) == names, "none of them is pruned as an older build's"
