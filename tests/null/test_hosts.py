"""Where sites are served: what does not fit is said before the long work, and each host gets the files that it reads."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from package_sample import publish_site, sample_model, stub_runtime
from webllm_build import build as building, cli
from webllm_build.config import BuildRequest
from webllm_build.errors import HostError, OutputFolderError
from webllm_build.hosts import HOST_NAMES, HOSTS, Host, faults, host_of, read_folder, require, takers
from webllm_build.limits_generated import SHARD_BYTES
from webllm_build.package import assets
from webllm_build.package.host_files import HASHED_FOLDERS, project_files, site_files
from webllm_build.package.output import MARKER
from webllm_build.recipe import Recipe

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TINY = Path(__file__).resolve().parents[1] / "fixtures" / "tiny-llama"
SITE = {"index.html": 1000, "model/weights-0000.0123456789abcdef.bin": SHARD_BYTES}


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = stub_runtime(tmp_path / "runtime")
    monkeypatch.setattr(assets, "runtime_folder", lambda: folder)
    publish_site(tmp_path / "dist", sample_model(tmp_path))
    return tmp_path / "dist"


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
def test_a_site_of_one_shard_fits_every_host(host: Host) -> None:
    assert faults(host, SITE) == ()


MANY = {f"model/weights-{number:04d}.bin": 1 for number in range(54_001)}


@pytest.mark.parametrize(
    ("name", "files", "rule", "value", "limit"),
    [
        ("github-pages", {"a": 10**9 + 1}, "bytes", 10**9 + 1, 10**9),
        ("vercel", {"a": 60 * 10**6, "b": 60 * 10**6}, "bytes", 120 * 10**6, 10**8),
        ("cloudflare", {"a": 1, "b": (25 << 20) + 1}, "file-bytes", (25 << 20) + 1, 25 << 20),
        ("cloudflare", {f"{number % 3}/{number}": 1 for number in range(20_001)}, "files", 20_001, 20_000),
        ("hf-space", {"a": 10**9 + 1}, "bytes", 10**9 + 1, 10**9),
        ("hf-space", dict([*MANY.items()][:10_001]), "folder-files", 10_001, 10_000),
        ("netlify", MANY, "folder-files", 54_001, 54_000),
        ("vercel", dict([*MANY.items()][:15_001]), "files", 15_001, 15_000),
    ],
)
def test_numbers_of_what_does_not_fit(name: str, files: dict[str, int], rule: str, value: int, limit: int) -> None:
    (fault,) = faults(host_of(name), files)
    assert (fault.rule, fault.value, fault.limit) == (rule, value, limit)
    less = dict(list(files.items())[:-1])
    assert faults(host_of(name), less) == (), "at the limit it fits"


@pytest.mark.parametrize(
    ("name", "file", "rule"),
    [
        ("github-pages", ".well-known/security.txt", "dropped"),
        ("github-pages", "a/.hidden", "dropped"),
        ("cloudflare", "_worker.js", "name"),
        ("cloudflare", "functions/a.js", "name"),
        ("netlify", "a/what?.txt", "name"),
        ("netlify", "c#.txt", "name"),
        ("netlify", "INDEX.html", "case"),
    ],
)
def test_names_that_do_not_fit(name: str, file: str, rule: str) -> None:
    (fault,) = faults(host_of(name), SITE | {file: 1})
    assert (fault.rule, fault.file) == (rule, file)


def test_the_error_says_what_is_too_much_and_who_takes_it() -> None:
    with pytest.raises(HostError) as caught:
        require(host_of("vercel"), {"model/weights.bin": 2 * 10**8})
    assert "200.0 MB" in str(caught.value)
    assert "100.0 MB" in str(caught.value)
    assert "--weights" in caught.value.hint
    assert "github-pages" in caught.value.hint
    assert takers({"a": 10**10}) == ("netlify", "any")


def test_a_model_that_is_too_large_is_refused_before_the_long_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def compiles(*arguments: object) -> None:
        raise AssertionError("the long work has begun")

    monkeypatch.setattr(building, "_compile", compiles)
    monkeypatch.setattr(Recipe, "shards", (SHARD_BYTES,) * 5)
    request = BuildRequest("site", models=(str(TINY),), out=tmp_path / "dist", cache_dir=tmp_path / "cache", host="vercel")
    with pytest.raises(HostError, match=r"12\d\.\d MB"):
        building.build(request)
    with pytest.raises(AssertionError, match="has begun"):
        building.build(BuildRequest("site", models=(str(TINY),), out=tmp_path / "dist", cache_dir=tmp_path / "cache", host="netlify"))


def test_a_site_that_does_not_fit_leaves_the_folder_as_it_was(tmp_path: Path, dist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(path.read_bytes() for path in dist.rglob("*") if path.is_file())
    with pytest.raises(HostError):
        publish_site(dist, sample_model(tmp_path / "again", seed=1), host=Host("small", "a small host", most_bytes=10))
    assert sorted(path.read_bytes() for path in dist.rglob("*") if path.is_file()) == before


@pytest.mark.parametrize("name", HOST_NAMES)
def test_a_host_gets_its_files(tmp_path: Path, dist: Path, name: str) -> None:
    host = host_of(name)
    publish_site(dist, sample_model(tmp_path / "again"), host=host)
    assert set(host.files) <= set(read_folder(dist))
    assert faults(host, read_folder(dist)) == ()
    publish_site(dist, sample_model(tmp_path / "third"))
    assert not set(host.files) & set(read_folder(dist)), "another host does not read them"


def test_a_site_needs_no_file_that_an_upload_drops(dist: Path) -> None:
    for path in dist.rglob(".*"):
        path.unlink()
    names = read_folder(dist)
    text = "".join(path.read_text("utf-8", "replace") for path in dist.rglob("*") if path.suffix in {".html", ".js", ".json"})
    assert names
    assert MARKER not in text
    assert ".nojekyll" not in text


def test_what_is_kept_for_ever_is_named_by_its_content(dist: Path) -> None:
    kept = [name for name in read_folder(dist) if name.split("/")[0] in HASHED_FOLDERS]
    assert kept
    assert [name for name in kept if not re.search(r"\.([0-9a-f]{16}|[0-9a-f]{32})\.", name)] == []


def test_a_folder_that_cannot_be_read_is_no_small_site(dist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.scandir", refused)
    with pytest.raises(OutputFolderError, match="Permission denied"):
        read_folder(dist)


@pytest.mark.parametrize("isolated", [True, False])
def test_headers(isolated: bool) -> None:
    cloudflare = site_files(host_of("cloudflare"), title="Chat", isolated=isolated)["_headers"].decode()
    assert ("  Cross-Origin-Embedder-Policy: require-corp\n" in cloudflare) == isolated
    assert "/assets/*\n  Cache-Control: public, max-age=31536000, immutable\n" in cloudflare
    vercel = json.loads(site_files(host_of("vercel"), title="Chat", isolated=isolated)["vercel.json"])
    sent = {header["key"] for rule in vercel["headers"] if rule["source"] == "/(.*)" for header in rule["headers"]}
    assert ("Cross-Origin-Opener-Policy" in sent) == isolated


@pytest.mark.parametrize("title", ["Chat", 'a "quoted": title # no comment', "- [x] {y}: &z *w !v | > '", "Größe 👍🏽 漢字", "\\n \\u0041"])
def test_a_card_says_any_title(title: str) -> None:
    yaml = pytest.importorskip("yaml")
    card = site_files(host_of("hf-space"), title=title, isolated=True)["README.md"].decode()
    start, front, _ = card.split("---\n", 2)
    assert start == ""
    fields = yaml.safe_load(front)
    assert (fields["title"], fields["sdk"], fields["app_file"]) == (title, "static", "index.html")
    assert fields["custom_headers"] == {
        "cross-origin-embedder-policy": "require-corp",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "cross-origin",
    }


def test_a_projects_files_build_the_site() -> None:
    (workflow,) = project_files(host_of("github-pages"), name="chat", arguments=("--title", "It's: a #1 chat")).values()
    yaml = pytest.importorskip("yaml")
    steps = yaml.safe_load(workflow)["jobs"]["build"]["steps"]
    assert "webllm-build site --title 'It'\"'\"'s: a #1 chat' --out dist" in [step.get("run", "").strip() for step in steps]
    pages = json.loads(project_files(host_of("cloudflare"), name="chat")["wrangler.jsonc"])
    assert pages["pages_build_output_dir"] == "./dist", "without it `wrangler pages deploy` takes no notice of the file"
    assert "assets" not in pages, "which Workers have"
    (netlify,) = project_files(host_of("netlify"), name="chat").values()
    assert tomllib.loads(netlify)["build"]["publish"] == "dist"
    version = tomllib.loads(netlify)["build"]["environment"]["PYTHON_VERSION"]
    setup = next(step for step in steps if step.get("uses", "").startswith("actions/setup-python@"))
    assert setup["with"]["python-version"] == version


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    monkeypatch.setattr("sys.argv", ["webllm-build", *arguments])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return left.value.code


def test_check_of_a_folder(dist: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "check", str(dist)) == 0
    shown = capsys.readouterr().out
    assert all(f"{name}: fits" in shown for name in HOST_NAMES)
    (dist / ".env").write_text("x")
    assert run(monkeypatch, "check", str(dist)) == 0, "no host was named"
    capsys.readouterr()
    assert run(monkeypatch, "check", str(dist), "--host", "github-pages", "--json") == 1
    said = json.loads(capsys.readouterr().out)
    assert said["files"] == len(read_folder(dist))
    assert [fault["file"] for fault in said["faults"]["github-pages"]] == [".env"]
    assert run(monkeypatch, "check", str(dist), "--host", "github-pags") == 2


def test_what_is_no_site(tmp_path: Path, dist: Path) -> None:
    for folder in (tmp_path / "none", tmp_path / "weights", dist / "index.html"):
        with pytest.raises(OutputFolderError):
            read_folder(folder)
    (dist / ".git").mkdir()
    (dist / ".git" / "config").write_text("x")
    assert ".git/config" not in read_folder(dist)
    (dist / "link").symlink_to(tmp_path)
    with pytest.raises(OutputFolderError, match="is a link"):
        read_folder(dist)
    shutil.rmtree(dist)
