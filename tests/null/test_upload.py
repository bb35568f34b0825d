"""Uploads to a hub on this machine that speaks the real one's HTTP, and builds that take weights from there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from hub_repository import HubRepository, serve_hub
from package_sample import ASKED, FACTS, publish_npm, publish_site, sample_model, stub_runtime
from webllm_build.config import BuildRequest
from webllm_build.package import assets
from webllm_build.package.manifest import read_manifest
from webllm_build.package.model_card import OURS, model_card
from webllm_build.package.output import read_marker
from webllm_build.package.places import Places

Upload = Callable[..., "Done"]
# Commands, one behind the other in one process, which takes longer to start than they do. None pauses before it asks again.
PROGRAM = """
import json, sys, time
from webllm_build.__main__ import main
time.sleep = lambda seconds: None
for sys.argv[1:] in json.loads(sys.argv[1]):
    try:
        main()
    except SystemExit as end:
        print(f"\\0{end.code}", end="\\0", file=sys.stderr)
"""


class Done(NamedTuple):
    returncode: int
    stderr: str


@pytest.fixture
def hub() -> Iterator[HubRepository]:
    hub = HubRepository()
    with serve_hub(hub):
        yield hub


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site of a small model of four shards."""
    folder = stub_runtime(tmp_path / "runtime")
    monkeypatch.setattr(assets, "runtime_folder", lambda: folder)
    facts = replace(FACTS, source="hf:makers/Sample@0123")
    publish_site(tmp_path / "dist", sample_model(tmp_path / "sample", shard_bytes=1000, facts=facts))
    return tmp_path / "dist"


@pytest.fixture
def upload(hub: HubRepository, dist: Path, tmp_path: Path) -> Upload:
    def run(*options: str | Path, folder: Path = dist, place: str = "hub:me/sample", **more: str) -> Done:
        (done,) = commands(["upload", folder, place, *options], home=tmp_path / "home", endpoint=hub.url, **more)
        return done

    return run


def commands(*asked: Sequence[object], home: Path, endpoint: str, **more: str) -> list[Done]:
    settings = {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "HF_HUB_ETAG_TIMEOUT": "2", "HF_TOKEN": "hf_x"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")} | settings | more
    program = [sys.executable, "-c", PROGRAM, json.dumps([[*map(str, each)] for each in asked])]
    said = subprocess.run(program, capture_output=True, text=True, env=environment, check=False).stderr
    assert "Traceback" not in said, said
    parts = said.split("\0")
    done = [Done(int(code), text) for text, code in zip(parts[::2], parts[1::2], strict=False)]
    assert len(done) == len(asked), said
    return done


def test_a_model_is_uploaded_once_and_only_what_changed_again(hub: HubRepository, upload: Upload, dist: Path, tmp_path: Path) -> None:
    hub.exists = False
    first = upload("--create")
    assert first.returncode == 0, first.stderr
    (marked,) = (read_marker(dist) or pytest.fail("no marker")).models
    manifest = read_manifest(dist / marked.manifest)
    assert set(hub.files) == {"README.md", manifest.file, *(entry.file for entry in manifest.files)}
    assert len(hub.objects) == len(manifest.weights.shards) + 2, "shards and both of WebAssembly"
    assert hub.files[manifest.file] == manifest.to_json()
    assert f"--weights hub:me/sample@{hub.commit}" in first.stderr
    card = hub.files["README.md"].decode()
    assert 'license: "apache-2.0"' in card and 'base_model: ["makers/Sample"]' in card and 'library_name: "webllm-build"' in card

    hub.requests.clear()
    again = upload()
    assert again.returncode == 0, again.stderr
    assert "0 were sent" in again.stderr and len(hub.commits) == 1
    assert not any("lfs" in request or "/commit/" in request for request in hub.requests)

    hub.files["README.md"] = b"My own words."
    other = sample_model(tmp_path / "other", seed=1, facts=replace(FACTS, id="other"))
    publish_npm(tmp_path / "package", other, name="other", weights=ASKED)
    assert upload(folder=tmp_path / "package").returncode == 0
    assert hub.files["README.md"] == b"My own words."
    assert len([name for name in hub.files if name.startswith("manifest.")]) == 2, "the first model stays"
    assert not any(name.endswith(".txt") for name in hub.files)


def test_what_an_interrupted_upload_has_sent_is_not_sent_again(hub: HubRepository, upload: Upload) -> None:
    hub.fails = {"/commit/": [500] * 9}
    failed = upload()
    assert failed.returncode == 1 and "HTTP status 500" in failed.stderr and "not sent again" in failed.stderr
    sent = dict(hub.objects)
    assert sent and not hub.files
    hub.fails.clear()
    hub.requests.clear()
    assert upload().returncode == 0
    assert not any("PUT" in request for request in hub.requests)
    assert hub.objects == sent


def deny(part: str, status: int) -> Callable[[HubRepository], None]:
    def make(hub: HubRepository) -> None:
        hub.fails = {part: [status] * 20}

    return make


def change(hub: HubRepository) -> None:
    hub.before_commit = lambda: hub.commits.append(["somebody's"])


def lose(hub: HubRepository) -> None:
    """The hub says that it has what it has not."""
    hub.objects["0" * 64] = b""
    hub.before_commit = lambda: hub.objects.update({oid: data[:-1] for oid, data in hub.objects.items()})


REFUSALS: dict[str, tuple[Callable[[HubRepository], None], list[str]]] = {
    "missing": (lambda hub: setattr(hub, "exists", False), ["no repository me/missing", "--create"]),
    "denied": (deny("/preupload/", 403), ["403", "may not write"]),
    "changing": (deny("/commit/", 409), ["409", "Run the same command again"]),
    "limited": (deny("/preupload/", 429), ["429", "wait some minutes"]),
    "down": (deny("/objects/batch", 503), ["503", "not sent again"]),
    "small": (deny("/lfs/", 413), ["413", "larger than the Hub allows"]),
    "common": (change, ["412", "committed to it meanwhile"]),
    "losing": (lose, ["files are not in me/losing as they were sent"]),
}


def test_what_the_hub_refuses_is_said_with_what_to_do(dist: Path, tmp_path: Path) -> None:
    hubs = [HubRepository(f"me/{name}") for name in REFUSALS]
    for hub, (make, _) in zip(hubs, REFUSALS.values(), strict=True):
        make(hub)
    with serve_hub(*hubs):
        failed = commands(*(["upload", dist, f"hub:{hub.name}"] for hub in hubs), home=tmp_path / "home", endpoint=hubs[0].url)
    for each, (_, words) in zip(failed, REFUSALS.values(), strict=True):
        said = " ".join(each.stderr.split())
        assert each.returncode == 1 and all(word in said for word in words), said


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda hub: setattr(hub, "role", "read"), ["may only read", "settings/tokens"]),
        (deny("/api/whoami", 401), ["401", "log in again"]),
    ],
)
def test_what_is_wrong_with_a_token_is_said(
    hub: HubRepository, upload: Upload, make: Callable[[HubRepository], None], words: list[str]
) -> None:
    make(hub)
    failed = upload()
    said = " ".join(failed.stderr.split())
    assert failed.returncode == 1 and all(word in said for word in words), said


def test_what_cannot_be_uploaded_is_said_before_anything_is_sent(hub: HubRepository, upload: Upload, dist: Path, tmp_path: Path) -> None:
    places = ("me/sample", "hub:sample", "hf:me/sample", "hub:a/b/c")
    asked = [*(["upload", dist, place] for place in places), ["upload", tmp_path, "hub:me/sample"]]
    *misspelt, foreign = commands(*asked, home=tmp_path / "home", endpoint=hub.url)
    assert all("hub:organization/name" in each.stderr for each in misspelt)
    assert "was not written by webllm-build" in foreign.stderr
    assert "There is no token" in upload(HF_TOKEN="").stderr
    shard = min(dist.glob("model/weights-*.bin"))
    shard.write_bytes(bytes(len(shard.read_bytes())))
    assert "is damaged" in upload().stderr
    shard.unlink()
    assert f"has no {shard.name}" in upload().stderr
    assert not hub.objects and not hub.files


def test_a_site_takes_only_weights_that_are_on_the_hub(hub: HubRepository, upload: Upload, tmp_path: Path) -> None:
    def check(*asked: list[str]) -> list[str]:
        """What is said of each list of --weights."""
        script = (
            "import json, sys; from pathlib import Path;"
            "from webllm_build.config import BuildRequest; from webllm_build.progress import Silent;"
            "from webllm_build.find_weights import check_hub, find_weights; from webllm_build.package.model_folder import read_weights;"
            "from webllm_build.errors import WebllmBuildError\n"
            "for asked in json.loads(sys.argv[2]):\n"
            " try:\n"
            "  places, hub = find_weights(BuildRequest('site', weights=tuple(asked)), Silent())\n"
            "  check_hub(hub, [read_weights(Path(sys.argv[1]))]); print(places, end='\\0')\n"
            " except WebllmBuildError as error: print(error, end='\\0')"
        )
        environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home")}
        program = [sys.executable, "-c", script, str(tmp_path / "sample" / "weights"), json.dumps(asked)]
        return subprocess.run(program, capture_output=True, text=True, env=environment, check=True).stdout.split("\0")[:-1]

    (said,) = check(["hub:me/sample"])
    assert "0 of the 4 files" in said and "webllm-build upload dist hub:me/sample --create" in said
    assert upload().returncode == 0
    url = f"https://huggingface.co/me/sample/resolve/{hub.commit}/"
    assert check(["hub:me/sample"], ["bundle", "hub:me/sample@main"], ["url:https://a.org", "hub:me/sample"]) == [
        *map(str, (Places((url,), None), Places(("", url)), Places(("https://a.org/", url), "weights"))),
    ]
    hub.private = True
    assert "private or gated" in check(["hub:me/sample"])[0]
    hub.exists = False
    assert "upload dist hub:me/sample --create" in check(["hub:me/sample@main"])[0]
    assert BuildRequest("site", weights=("hub:me/sample",)).has_threads is False


def test_a_card_shows_what_strangers_wrote_as_text(tmp_path: Path) -> None:
    facts = replace(FACTS, name="<img src=x>\n# [a](b)", license="My: own\nlicence", source="hf:a/b@c with pypi:d==1")
    card = model_card([sample_model(tmp_path, facts=facts).manifest()], "me/sample").decode()
    front = card.split("---\n")[1].splitlines()
    fields = {name: json.loads(value) for name, _, value in (line.partition(": ") for line in front)}
    assert fields["license"] == "other" and fields["license_name"] == "my-own-licence" and fields["base_model"] == ["a/b"]
    assert "<img" not in card.replace("\\<", "") and "](b)" not in card and OURS in card
