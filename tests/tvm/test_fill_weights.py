"""tests/bench/fill_weights.py leaves a site that is whole, with finite weights, from a manifest alone."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from small_kernels import small_kernels
from webllm_build.build import build
from webllm_build.config import BuildRequest
from webllm_build.package.manifest import read_manifest

TESTS = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("quantization", ["q4", "q4a", "q8", "mxfp4", "f16"])
def test_fills_every_scheme(tmp_path: Path, quantization: str) -> None:
    out = tmp_path / "dist"
    model = str(TESTS / "fixtures" / "tiny-llama")
    request = BuildRequest("site", (model,), out=out, cache_dir=tmp_path / "cache", quantization=quantization, variants=("f32",), cpu=False)
    with small_kernels():
        before = build(request).manifests[0]
    old = {path.name for path in (out / "model").glob("manifest.*")}
    for shard in before.weights.shards:
        (out / "model" / shard.file).unlink()
    subprocess.run([sys.executable, str(TESTS / "bench" / "fill_weights.py"), str(out)], check=True, stdout=subprocess.DEVNULL)

    (new,) = {path for path in (out / "model").glob("manifest.*") if path.name not in old}
    written = read_manifest(new)
    assert written.tensors == before.tensors
    for name in ("index.html", "bench.html"):
        page = (out / name).read_text("utf-8")
        assert written.file in page
        assert written.sha256 in page
    data = b"".join((out / "model" / shard.file).read_bytes() for shard in written.weights.shards)
    assert [hashlib.sha256((out / "model" / s.file).read_bytes()).hexdigest() for s in written.weights.shards] == [
        s.sha256 for s in written.weights.shards
    ]
    names = {tensor.name for tensor in before.tensors}
    for tensor in before.tensors:
        raw = data[tensor.offset : tensor.offset + tensor.bytes]
        weight, _, suffix = tensor.name.rpartition(".")
        if suffix == "w":
            assert np.isfinite(np.frombuffer(raw, "<f4")).all()
        elif suffix == "e":
            assert set(raw) == {120}
        elif suffix == "s" or not {f"{weight}.s", f"{weight}.e"} & names:
            halves = np.frombuffer(raw, "<f2").astype(np.float32)
            assert np.isfinite(halves).all()
            assert np.abs(halves).max() > 0
        else:
            assert len(set(raw)) == 256
