"""Packs a model's shape from bfloat16 safetensors of noise, and says how long each part of it took.

    python tests/bench/packing.py NAME FOLDER [SCHEME]

NAME is the catalog's, of a model without experts; FOLDER gets the checkpoint (made once) and a cache of its own, which is emptied first.
Calibration and the comparison with earlier builds are in it, compiling is not. `taskset -c 0,1` in front gives it two cores.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from webllm_build.cache import Cache
from webllm_build.catalog import CATALOG
from webllm_build.config import BuildRequest, resolve
from webllm_build.model import read_model
from webllm_build.model.weights import Source
from webllm_build.model.wrappers import text_config
from webllm_build.progress import Done, Unit
from webllm_build.recipe import Recipe
from webllm_build.weights import store_weights

TOKENIZER = Path(__file__).parents[1] / "fixtures" / "tiny-llama"
CHUNK = 1 << 25  # numbers made once, and written again and again
FILE = 1 << 32  # bytes of a file, about


class Clock:
    """Prints what each step took."""

    @contextmanager
    def step(self, label: str, total: int | None = None, unit: Unit = "bytes") -> Iterator[Done]:
        start, cpu = time.perf_counter(), time.process_time()
        yield lambda done, total=None: None
        print(f"{time.perf_counter() - start:8.1f} s, {time.process_time() - cpu:8.1f} s of CPU  {label}", flush=True)


def write(name: str, folder: Path) -> None:
    """A checkpoint of the shape, in files of some gigabytes."""
    entry = CATALOG.find(name)
    if entry is None:
        raise SystemExit(f"{name} is no name of the catalog: see webllm-build models")
    config = dict(text_config(name, entry.shape))
    shutil.copytree(TOKENIZER, folder, ignore=shutil.ignore_patterns("config.json", "*.safetensors"))
    sources = [source for weight in read_model(name, config).weights for source in weight.sources if isinstance(source, Source)]
    shapes = {source.in_files["hugging_face"].name: source.stored_shape("hugging_face") for source in sources}
    noise = np.random.default_rng(0).standard_normal(CHUNK, np.float32) * np.float32(0.02)
    piece = (noise.view(np.uint32) >> 16).astype("<u2").tobytes()
    files: list[dict[str, tuple[int, ...]]] = [{}]
    size = 0
    for tensor, shape in shapes.items():
        if size > FILE:
            files, size = [*files, {}], 0
        files[-1][tensor] = shape
        size += 2 * int(np.prod(shape))
    index = {}
    for number, tensors in enumerate(files):
        header, end = {}, 0
        for tensor, shape in tensors.items():
            begin, end = end, end + 2 * int(np.prod(shape))
            header[tensor] = {"dtype": "BF16", "shape": shape, "data_offsets": [begin, end]}
            index[tensor] = f"model-{number + 1:05}-of-{len(files):05}.safetensors"
        text = json.dumps(header).encode()
        with (folder / index[tensor]).open("wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for first in range(0, end, len(piece)):
                file.write(piece[: end - first])
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))
    (folder / "config.json").write_text(json.dumps({**config, "torch_dtype": "bfloat16"}))


def main(name: str, folder: Path, scheme: str) -> None:
    source, cache_folder = folder / name, folder / "cache"
    if not (source / "config.json").exists():
        write(name, source)
    shutil.rmtree(cache_folder, ignore_errors=True)
    read = sum(file.stat().st_size for file in source.glob("*.safetensors"))
    request = resolve(BuildRequest("site", (str(source),), out=folder / "out", quantization=scheme, cache_dir=cache_folder))
    start = time.perf_counter()
    with Cache(request.cache_dir) as cache:
        packed = store_weights(Recipe.read(request, cache, Clock()), cache, Clock())
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    sizes = f"{read / 1e9:.2f} GB to {packed.bytes / 1e9:.2f} GB"
    print(f"{name}: {sizes} in {seconds:.1f} s: {read / 1e6 / seconds:.0f} MB/s, at most {peak:.2f} GB of memory")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3] if len(sys.argv) == 4 else "q4")
