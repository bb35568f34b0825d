"""README's plot and RESULTS.md's table show what is measured, and one command measures it."""

from __future__ import annotations

import json
import re
import runpy
import sys
from pathlib import Path

import pytest

from open_page import TESTS

sys.path.insert(0, str(TESTS / "bench"))

import fill_weights
import lease
from lease import Data, Lease, Site

RESULTS = TESTS / "bench" / "RESULTS.md"
DATA = TESTS / "bench" / "speeds.json"


def test_the_plot_is_made_from_the_figures_beside_it() -> None:
    plot = runpy.run_path(str(TESTS / "bench" / "plot.py"))
    assert plot["digest"](DATA.read_bytes()) in plot["PLOT"].read_text("utf-8"), "run tests/bench/plot.py"


def test_the_table_of_the_results_is_of_the_same_figures() -> None:
    assert lease.table(json.loads(DATA.read_bytes())) in RESULTS.read_text("utf-8"), "write what lease.py table prints into RESULTS.md"


def test_every_figure_of_others_stands_among_the_results() -> None:
    rows = [line for line in RESULTS.read_text("utf-8").splitlines() if line.startswith("|")]
    for by_shape in json.loads(DATA.read_bytes())["others"].values():
        for shape, speed in by_shape.items():
            assert any(shape in row.lower() and re.search(rf"\b{speed:,}\b", row) for row in rows), (shape, speed)


def test_the_plot_has_what_was_measured_of_each_shape() -> None:
    plot = runpy.run_path(str(TESTS / "bench" / "plot.py"))
    shapes = {"a": {"parts": {"speed": {"decode": 5.0}, "native": {"decode": {"mean": 4}}}}, "b": {"parts": {}}}
    speeds = plot["decode_speeds"]({"shapes": shapes, "others": {"transformers.js 4.3.1": {"a": 1}, "wllama 3.8.1": {}}})
    assert speeds == {"a": {"webllm-build": 5.0, "llama.cpp CUDA (native)": 4, "transformers.js 4.3.1": 1}}


class Fake(Lease):
    """A browser that answers by page and query, and fails where `broken` is asked for."""

    broken = ""
    asked: list[str]

    def page(self, site: Site, page: str, **query: object) -> Data:
        self.asked.append(site.name)
        if site.name == self.broken and query.get("context") == 8:
            raise RuntimeError("FAIL no memory")
        if page == "bench/batch.html":
            return {"decoding_together": 300.0}
        kernels = [{"dispatches": 2, "bytes": 1e6, "floor_us": 30.0}, {"dispatches": 1, "bytes": 2e6, "floor_us": 40.0}]
        return {
            "gpu": "a GPU", "browser": "X Chrome/156.0 Y", "variant": "f32", "loads": [{"from": "storage", "ready": 1.5}],
            "speed": {"prefill_tokens_per_s": 1000.0, "time_to_first_token_ms": 2.0, "decode_tokens_per_s": 100.0},
            "decode": [{"context_tokens": 4, "tokens_per_s": 90.0}, {"context_tokens": 8, "tokens_per_s": 80.0}],
            "profile": {
                "machine": {"read_gb_per_s": 100, "dispatch_us": 5},
                "functions": [{"name": "decode", "new_tokens": 1, "kernels": kernels}],
            },
        }  # fmt: skip


def leased(native: Path | None = None) -> Fake:
    fake = Fake("test", None, native, (4, 16), 2, (8,), 3, 1, 1.0)
    object.__setattr__(fake, "asked", [])
    return fake


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    config = {"models": [{"manifest": "model/manifest.json", "manifest_sha256": ""}]}
    manifest = {"weights": {"shards": [{"file": "weights-0000.bin"}]}}
    for name in ("one", "two"):
        (tmp_path / name / "model").mkdir(parents=True)
        page = f'<script type="application/json" id="webllm-config">{json.dumps(config)}</script>'
        (tmp_path / name / "index.html").write_text(page)
        (tmp_path / name / "model" / "manifest.json").write_text(json.dumps(manifest))
        (tmp_path / name / "model" / "weights-0000.bin").write_bytes(b"")
    return tmp_path


def test_what_failed_is_told_and_measured_again_and_nothing_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of an earlier run, and one that has no native figures: what was measured stays."""
    native = folder / "native"
    native.mkdir()
    rows = [{"n_prompt": n, "n_gen": g, "avg_ts": ts, "stddev_ts": 1.0} for n, g, ts in ((4, 0, 2000.0), (16, 0, 3000.0), (0, 2, 50.0))]
    (native / "one.json").write_text(json.dumps(rows))
    monkeypatch.setattr(Fake, "broken", "one")
    first = leased(native)
    said: list[str] = []
    data = json.loads(lease.measure(folder, first, said.append).read_text())
    assert list(data["shapes"]["one"]["failed"]) == ["behind 8"]
    assert list(data["shapes"]["two"]["failed"]) == ["native"]
    assert sum("failed" in line for line in said) == 2
    assert data["machine"] == "one a GPU, Chrome 156, random weights of each shape, a prompt of 4 tokens"
    of_one, of_two = lease.table(data).splitlines()[2:4]
    assert [cell.strip() for cell in of_one.split("|")[1:-1]] == [
        *("one", "100", "50.0 ± 1.0", "2.00", "25,000, 10,000", "1,000", "2,000 ± 1.0", "0.50", "2.0 ms"),
        *("1,000", "3,000 ± 1.0", "300", "", "1.50 s"),
    ]
    assert "80.0 (0.80)" in of_two
    assert "FAIL no memory" in lease.table(data)
    (native / "two.json").write_text(json.dumps(rows))
    monkeypatch.setattr(Fake, "broken", "")
    again = leased(native)
    data = json.loads(lease.measure(folder, again).read_text())
    assert again.asked == ["one"]
    assert not any(shape["failed"] for shape in data["shapes"].values())


def test_weights_are_made_where_there_are_none_and_deleted_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shard = folder / "two" / "model" / "weights-0000.bin"
    shard.unlink()
    made: list[Path] = []

    def fill(site: Path) -> None:
        made.append(site)
        shard.write_bytes(b"")

    monkeypatch.setattr(fill_weights, "main", fill)
    lease.measure(folder, leased(), lambda _: None)
    assert made == [folder / "two"]
    assert not shard.exists()
    assert "made" not in json.loads((folder / "measured.json").read_text())["shapes"]["two"]
    assert (folder / "one" / "model" / "weights-0000.bin").exists()
    lease.measure(folder, leased(), lambda _: None)
    assert len(made) == 1, "nothing is missing"


def test_a_run_that_was_interrupted_deletes_what_it_had_made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(_: Lease, site: Site) -> Data:
        if site.name == "two":
            raise KeyboardInterrupt
        return {}

    shard = folder / "two" / "model" / "weights-0000.bin"
    shard.unlink()
    monkeypatch.setattr(fill_weights, "main", lambda site: shard.touch())
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Fake, "together", die)
        lease.measure(folder, leased(), lambda _: None)
    assert shard.exists()
    lease.measure(folder, leased(), lambda _: None)
    assert not shard.exists()
