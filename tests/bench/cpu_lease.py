"""The CPU beside llama.cpp's build for browsers (npm @wllama/wllama), and beside the floors: load, prefill, decode, memory.

    python tests/bench/cpu_lease.py prepare FOLDER WLLAMA [SHAPE ...]  # here; WLLAMA is the package's folder
    python FOLDER/tests/bench/cpu_lease.py measure FOLDER              # there, with what FOLDER got, NumPy and a Chromium

Weights are random, of each shape: q4a beside Q4_1 of SmolLM2, q4 beside Q4_0 of others. Each line is printed as it is measured, one after
the other, what matters most first, and a table of all at the end. Memory is what the page takes at most from the time when the model's
files are stored, without its weights and without what it took then.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import chromium
from open_page import TESTS, console, serve

SHAPES = ("smollm2-135m", "llama-3.2-1b", "qwen3-0.6b")
ROOT = TESTS.parent
PAGES = ("cpu.html", "page.js", "persuasion.txt", "cpu_lease.py", "fill_weights.py")
CARRIED = ("tests/open_page.py", "tests/chromium.py", *(f"tests/bench/{name}" for name in PAGES))
UNUSED = ("__pycache__", "_*", "*.json", "*.txt", "compile", "model", "source", "quantize", "package", "commands")
TARGET = ("-target", "wasm32-freestanding", "-mcpu=generic+simd128+relaxed_simd")
FLOOR = ("cc", *TARGET, "-O3", "-nostdlib", "-Wl,--no-entry", "-Wl,--export-memory")
# Of a block of GGUF: bytes of scales, as written, and of numbers.
SCALE = b"\x73\x1c"  # float16, 0.0043: weights of deviation 0.02
BLOCKS = {"Q4_0": (SCALE, 16), "Q4_1": (SCALE + b"\x2d\xa8", 16), "Q8_0": (b"\x73\x0c", 32), "F32": (b"", 4)}
CHUNK = 1 << 16  # blocks made at a time


@dataclass
class Measured:
    """before, most: bytes of memory of the page at the line LOADING, and the largest number behind it."""

    said: dict[str, Any] = field(default_factory=dict)
    before: int = 0
    most: int = 0


def prepare(folder: Path, wllama: Path, shapes: Sequence[str]) -> None:
    from bare_site import write_bare
    from make_gguf import smollm2, write

    folder.mkdir(parents=True, exist_ok=True)
    for name in CARRIED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    unused = shutil.ignore_patterns(*UNUSED)
    shutil.copytree(ROOT / "builder/webllm_build", folder / "builder/webllm_build", dirs_exist_ok=True, ignore=unused)
    (folder / "builder/webllm_build/__init__.py").touch()
    unused = shutil.ignore_patterns("*.d.ts", "icons*", "words*")
    shutil.copytree(ROOT / "runtime_js/dist", folder / "runtime_js/dist", dirs_exist_ok=True, ignore=unused)
    (folder / "wllama/wasm").mkdir(parents=True, exist_ok=True)
    shutil.copy(wllama / "esm/index.min.js", folder / "wllama/index.min.js")
    (folder / "wllama/wasm/wllama.wasm.xz").write_bytes(lzma.compress((wllama / "esm/wasm/wllama.wasm").read_bytes()))
    (folder / "floor").mkdir(exist_ok=True)
    subprocess.run([sys.executable, "-m", "ziglang", *FLOOR, TESTS / "bench/floor.c", "-o", folder / "floor/floor.wasm"], check=True)
    (folder / "gguf").mkdir(exist_ok=True)
    for name in shapes:
        made = folder / "gguf" / f"{name}.gguf"
        if name == "smollm2-135m":
            made = smollm2()
        else:
            write(name, made, smollm2(), holes=True)
        (folder / "gguf" / f"{name}.json.xz").write_bytes(lzma.compress(json.dumps(skeleton(made)).encode("utf-8")))
        write_bare(name, made, folder / "sites" / name, ("f32",), 4096, "float", cpu=True)
        if made.parent == folder / "gguf":
            made.unlink()


def skeleton(file: Path) -> dict[str, Any]:
    """What fill() needs to write the file with other weights."""
    import gguf

    reader = gguf.GGUFReader(file)
    with file.open("rb") as opened:
        head = opened.read(reader.data_offset)
    return {"head": head.hex(), "tensors": [[int(each.data_offset), int(each.n_bytes), each.tensor_type.name] for each in reader.tensors]}


def fill(folder: Path, name: str) -> Path:
    """Writes a GGUF with random weights; gives it."""
    import numpy as np

    found, random = json.loads(lzma.decompress((folder / "gguf" / f"{name}.json.xz").read_bytes())), np.random.default_rng(0)
    pieces = {"F32": np.ones(CHUNK, np.float32).tobytes()}
    for kind, (scale, numbers) in BLOCKS.items():
        if kind not in pieces:
            piece = random.integers(0, 256, (CHUNK, len(scale) + numbers), np.uint8)
            piece[:, : len(scale)] = np.frombuffer(scale, np.uint8)
            pieces[kind] = piece.tobytes()
    file = folder / "gguf" / f"{name}.gguf"
    with file.open("wb") as out:
        out.write(bytes.fromhex(found["head"]))
        for offset, size, kind in found["tensors"]:
            out.seek(offset)
            for first in range(0, size, len(pieces[kind])):
                out.write(pieces[kind][: size - first])
    return file


def renderers() -> Iterator[int]:
    """Bytes of memory of each renderer that runs."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended
            if b"--type=renderer" in (process / "cmdline").read_bytes():
                found = re.search(r"VmRSS:\s+(\d+) kB", (process / "status").read_text("ascii", "replace"))
                yield 1024 * int(found[1]) if found else 0


def measure(folder: Path, program: Path, query: str, seconds: float, roots: dict[str, Path]) -> Measured:
    """Raises RuntimeError where the page failed, TimeoutError."""
    found, loading, done = Measured(), threading.Event(), threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            if loading.is_set():
                found.most = max(found.most, *renderers(), 0)

    threading.Thread(target=watch, daemon=True).start()
    flags = [*chromium.FLAGS["default"], "--js-flags=--expose-gc"]
    try:
        with serve({"tests": folder / "tests", "runtime": folder / "runtime_js/dist", **roots}) as origin:
            for line in console(f"{origin}/tests/bench/cpu.html?{query}", program, flags, seconds):
                if line.startswith("LOADING"):
                    found.before = max(renderers(), default=0)
                    loading.set()
                if line.startswith(("FAIL", "EXCEPTION")):
                    raise RuntimeError(line.partition("\n")[0])
                if line.startswith("DONE"):
                    found.said = json.loads(line.removeprefix("DONE "))
    finally:
        done.set()
    return found


def parts(threads: Sequence[int], shapes: Sequence[str]) -> Iterator[tuple[str, str, int, str]]:
    """Shape, engine, threads, and how much is asked of it: llama.cpp's build takes a minute for a prompt of 1B in one thread."""
    for count in threads:
        yield "", "floor", count, ""
    for shape, count in sorted(product(shapes, threads), key=lambda each: each[1] > 2):  # stable: what matters most first
        small = shape == SHAPES[0]
        yield shape, "ours", count, f"runs={2 if small else 1}&tokens={64 if small else 32}"
        yield shape, "wllama", count, "runs=0&tokens=32" if small else "runs=0&tokens=6&prompt=112"


def run(folder: Path, seconds: float, threads: Sequence[int]) -> None:
    program = chromium.find()
    if program is None:
        raise SystemExit("There is no Chromium: name one in the variable CHROMIUM.")
    began = time.monotonic()
    shapes = [name for name in SHAPES if (folder / "sites" / name).is_dir()]
    (folder / "wllama/wasm/wllama.wasm").write_bytes(lzma.decompress((folder / "wllama/wasm/wllama.wasm.xz").read_bytes()))
    import fill_weights

    weights, rows = {}, []
    for shape in shapes:
        if not fill_weights.has_weights(folder / "sites" / shape):
            fill_weights.main(folder / "sites" / shape)
        size = fill(folder, shape).stat().st_size
        shards = (folder / "sites" / shape / "model").glob("weights-*")
        weights[shape] = {"ours": sum(shard.stat().st_size for shard in shards), "wllama": size}
    print(f"{os.cpu_count()} processors; made in {time.monotonic() - began:.0f} s", flush=True)
    for shape, engine, count, asked in parts(threads, shapes):
        left = seconds - (time.monotonic() - began)
        if left < 5:
            print(f"{shape} {engine} {count}: no time left")
            continue
        roots = {name: folder / name for name in ("wllama", "gguf", "floor")} | {"site": folder / "sites" / (shape or shapes[0])}
        query = f"threads={count}&engine={engine}&file={shape}.gguf&{asked}"
        try:
            found = measure(folder, program, query, min(left, 60), roots)
        except (RuntimeError, OSError, ValueError) as error:
            print(f"{shape} {engine} {count} failed: {error}"[:300], flush=True)
            continue
        said = found.said
        if engine == "floor":
            print(f"floor, {count} threads: {said['bandwidth']:.1f} GB/s read, {said['products']:.0f} G products/s", flush=True)
            continue
        beyond = (found.most - found.before - weights[shape][engine]) / 1e6
        rows.append((shape, engine, count, said["decode"], said["prefill"], said["load"], beyond))
        speed = f"decode {said['decode']:7.2f}, prefill {said['prefill']:7.1f} ({said['prompt']} tokens), load {said['load']:5.2f} s"
        print(f"{shape:13} {engine:7} {count} threads: {speed}, memory beyond weights {beyond:5.0f} MB", flush=True)
    print(table(rows))
    print(f"{time.monotonic() - began:.0f} s in all")


def table(rows: Sequence[tuple[str, str, int, float, float, float, float]]) -> str:
    """Markdown."""
    of = {(shape, engine, count): values for shape, engine, count, *values in rows}
    columns = (f"{what}, {whose}" for what in ("decode", "prefill", "load", "memory") for whose in ("wllama", "ours"))
    lines = [f"| | threads | {' | '.join(columns)} |", "| --- " * 10 + "|"]
    for shape, count in dict.fromkeys((shape, count) for shape, _, count, *_ in rows):
        theirs, ours = of.get((shape, "wllama", count)), of.get((shape, "ours", count))
        cells = [shape, str(count)]
        for at, form in enumerate(("{:.1f}", "{:.1f}", "{:.2f} s", "{:.0f} MB")):
            cells.append(form.format(theirs[at]) if theirs else "")
            ratio = f" ({ours[at] / theirs[at]:.2f} x)" if theirs and ours else ""
            cells.append((form.format(ours[at]) if ours else "") + ratio)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    of_prepare, of_measure = commands.add_parser("prepare"), commands.add_parser("measure")
    of_prepare.add_argument("folder", type=Path)
    of_prepare.add_argument("wllama", type=Path)
    of_prepare.add_argument("shapes", nargs="*", default=SHAPES)
    of_measure.add_argument("folder", type=Path)
    of_measure.add_argument("--seconds", type=float, default=290)
    of_measure.add_argument("--threads", type=int, nargs="*", default=(1, 2, 4))
    given = parser.parse_args()
    if given.command == "prepare":
        prepare(given.folder, given.wllama, given.shapes)
    else:
        run(given.folder.resolve(), given.seconds, given.threads)
