"""Fills a built site's weight shards with random numbers, from its manifest alone. Needs NumPy only.

    python tests/bench/fill_weights.py SITE

To measure a large model's shapes on a machine without a network, build its site here, carry it there without its weight shards
(files `weights-*` in SITE/model), and fill them there. Shards, manifest and the pages that name it are written anew with their
own digests, so that the runtime verifies and loads them as it would the real ones. The answers are noise; the work is the same.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

DEVIATION = 0.02  # of a weight: about 1 / sqrt(hidden size), so that activations neither vanish nor overflow
MIN_MANIFEST_BYTES = 4096  # as the builder pads it
CHUNK = 1 << 22  # bytes made at a time
EXPONENT = 120  # 2^-7, of numbers up to 6
DECAYS = ("delta_gates", "mamba_parameters")


def contents(tensor: dict[str, Any], sizes: dict[str, int], random: np.random.Generator) -> Iterator[bytes]:
    """Bytes for one GPU buffer. The scheme follows from the sizes: bytes of numbers for each byte of scales."""
    weight, _, suffix = tensor["name"].rpartition(".")
    left = int(tensor["bytes"])
    numbers, scales = sizes.get(f"{weight}.q", 0), sizes.get(f"{weight}.s", 0)
    is_coded = scales or f"{weight}.e" in sizes
    while left:
        count = min(left, CHUNK)
        if suffix == "e":
            data = np.full(count, EXPONENT, np.uint8).tobytes()
        elif suffix == "w":  # what a recurrent state decays by is negative: otherwise it grows without end
            data = np.full(count // 4, -1.0 if weight.endswith(DECAYS) else 1.0, "<f4").tobytes()
        elif suffix == "q" and is_coded:
            data = random.bytes(count)
        elif suffix == "q":
            data = (random.standard_normal(count // 2, np.float32) * DEVIATION).astype("<f2").tobytes()
        elif suffix == "s":
            data = scale_words(numbers / scales, count)
        else:
            raise SystemExit(f"{tensor['name']}: a buffer of a kind that this program does not know")
        yield data
        left -= count


def scale_words(ratio: float, count: int) -> bytes:
    """ratio 8: 4-bit numbers with a 16-bit scale a block; 16: 8-bit with a scale; 4: 4-bit with scale and minimum."""
    uniform = 4.6  # deviation of the integers 0..15
    match round(ratio):
        case 8:
            return np.full(count // 2, DEVIATION / uniform, "<f2").tobytes()
        case 16:
            return np.full(count // 2, DEVIATION / (uniform * 16), "<f2").tobytes()
        case 4:
            pair = np.array([DEVIATION / uniform, -7.5 * DEVIATION / uniform], "<f2")
            return np.tile(pair, count // 4).tobytes()
    raise SystemExit(f"{ratio} bytes of numbers for a byte of scales: a scheme that this program does not know")


def stream(manifest: dict[str, Any]) -> Iterator[bytes]:
    """The weights as one byte stream, as long as the manifest says."""
    random = np.random.default_rng(0)
    sizes = {tensor["name"]: int(tensor["bytes"]) for tensor in manifest["tensors"]}
    position = 0
    for tensor in manifest["tensors"]:
        yield bytes(tensor["offset"] - position)
        yield from contents(tensor, sizes, random)
        position = tensor["offset"] + tensor["bytes"]
    yield bytes(manifest["weights"]["bytes"] - position)


def write_shards(folder: Path, manifest: dict[str, Any]) -> None:
    """Writes all shards and puts their names and digests into the manifest."""
    pending = bytearray()
    pieces = stream(manifest)
    for shard in manifest["weights"]["shards"]:
        while len(pending) < shard["bytes"]:
            pending += next(pieces)
        data = bytes(pending[: shard["bytes"]])
        del pending[: shard["bytes"]]
        digest = hashlib.sha256(data).hexdigest()
        shard["file"] = re.sub(r"\.[0-9a-f]{16}\.", f".{digest[:16]}.", shard["file"])
        shard["sha256"] = digest
        (folder / shard["file"]).write_bytes(data)


def config_of(site: Path) -> dict[str, Any]:
    """What the page says of its model."""
    page = (site / "index.html").read_text("utf-8")
    found = re.search(r'<script type="application/json" id="webllm-config">(.*?)</script>', page, re.DOTALL)
    if found is None:
        raise SystemExit(f"{site}/index.html is not a page of webllm-build")
    (config,) = json.loads(found[1])["models"]
    return dict(config)


def models_of(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [manifest, *([manifest["vision"]["model"]] if "vision" in manifest else [])]


def has_weights(site: Path) -> bool:
    """Whether all shards are there, under the names that the manifest has for them."""
    path = site / config_of(site)["manifest"]
    shards = (shard for model in models_of(json.loads(path.read_text("utf-8"))) for shard in model["weights"]["shards"])
    return all((path.parent / shard["file"]).exists() for shard in shards)


def main(site: Path) -> None:
    config = config_of(site)
    old = site / config["manifest"]
    manifest = json.loads(old.read_text("utf-8"))
    models = models_of(manifest)
    for model in models:
        write_shards(old.parent, model)
        model.pop("probe", None)  # of the weights that were there
    data = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode().ljust(MIN_MANIFEST_BYTES)
    digest = hashlib.sha256(data).hexdigest()
    new = old.with_name(f"manifest.{digest[:32]}.json")
    new.write_bytes(data)
    for path in site.glob("*.html"):
        path.write_text(path.read_text("utf-8").replace(old.name, new.name).replace(config["manifest_sha256"], digest), "utf-8")
    size, shards = sum(model["weights"]["bytes"] for model in models), sum(len(model["weights"]["shards"]) for model in models)
    print(f"{size / 1e6:.0f} MB of random weights in {shards} shards, {new.name}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
