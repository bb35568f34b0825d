"""All that is measured on a machine with a GPU, in one command: every shape in every respect, beside native llama.cpp and the floors.

    python tests/bench/lease.py prepare FOLDER [SHAPE ...]                           # here: sites without weights, to be carried there
    python tests/bench/lease.py measure FOLDER [--gpu nvidia] [--native PATH]        # there: needs this repository, NumPy and a Chromium
    python tests/bench/lease.py table FOLDER/measured.json                           # Markdown; RESULTS.md has that of speeds.json

Every sub-folder of FOLDER with an index.html is the site of a shape; weights that it lacks are made, and deleted again. Each result is
saved at once in FOLDER/measured.json, also that and why a part failed: called again, only what is missing or failed is measured.
PATH is llama-bench, which then gets a file of the shape's from make_gguf.py, or a folder with what `llama-bench -o json` printed, as
SHAPE.json. README's plot is of the same file: copy it to speeds.json, write `table` into RESULTS.md and run plot.py.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import fill_weights

from open_page import page_console

SHAPES = (
    *("smollm2-135m", "qwen3-0.6b", "llama-3.2-1b", "lfm2-1.2b", "gemma3-1b"),
    *("qwen3.5-2b", "llama-3.2-3b", "qwen3-4b", "llama-3.1-8b", "gpt-oss-20b"),
)
CONTEXT = 36864  # behind 32,768 tokens, an answer
HERE = Path(__file__).parent
COMMITTED = HERE / "speeds.json"

Data = dict[str, Any]


@dataclass(frozen=True)
class Site:
    name: str
    folder: Path


@dataclass(frozen=True)
class Lease:
    """prompts: tokens; the first is the usual one. behind: tokens in the cache. native: llama-bench, or a folder of its output. seconds:
    that a part may take."""

    gpu: str
    chromium: Path | None
    native: Path | None
    prompts: tuple[int, int]
    tokens: int
    behind: tuple[int, ...]
    streams: int
    runs: int
    seconds: float

    def page(self, site: Site, page: str, **query: object) -> Data:
        """What a page's last line says. Raises RuntimeError where it failed, TimeoutError, or OSError where there is no browser."""
        text = "&".join(f"{name.replace('_', '-')}={value}" for name, value in query.items())
        said = ""
        for line in page_console(page, {"site": site.folder}, text, self.gpu, self.chromium, self.seconds):
            if line.startswith(("FAIL", "EXCEPTION")):
                raise RuntimeError(line.partition("\n")[0])
            said = line
        found: Data = json.loads(said.removeprefix("DONE "))
        if "error" in found:
            raise RuntimeError(found["error"]["message"])
        return found

    def parts(self) -> Iterator[tuple[str, Callable[[Site], Data]]]:
        """What is measured of a shape, by name; what matters most first."""
        yield "speed", self.speed
        if self.native is not None:
            yield "native", self.of_native
        yield "floors", self.floors
        yield f"prompt of {self.prompts[1]}", lambda site: self.answer(site, self.prompts[1], 2)
        yield f"{self.streams} at once", self.together
        for tokens in self.behind:
            yield f"behind {tokens}", partial(self.behind_tokens, tokens=tokens)

    def answer(self, site: Site, prompt: int, tokens: int) -> Data:
        report = self.page(site, "site/bench.html", prompt_tokens=prompt, output_tokens=tokens, runs=self.runs)
        speed = report["speed"]
        found: Data = {"prefill": speed["prefill_tokens_per_s"], "first_token_ms": speed["time_to_first_token_ms"]}
        found |= {"decode": speed["decode_tokens_per_s"], "load_s": {load["from"]: load["ready"] for load in report["loads"]}}
        return found | {name: report[name] for name in ("gpu", "browser", "variant")}

    def speed(self, site: Site) -> Data:
        return self.answer(site, self.prompts[0], self.tokens)

    def behind_tokens(self, site: Site, tokens: int) -> Data:
        report = self.page(site, "site/bench.html", prompt_tokens=self.prompts[0], output_tokens=self.tokens, runs=1, context=tokens)
        (decode,) = (part for part in report["decode"] if part["context_tokens"] == tokens)
        return {"decode": decode["tokens_per_s"]}

    def together(self, site: Site) -> Data:
        query = {"prompt": self.prompts[0], "tokens": self.tokens, "streams": self.streams, "join": 0, "rounds": min(self.runs, 3)}
        return self.page(site, "bench/batch.html", **query)

    def floors(self, site: Site) -> Data:
        """Tokens a second that bytes over the measured bandwidth would allow, and that with what dispatches cost."""
        report = self.page(site, "site/bench.html", prompt_tokens=self.prompts[0], output_tokens=self.tokens, runs=0, kernels=1)
        return floors_of(report["profile"])

    def of_native(self, site: Site) -> Data:
        assert self.native is not None
        if self.native.is_dir():
            return native_speeds(json.loads((self.native / f"{site.name}.json").read_text("utf-8")), self.prompts)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"{site.name}.gguf"
            subprocess.run([sys.executable, HERE / "make_gguf.py", site.name, file], check=True, timeout=self.seconds)
            options = ["-p", ",".join(map(str, self.prompts)), "-n", str(self.tokens), "-r", "3", "-fa", "1", "-ngl", "99", "-o", "json"]
            run = subprocess.run([self.native, "-m", file, *options], check=True, timeout=self.seconds, stdout=subprocess.PIPE)
        return native_speeds(json.loads(run.stdout), self.prompts)


def floors_of(profile: Data) -> Data:
    machine = profile["machine"]
    found: Data = {"gb_per_s": machine["read_gb_per_s"], "dispatch_us": machine["dispatch_us"]}
    for function in profile["functions"]:
        kernels, tokens = function["kernels"], function["new_tokens"]
        bytes_us = sum(kernel["dispatches"] * kernel["bytes"] for kernel in kernels) / machine["read_gb_per_s"] / 1e3
        all_us = sum(kernel["dispatches"] * kernel["floor_us"] for kernel in kernels)
        if function["name"] in ("decode", "prefill"):
            found[function["name"]] = {"bytes": 1e6 * tokens / bytes_us, "with_dispatches": 1e6 * tokens / all_us}
    return found


def native_speeds(rows: Sequence[Data], prompts: Sequence[int]) -> Data:
    """Of the objects that llama-bench prints, one for each test. Raises KeyError where one is missing."""
    prefill = {row["n_prompt"]: row for row in rows if not row["n_gen"]}
    decode = {row["n_gen"]: row for row in rows if not row["n_prompt"]}
    if not decode:
        raise KeyError("llama-bench decoded nothing: run it with -n")
    (of_decode, *_) = decode.values()
    speeds = {str(prompt): {"mean": prefill[prompt]["avg_ts"], "deviation": prefill[prompt]["stddev_ts"]} for prompt in prompts}
    return {"decode": {"mean": of_decode["avg_ts"], "deviation": of_decode["stddev_ts"]}, "prefill": speeds}


def measure(folder: Path, lease: Lease, say: Callable[[str], None] = print) -> Path:
    """Measures what the folder's file does not have yet, and gives that file. What fails is noted and does not end it."""
    file = folder / "measured.json"
    data = json.loads(file.read_text("utf-8")) if file.exists() else begin(lease)
    for site in (Site(path.name, path) for path in sorted(folder.iterdir()) if (path / "index.html").is_file()):
        shape = data["shapes"].setdefault(site.name, {"parts": {}, "failed": {}})
        missing = [(name, part) for name, part in lease.parts() if name not in shape["parts"]]
        if not missing:
            continue
        if not fill_weights.has_weights(site.folder):
            shape["made"] = True
            save(file, data)
            fill_weights.main(site.folder)
        for name, part in missing:
            shape["failed"].pop(name, None)
            try:
                shape["parts"][name] = part(site)
                say(f"{site.name}: {name}")
                if name == "speed":
                    data["machine"] = machine_of(shape["parts"][name], lease)
            except (RuntimeError, OSError, subprocess.SubprocessError, KeyError, TypeError, ValueError) as error:
                shape["failed"][name] = f"{type(error).__name__}: {error}"[:500]
                say(f"{site.name}: {name} failed: {shape['failed'][name]}")
            save(file, data)
        if shape.pop("made", False):
            for path in site.folder.glob("**/weights-*.bin"):
                path.unlink()
            save(file, data)
    return file


def begin(lease: Lease) -> Data:
    commit = subprocess.run(["git", "rev-parse", "--short=8", "HEAD"], cwd=HERE, capture_output=True, text=True, check=False).stdout.strip()
    committed = json.loads(COMMITTED.read_text("utf-8"))
    asked = {"prompts": lease.prompts, "tokens": lease.tokens, "behind": lease.behind, "streams": lease.streams, "runs": lease.runs}
    date = datetime.now(timezone.utc).date().isoformat()
    return {"date": date, "commit": commit, "asked": asked, "others": committed["others"], "shapes": {}}


def machine_of(speed: Data, lease: Lease) -> str:
    """What the plot says of its figures."""
    browser = re.search(r"(Firefox|Chrome)/(\d+)", speed["browser"])
    program = f"{browser[1]} {browser[2]}" if browser else speed["browser"]
    return f"one {speed['gpu']}, {program}, random weights of each shape, a prompt of {lease.prompts[0]} tokens"


def save(file: Path, data: Data) -> None:
    """Whole, or not at all."""
    new = file.with_suffix(".new")
    new.write_text(json.dumps(data, indent=1) + "\n", "utf-8")
    new.replace(file)


def table(data: Mapping[str, Any]) -> str:
    """Markdown: a line for each shape."""
    first, long = data["asked"]["prompts"]
    behind, streams = data["asked"]["behind"], data["asked"]["streams"]
    head = ["shape", "decode", "native", "ratio", "floor: bytes, and dispatches", f"prefill {first:,}", "native", "ratio", "first token"]
    head += [f"prefill {long:,}", "native", f"{streams} at once", *(f"behind {tokens:,}" for tokens in behind), "load"]
    rows = [head, ["---"] * len(head)]
    for name, shape in data["shapes"].items():
        parts = shape["parts"]
        speed, native, floors = parts.get("speed", {}), parts.get("native", {}), parts.get("floors", {}).get("decode", {})
        prompt, together = parts.get(f"prompt of {long}", {}), parts.get(f"{streams} at once", {})
        of_native = {tokens: native.get("prefill", {}).get(str(tokens), {}) for tokens in (first, long)}
        decode, prefill = speed.get("decode"), speed.get("prefill")
        load = speed.get("load_s", {}).get("storage")
        row = [name, number(decode), spread(native.get("decode", {})), ratio(decode, native.get("decode", {}).get("mean"))]
        row += [", ".join(number(floors[kind]) for kind in ("bytes", "with_dispatches")) if floors else ""]
        row += [number(prefill), spread(of_native[first]), ratio(prefill, of_native[first].get("mean"))]
        row += [f"{speed['first_token_ms']:.1f} ms" if "first_token_ms" in speed else "", number(prompt.get("prefill"))]
        row += [spread(of_native[long]), number(together.get("decoding_together"))]
        for tokens in behind:
            there = parts.get(f"behind {tokens}", {}).get("decode")
            share = f" ({ratio(there, decode)})" if there and decode else ""
            row.append(number(there) + share)
        rows.append([*row, "" if load is None else f"{load:.2f} s"])
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    failed = [f"- {name}, {part}: {reason}" for name, shape in data["shapes"].items() for part, reason in shape["failed"].items()]
    return "\n".join([*lines, *(["", "Failed:", "", *failed] if failed else [])])


def number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def spread(value: Mapping[str, float]) -> str:
    if not value:
        return ""
    return number(value["mean"]) + (f" ± {number(value['deviation'])}" if "deviation" in value else "")


def ratio(value: float | None, other: float | None) -> str:
    return "" if value is None or not other else f"{value / other:.2f}"


def prepare(folder: Path, shapes: Sequence[str]) -> None:
    import bare_site

    for name in shapes:
        if not (folder / name / "index.html").exists():
            bare_site.main(name, folder / name, ("f16-sg-int8",), CONTEXT, "float")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    of_prepare, of_measure, of_table = (commands.add_parser(name) for name in ("prepare", "measure", "table"))
    of_prepare.add_argument("folder", type=Path)
    of_prepare.add_argument("shapes", nargs="*", default=SHAPES)
    of_measure.add_argument("folder", type=Path)
    of_measure.add_argument("--gpu", default="nvidia")
    of_measure.add_argument("--chromium", type=Path)
    of_measure.add_argument("--native", type=Path)
    of_measure.add_argument("--prompts", type=int, nargs=2, default=(512, 4096))
    of_measure.add_argument("--tokens", type=int, default=256)
    of_measure.add_argument("--behind", type=int, nargs="*", default=(4096, 32768))
    of_measure.add_argument("--streams", type=int, default=8)
    of_measure.add_argument("--runs", type=int, default=3)
    of_measure.add_argument("--seconds", type=float, default=300)
    of_table.add_argument("file", type=Path)
    given = parser.parse_args()
    if given.command == "prepare":
        prepare(given.folder, given.shapes)
    elif given.command == "table":
        print(table(json.loads(given.file.read_text("utf-8"))))
    else:
        lease = Lease(
            given.gpu, given.chromium, given.native, tuple(given.prompts), given.tokens, tuple(given.behind), given.streams, given.runs,
            given.seconds,
        )  # fmt: skip
        print(table(json.loads(measure(given.folder, lease, lambda line: print(line, flush=True)).read_text("utf-8"))))


if __name__ == "__main__":
    main()
