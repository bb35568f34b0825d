"""Downloads, against a hub on this machine that speaks the real one's HTTP. Each case runs the public command in a process of its own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from tiny_models import hugging_face_weights, write_gguf

from webllm_build.source.gguf import open_gguf
from webllm_build.source.gguf_header import FIRST_BYTES
from webllm_build.source.huggingface import MAX_SMALL_BYTES, _reporting
from webllm_build.source.local import open_folder
from webllm_build.source.safetensors_header import USUAL_HEADER_BYTES

MODEL = Path(__file__).resolve().parents[1] / "fixtures" / "tiny-llama"
SHARDED = MODEL.with_name("tiny-llama-sharded")
BODIES = {"html": b"<html>Log in</html>", "nothing": b"", "another": b"{}"}
COMMIT = "0123456789abcdef0123456789abcdef01234567"
ORIGIN = f"hf:tests/tiny@{COMMIT}"
EXTRA = {"pytorch_model.bin": b"pickle", "original/consolidated.00.pth": b"pickle", "README.md": b"---\nlicense: mit\n---\n"}


class Hub(ThreadingHTTPServer):
    """Serves tests/tiny and refuses others in the ways the hub does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.files = {path.name: path.read_bytes() for path in MODEL.iterdir()} | EXTRA
        self.fetched: list[str] = []
        self.knows_ranges = True
        self.commit = COMMIT
        self.faults: dict[str, int] = {}  # how often what is asked for fails: "busy", or "cut NAME"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class HubHandler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.do_GET()

    def fails(self, fault: str) -> bool:
        self.server.faults[fault] = left = self.server.faults.get(fault, 0) - 1
        return left >= 0

    def do_GET(self) -> None:
        path = unquote(self.path.partition("?")[0])
        files = self.server.files
        if self.fails("busy"):
            self.send(429, b"{}", {"Retry-After": "0"})
        elif "/tests/old" in path:  # as for a repository that was renamed
            self.send(307, b"", {"Location": self.path.replace("/tests/old", "/tests/tiny")})
        elif "/tests/private" in path and self.headers.get("Authorization") == "Bearer hf_secret":
            self.path = self.path.replace("/tests/private", "/tests/tiny")
            self.do_GET()
        elif path in ("/api/models/tests/tiny/revision/main", f"/api/models/tests/tiny/revision/{self.server.commit}"):
            siblings = [{"rfilename": name, "size": len(data)} for name, data in files.items()]
            about = {"id": "tests/tiny", "modelId": "tests/tiny", "sha": self.server.commit, "tags": [], "private": False}
            self.answer({**about, "siblings": siblings})
        elif path == f"/api/models/tests/tiny/tree/{self.server.commit}":
            self.answer([{"type": "file", "path": name, "size": len(data), "oid": etag(data)} for name, data in files.items()])
        elif path.startswith(f"/tests/tiny/resolve/{self.server.commit}/"):
            self.send_file(path.removeprefix(f"/tests/tiny/resolve/{self.server.commit}/"))
        elif path.startswith("/api/models/tests/tiny/"):
            self.refuse(404, "RevisionNotFound")
        elif path.startswith(("/api/models/tests/gated/", "/api/models/meta-llama/", "/api/models/google/")):
            self.refuse(403, "GatedRepo")
        elif path.startswith("/api/models/tests/broken/"):
            self.refuse(500, "")
        elif path.startswith("/api/models/tests/answers-"):  # answers-STATUS, answers-html, answers-{}
            kind = path.split("/")[4].removeprefix("answers-")
            if kind.isdigit():
                self.refuse(int(kind), "")
            elif kind == "itself":
                self.send(307, b"", {"Location": self.path})
            else:
                self.send(200, BODIES[kind], {})
        else:
            self.refuse(401, "RepoNotFound")

    def send_file(self, name: str) -> None:
        whole, wanted = self.server.files.get(name), self.headers.get("Range", "")
        if whole is None:
            self.refuse(404, "EntryNotFound")
            return
        if self.command == "GET":
            self.server.fetched.append(f"{name} {wanted}".strip())
        headers = {"ETag": f'"{etag(whole)}"', "X-Repo-Commit": self.server.commit, "Accept-Ranges": "bytes"}
        first, last = wanted.removeprefix("bytes=").split("-") if wanted and self.server.knows_ranges else ("", "")
        begin, end = int(first or 0), min(len(whole), int(last) + 1 if last else len(whole))
        is_cut = self.command == "GET" and "bytes=0-" not in wanted and self.fails(f"cut {name}")
        status, more = (206, {"Content-Range": f"bytes {begin}-{end - 1}/{len(whole)}"}) if first else (200, {})
        self.send(status, whole[begin:end], {**headers, **more}, sent=(end - begin) // 2 if is_cut else None)

    def answer(self, value: object) -> None:
        self.send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def refuse(self, status: int, code: str) -> None:
        self.send(status, b"{}", {"X-Error-Code": code, "X-Error-Message": "no", "Content-Type": "application/json"})

    def send(self, status: int, body: bytes, headers: dict[str, str], sent: int | None = None) -> None:
        """sent: bytes of the body after which the connection breaks."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[:sent])
        if sent is not None:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


def etag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def inspect(model: str, home: Path, endpoint: str, **more: str) -> subprocess.CompletedProcess[str]:
    return run(["-m", "webllm_build", "inspect", model], home, endpoint, **more)


def run(arguments: list[str], home: Path, endpoint: str, **more: str) -> subprocess.CompletedProcess[str]:
    settings = {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "HF_HUB_ETAG_TIMEOUT": "2"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")} | settings | more
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=environment, check=False)


def test_only_what_is_needed_is_downloaded_and_only_once(hub: Hub, tmp_path: Path) -> None:
    first = inspect("hf:tests/tiny", tmp_path, hub.url)
    assert first.returncode == 0, first.stderr
    assert "mit" in first.stdout
    small = {path.name for path in MODEL.iterdir()} - {"model.safetensors"} | {"README.md"}
    beginning = f"model.safetensors bytes=0-{USUAL_HEADER_BYTES - 1}"
    assert set(hub.fetched) == small | {beginning}

    hub.fetched.clear()
    again = inspect(f"hf:tests/tiny@{COMMIT}", tmp_path, hub.url)
    assert (again.returncode, again.stdout) == (0, first.stdout)
    assert hub.fetched == [beginning]


def test_an_unsupported_model_costs_no_weights(hub: Hub, tmp_path: Path) -> None:
    hub.files["config.json"] = hub.files["config.json"].replace(b'"llama"', b'"mamba"')
    done = inspect("hf:tests/tiny", tmp_path, hub.url)
    assert done.returncode == 1 and "mamba" in done.stderr
    assert not any(name == "model.safetensors" for name in hub.fetched)


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_weights_come_when_they_are_wanted_and_only_those_of_the_index(hub: Hub, tmp_path: Path, knows_ranges: bool) -> None:
    hub.knows_ranges = knows_ranges
    hub.files |= {path.name: path.read_bytes() for path in SHARDED.iterdir()}
    hub.files |= {"model.fp32.safetensors": b"nobody names it", "model-00009-of-00009.safetensors": b"nor this"}
    script = (
        "from webllm_build.source.huggingface import HubFolder, parse_reference; from webllm_build.source.local import open_folder;"
        "from webllm_build.progress import Silent; from pathlib import Path;"
        "checkpoint = open_folder(HubFolder(parse_reference('hf:tests/tiny'), Silent()), 'tiny'); print(len(checkpoint.digest));"
        "checkpoint.fetch(); print(sum(float(tensor.dequantize().sum()) for tensor in checkpoint.tensors.values()))"
    )
    done = run(["-c", script], tmp_path, hub.url)
    assert done.returncode == 0, done.stderr
    expected = sum(float(tensor.dequantize().sum()) for tensor in open_folder(SHARDED, "tiny").tensors.values())
    assert done.stdout.split() == ["64", str(expected)]
    fetched = {name for name in hub.fetched if name.endswith(".safetensors")}
    assert fetched == {path.name for path in SHARDED.glob("*.safetensors")}


FETCH = (
    "from webllm_build.source.huggingface import HubFolder, parse_reference; from webllm_build.source.local import open_folder;"
    "from webllm_build.progress import Silent;"
    "checkpoint = open_folder(HubFolder(parse_reference('hf:tests/tiny'), Silent()), 'tiny'); checkpoint.fetch();"
    "print(sum(float(tensor.dequantize().sum()) for tensor in checkpoint.tensors.values()))"
)


OPEN = """
import json, sys
from pathlib import Path
from webllm_build.cache import Cache
from webllm_build.catalog import CATALOG
from webllm_build.errors import WebllmBuildError
from webllm_build.source import open_checkpoint
answers = {}
for reference in sys.argv[2:]:
    try:
        answers[reference] = open_checkpoint(reference, CATALOG, Cache(Path(sys.argv[1]))).origin
    except WebllmBuildError as error:
        answers[reference] = str(error)
print(json.dumps(answers))
"""


def opened(references: list[str], home: Path, endpoint: str, **more: str) -> dict[str, str]:
    """The origin of each, or its error, all asked for by one process."""
    done = run(["-c", OPEN, str(home), *references], home, endpoint, **more)
    assert done.returncode == 0, done.stderr
    answers: dict[str, str] = json.loads(done.stdout)
    return answers


def test_what_breaks_off_is_asked_for_again(hub: Hub, tmp_path: Path) -> None:
    hub.faults["cut model.safetensors"] = 1
    done = run(["-c", FETCH], tmp_path, hub.url)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == sum(float(tensor.dequantize().sum()) for tensor in open_folder(MODEL, "tiny").tensors.values())
    assert hub.faults["cut model.safetensors"] < 0

    # All is there now: nothing is asked of the network.
    assert opened(["hf:tests/tiny"], tmp_path, "http://127.0.0.1:9", HF_HUB_OFFLINE="1") == {"hf:tests/tiny": ORIGIN}


def test_a_cache_may_lie_elsewhere_behind_links(hub: Hub, tmp_path: Path) -> None:
    """A repository of it that was moved to another disk, or its blobs alone."""
    assert run(["-c", FETCH], tmp_path / "home", hub.url).returncode == 0
    repository = tmp_path / "home" / "hub" / "models--tests--tiny"
    for moved, place in ((repository, tmp_path / "disk"), (repository / "blobs", tmp_path / "other")):
        shutil.move(moved.resolve(), place)
        moved.unlink(missing_ok=True)
        moved.symlink_to(place)
        answers = opened(["hf:tests/tiny", str(tmp_path / "disk" / "snapshots" / COMMIT)], tmp_path / "home", hub.url, HF_HUB_OFFLINE="1")
        assert answers["hf:tests/tiny"] == ORIGIN
        # What anybody may have made is another matter.
        assert ("leads out" in str([*answers.values()])) == (moved.name == "blobs")


IN_SMALL_PIECES = "from huggingface_hub import constants; constants.DOWNLOAD_CHUNK_SIZE = 1000;"


def test_a_download_goes_on_where_an_interrupted_run_stopped(hub: Hub, tmp_path: Path) -> None:
    hub.files |= {path.name: path.read_bytes() for path in SHARDED.iterdir()}
    first, *_, last = sorted(path.name for path in SHARDED.glob("*.safetensors"))
    hub.faults[f"cut {last}"] = 1000
    done = run(["-c", IN_SMALL_PIECES + FETCH], tmp_path, hub.url)
    assert done.returncode == 1 and "goes on where it stopped" in done.stderr
    hub.faults.clear()
    (unfinished,) = tmp_path.rglob("*.webllm-build.incomplete")
    there = unfinished.read_bytes()
    assert len(hub.files[last]) // 2 < len(there) < len(hub.files[last])

    unfinished.write_bytes(bytes(len(there)))
    done = run(["-c", FETCH], tmp_path, hub.url)
    assert done.returncode == 1 and "arrived damaged" in done.stderr and not unfinished.exists()

    unfinished.write_bytes(there)
    hub.fetched.clear()
    done = run(["-c", FETCH], tmp_path, hub.url)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == sum(float(tensor.dequantize().sum()) for tensor in open_folder(SHARDED, "tiny").tensors.values())
    assert [name for name in hub.fetched if name.startswith((first, last)) and "bytes=0-" not in name] == [f"{last} bytes={len(there)}-"]


SAID = "print(checkpoint.digest, checkpoint.tokenizer.config['chat_template']);"
DIGESTS = FETCH.replace("checkpoint.fetch();", f"{SAID} checkpoint.fetch();")


def test_another_commit_with_the_same_weights_is_the_same_model(hub: Hub, tmp_path: Path) -> None:
    """So that a template that was mended packs nothing again, whether the weights are on this machine or not."""
    digests = []
    for commit, template in (("1" * 40, b"first"), ("2" * 40, b"second"), ("3" * 40, b"third")):
        hub.commit, hub.files["chat_template.jinja"] = commit, template
        if template == b"third":
            hub.files["model.safetensors"] = hub.files["model.safetensors"][:-1] + b"\0"
        done = run(["-c", DIGESTS], tmp_path, hub.url)
        assert done.returncode == 0, done.stderr
        digest, found, *_ = done.stdout.split()
        assert found == template.decode()
        digests.append(digest)
    assert digests[0] == digests[1] != digests[2]


def test_a_busy_hub_is_asked_again_when_it_says(hub: Hub, tmp_path: Path) -> None:
    hub.faults["busy"] = 1
    assert opened(["hf:tests/tiny"], tmp_path, hub.url) == {"hf:tests/tiny": ORIGIN}
    # Of a commit whose small files are there, the first that is asked for is the beginning of the weights.
    hub.faults["busy"] = 1
    by_commit = f"hf:tests/tiny@{COMMIT}"
    assert opened([by_commit], tmp_path, hub.url) == {by_commit: ORIGIN}
    offline = opened(["hf:tests/tiny"], tmp_path, hub.url, HF_HUB_OFFLINE="1")
    assert "HF_HUB_OFFLINE" in offline["hf:tests/tiny"]


def test_renamed_gated_and_private_repositories(hub: Hub, tmp_path: Path) -> None:
    gated = {"hf:meta-llama/Llama-3.2-3B-Instruct": "llama-3.2-3b", "hf:google/gemma-3-1b-it": "gemma3-1b"}
    answers = opened(["hf:tests/old", "hf:tests/private", *gated], tmp_path, hub.url)
    assert answers["hf:tests/old"] == ORIGIN.replace("tiny", "old") and "private" in answers["hf:tests/private"]
    for name, copy in gated.items():
        assert "is gated" in answers[name] and f"--model {copy}, a copy that needs no account" in answers[name]
    answers = opened(["hf:tests/private"], tmp_path, hub.url, HF_TOKEN="hf_secret")
    assert answers["hf:tests/private"] == ORIGIN.replace("tiny", "private")


def test_an_adapter_of_the_hub_is_merged(hub: Hub, tmp_path: Path) -> None:
    adapter = MODEL.with_name("tiny-llama-adapter")
    hub.files = {path.name: path.read_bytes() for path in adapter.iterdir()} | EXTRA
    done = run(["-m", "webllm_build", "inspect", str(MODEL), "--adapter", "hf:tests/tiny"], tmp_path, hub.url)
    assert done.returncode == 0, done.stderr
    assert "tiny-llama-tiny" in done.stdout
    beginning = f"adapter_model.safetensors bytes=0-{USUAL_HEADER_BYTES - 1}"
    assert set(hub.fetched) == {"adapter_config.json", "README.md", beginning}


def test_an_adapter_names_its_base(hub: Hub, tmp_path: Path) -> None:
    hub.files = {"adapter_config.json": b'{"base_model_name_or_path": "org/base"}', "adapter_model.safetensors": b"x"}
    done = inspect("hf:tests/tiny", tmp_path, hub.url)
    assert done.returncode == 1 and "adapter" in done.stderr and "org/base" in done.stderr


def test_a_gguf_of_the_hub_is_taken_whole_or_in_parts(hub: Hub, tmp_path: Path) -> None:
    write_gguf(tmp_path / "tiny.gguf", hugging_face_weights(), part_tensors=8)
    write_gguf(tmp_path / "whole.gguf", hugging_face_weights(), encoding="q8_0")
    hub.files = {f"Q8_0/{path.name}": path.read_bytes() for path in tmp_path.glob("*.gguf")} | EXTRA
    names = [f"hf:tests/tiny/Q8_0/{name}.gguf" for name in ("whole", "tiny-00002-of-00003", "none")]
    answers = opened(["hf:tests/tiny", *names], tmp_path, hub.url)
    assert answers[names[0]] == f"{names[0]}@{COMMIT}" and answers[names[1]] == f"{names[1]}@{COMMIT}"
    assert "has no Q8_0/none.gguf" in answers[names[2]] and names[0] in answers[names[2]]
    assert "has no config.json" in answers["hf:tests/tiny"] and names[0] in answers["hf:tests/tiny"]


FETCH_GGUF = """
import sys
from pathlib import Path
from webllm_build.cache import Cache
from webllm_build.catalog import CATALOG
from webllm_build.source import open_checkpoint
checkpoint = open_checkpoint(sys.argv[2], CATALOG, Cache(Path(sys.argv[1])))
print(checkpoint.digest)
if sys.argv[3:]:
    checkpoint.fetch()
    print(sum(float(tensor.dequantize().sum()) for tensor in checkpoint.tensors.values()))
"""


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_of_a_gguf_of_the_hub_only_the_header_is_read_until_weights_are_wanted(hub: Hub, tmp_path: Path, knows_ranges: bool) -> None:
    extra = {"extra.weight": np.ones((64, 8192), np.float32)}  # 2 MiB
    write_gguf(tmp_path / "large.gguf", hugging_face_weights(), tensors=extra, part_tensors=12)
    paths = sorted(tmp_path.glob("large-*.gguf"))
    hub.files, hub.knows_ranges = {path.name: path.read_bytes() for path in paths} | EXTRA, knows_ranges
    name, wanted = "hf:tests/tiny/large-00002-of-00002.gguf", [] if knows_ranges else ["all"]
    done = run(["-c", FETCH_GGUF, str(tmp_path), name, *wanted], tmp_path, hub.url)
    assert done.returncode == 0, done.stderr
    pieces = {fetched for fetched in hub.fetched if "gguf" in fetched and f"-{FIRST_BYTES - 1}" in fetched}
    assert pieces == {f"{path.name} bytes=0-{FIRST_BYTES - 1}" for path in paths}
    if knows_ranges:
        assert {fetched for fetched in hub.fetched if "gguf" in fetched} == pieces

        digest = done.stdout.strip()
        done = run(["-c", FETCH_GGUF, str(tmp_path), name, "all"], tmp_path, hub.url)
        assert done.returncode == 0 and done.stdout.startswith(digest), done.stderr
    total, whole = done.stdout.split()[1], open_gguf(paths[0])
    assert float(total) == sum(float(tensor.dequantize().sum()) for tensor in whole.tensors.values())


REFUSALS = {
    "hf:tests/gated": ["gated", "HF_TOKEN", "https://huggingface.co/tests/gated"],
    "hf:tests/missing": ["no repository tests/missing", "private"],
    "hf:tests/tiny@v9": ["no revision v9"],
    "hf:tests/broken": ["tests/broken", "again"],
    "hf:tests/answers-403": ["403", "licence"],
    "hf:tests/answers-404": ["404", "spelling", "HF_ENDPOINT"],
    "hf:tests/answers-451": ["451", "https://huggingface.co/tests/answers-451", "HF_ENDPOINT"],
    "hf:tests/answers-502": ["502", "again in a while"],
    "hf:tests/answers-itself": ["redirects", "HF_ENDPOINT"],
    "hf:tests/answers-429": ["429", "wait", "HF_TOKEN"],
    "hf:tests/answers-html": ["not Hugging Face", "proxy"],
    "hf:tests/answers-nothing": ["not Hugging Face", "proxy"],
    "hf:tests/answers-another": ["not Hugging Face", "proxy"],
    "hf:tests": ["not a repository", "hf:organization/name"],
    "hf:te..sts/tiny": ["hf:organization/name"],
}


def test_refusals_say_what_to_do(hub: Hub, tmp_path: Path) -> None:
    answers = opened([*REFUSALS], tmp_path, hub.url)
    for model, words in REFUSALS.items():
        for word in words:
            assert word in answers[model], model


def test_settings_that_the_library_cannot_read_are_named(tmp_path: Path) -> None:
    done = inspect("hf:tests/tiny", tmp_path, "http://[")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "HF_" in done.stderr
    assert "HF_ENDPOINT and HF_TOKEN may be wrong" in opened(["hf:tests/tiny"], tmp_path, "127.0.0.1")["hf:tests/tiny"]


def test_a_folder_that_cannot_be_written_is_named(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "hub").write_text("no folder")
    done = inspect("hf:tests/tiny", tmp_path, hub.url)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "cannot be stored" in done.stderr and "HF_HOME" in done.stderr


def test_downloaded_bytes_are_reported() -> None:
    """As the hub's library does it: several bars, totals that grow, one that counts files."""
    reports: list[tuple[int, int | None]] = []

    def done(count: int, total: int | None = None) -> None:
        reports.append((count, total))

    bar = _reporting(done)
    network, disk, files = bar(total=0, unit="B"), bar(total=0, unit="B"), bar(total=3)
    disk.total = 100
    disk.update(40)
    network.update(10)
    files.update(1)
    disk.update(60)
    assert reports == [(40, 100), (100, 100)]


def test_files_that_are_no_weights_have_a_bound(hub: Hub, tmp_path: Path) -> None:
    hub.files["README.md"] = bytes(MAX_SMALL_BYTES + 1)
    done = inspect("hf:tests/tiny", tmp_path, hub.url)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "tests/tiny that are not weights are too large" in " ".join(done.stderr.split())


def test_without_a_network_the_cache_is_named(tmp_path: Path) -> None:
    done = inspect("hf:tests/tiny", tmp_path, "http://127.0.0.1:9")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "network" in done.stderr
