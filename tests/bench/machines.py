"""What binds a model's kernels on machines that are not here: bytes and instructions of its compiled kernels at the public numbers of each.

    python tests/bench/machines.py SITE [--function decode|prefill|decode_8] [--context 512] [--machine NAME] [--all] [--kernels] [--counts]

SITE: a folder with a built model, or a site of bare_site.py. Shown is the variant that the browser would take, with --all every one that it
could. Each kernel is taken in the tile that is predicted to be the fastest, as calibration would choose; --kernels lists all tiles of each.
--counts tells, of each variant, what a weight costs: bytes from memory, and instructions by kind (in a prefill for all of the tokens).
Predicted is the longest of what memory, arithmetic and the caches take at their highest rates, and NVIDIA's also has what a dispatch
costs there: real kernels take longer.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from count import count
from wgsl import Module, parse

from wasm_library import WasmLibrary
from webllm_build.compile.abi_generated import LAUNCH_WORDS
from webllm_build.compile.link import PLAN_SECTION, WGSL_SECTION, read_custom_section
from webllm_build.compile.plan import Function, Plan, VariantPlan, parse_plan

DATA = Path(__file__).with_name("machines.json")
TOKENS = {"decode": 1, "decode_2": 2, "decode_4": 4, "decode_8": 8, "prefill": 0}  # of a call; 0: of the context
ARITHMETIC = ("f32", "f16", "int", "dot8", "widen", "convert", "special", "shuffle")


COUNTED = (*ARITHMETIC, "load", "shared", "barrier")


@dataclass(frozen=True)
class Machine:
    """A row of machines.json, whose "rates" tells what the numbers are. vendor: as browsers call it. gb_per_s: of memory. subgroup: the
    least and the largest size."""

    name: str
    vendor: str
    gb_per_s: float
    cores: int
    ghz: float
    issue: float | None
    rates: Mapping[str, float]
    cache: float
    shared: float
    subgroup: tuple[int, int]
    has_f16: bool
    dispatch_us: float

    @staticmethod
    def of(row: Mapping[str, Any]) -> Machine:
        rates = {kind: float(row[kind] or math.inf) for kind in ARITHMETIC}
        least, largest = row["subgroup"]
        return Machine(
            row["name"], row["class"], row["gb_per_s"], row["cores"], row["ghz"], row["issue"], rates, row["cache"], row["shared"],
            (least, largest), row["has_f16"], row["dispatch_us"] or 0,
        )  # fmt: skip

    def runs(self, variant: VariantPlan) -> bool:
        if "subgroups" in variant.features and self.subgroup[0] < variant.min_subgroup_size:
            return False
        return self.has_f16 or "shader-f16" not in variant.features

    def variants(self, plan: Plan) -> list[VariantPlan]:
        """Those that run, in the order in which chooseVariants of runtime_js/src/executor/device.ts tries them."""
        found = [variant for variant in plan.variants if self.runs(variant)]
        return sorted(found, key=lambda variant: len(variant.language_features)) if self.vendor == "apple" else found

    def microseconds(self, work: Work) -> dict[str, float]:
        """Of one dispatch, by what takes them."""
        clocks = 1e3 * self.ghz * self.cores  # of all cores in a microsecond
        parts = {kind: work.instructions.get(kind, 0) / rate for kind, rate in self.rates.items()}
        all_issue = sum(work.instructions.values())
        arithmetic = sum(parts.values()) if self.issue is None else max(all_issue / self.issue, *parts.values())
        caches = work.moved.get("load", 0) / self.cache + work.moved.get("shared", 0) / self.shared
        return {"memory": work.bytes / self.gb_per_s / 1e3, "arithmetic": arithmetic / clocks, "caches": caches / clocks}


@dataclass(frozen=True)
class Work:
    """Of one dispatch. bytes: that must cross the GPU's memory. moved: bytes that invocations load and store, by what holds them."""

    weights: float
    bytes: float
    instructions: Mapping[str, float]
    moved: Mapping[str, float]


@dataclass(frozen=True)
class Kernel:
    """tiles: the work of one dispatch in each tile, by its name."""

    name: str
    dispatches: int
    tiles: Mapping[str, Work]


class Library:
    """Of a built folder."""

    def __init__(self, folder: Path) -> None:
        found = sorted(folder.glob("**/model.*.wasm"))
        if not found:
            raise SystemExit(f"{folder} has no model.<hash>.wasm: name a folder that webllm-build wrote")
        library = found[0].read_bytes()
        self.plan: Plan = parse_plan(read_custom_section(library, PLAN_SECTION))
        self._wgsl: list[str] = json.loads(read_custom_section(library, WGSL_SECTION))
        self._wasm = WasmLibrary(library)
        self._module = cache(lambda number: parse(self._wgsl[number]))

    def module(self, number: int) -> Module:
        return self._module(number)

    def variant(self, name: str) -> VariantPlan:
        return next(variant for variant in self.plan.variants if variant.name == name)

    def kernels(self, variant: VariantPlan, name: str, n: int, kv_length: int) -> Iterator[Kernel]:
        """Those of one of the variant's functions, for n new tokens where the cache then has kv_length."""
        function = variant.functions[name]
        launches = self._launches(variant, function, n, kv_length)
        state = {0: kv_length - n, 1: n}

        def read(binding: str, index: int) -> int | None:
            return state.get(index, 0) if binding == "state_ptr" else index if binding.startswith("page_table") else None

        for place, number in enumerate(function.kernels):
            kernel = variant.kernels[number]
            steps = [buffers for step, buffers in function.steps if step == place]
            each = [bytes_of(self.plan, variant, kernel.bindings, step, n, kv_length) for step in steps]
            weights, moved = (sum(values) / len(steps) for values in zip(*each, strict=True))
            tiles = {}
            for tile, words in zip(kernel.tiles, launches[place], strict=True):
                if "subgroup_matrix" in self._wgsl[tile.wgsl]:  # which few browsers have, and whose cost no table says
                    continue
                counts = count(self.module(tile.wgsl), tile.entry, words[:3], words[3:], read)
                instructions, bytes_ = counts.of_dispatch()
                tiles[tile.entry.removesuffix("_kernel")] = Work(weights, moved, instructions, bytes_)
            yield Kernel(kernel.name, len(steps), tiles)

    def _launches(self, variant: VariantPlan, function: Function, n: int, kv_length: int) -> list[list[list[int]]]:
        """Words of each tile of each kernel: grid, then uniform."""
        counts = [len(variant.kernels[number].tiles) for number in function.kernels]
        out = self._wasm.call("scratch", 4 * LAUNCH_WORDS * sum(counts))
        self._wasm.call(function.launch, n, kv_length, out)
        words = iter(self._wasm.read(out, LAUNCH_WORDS * sum(counts)))
        return [[[next(words) for _ in range(LAUNCH_WORDS)] for _ in range(tiles)] for tiles in counts]


def bytes_of(
    plan: Plan, variant: VariantPlan, bindings: Sequence[str], buffers: Sequence[int], n: int, kv_length: int
) -> tuple[float, float]:
    """Weights that a dispatch multiplies by, and bytes: as WorkModel of runtime_js/src/bench/work.ts counts them."""
    gathers = any(buffer.name == "tokens" for number, buffer in enumerate(plan.io, plan.io_base) if number in buffers)
    sizes = {weight.name: weight.bytes for weight in plan.weights}
    weights = moved = 0.0
    for binding, buffer in zip(bindings, buffers, strict=True):
        if buffer < plan.state_base:
            size, name = plan.weights[buffer].bytes, plan.weights[buffer].name
            is_mixture = plan.model.experts is not None and re.search(r"(^|[.])experts_", name)
            share = plan.model.experts.chosen / plan.model.experts.count if plan.model.experts and is_mixture else 1.0
            read = 1 - (1 - share) ** n
            moved += size * n / plan.model.vocab_size if gathers else size * read
            if name.endswith(".q") and not gathers:
                scales = sizes.get(f"{name[:-1]}s", 0)
                bits = {8: 4, 4: 4, 16: 8}[round(size / scales)] if scales else 4 if f"{name[:-1]}e" in sizes else 16
                weights += 8 * size / bits * read
        elif buffer < plan.io_base:
            state, size = plan.states[buffer - plan.state_base], variant.state_bytes[buffer - plan.state_base]
            seen = n if binding != "read" else kv_length if state.window is None else min(kv_length, state.window + n)
            moved += 2 * size if state.kind == "slots" else seen * size / plan.model.page_size
    return weights, moved


@dataclass(frozen=True)
class Predicted:
    """Of a function. us: by what binds the kernels in which they are spent. memory: what its bytes alone take."""

    us: Mapping[str, float]
    memory: float
    dispatches: float

    @property
    def total(self) -> float:
        return sum(self.us.values()) + self.dispatches


def best_tile(machine: Machine, kernel: Kernel) -> tuple[str, dict[str, float]]:
    times = {name: machine.microseconds(work) for name, work in kernel.tiles.items()}
    return min(times.items(), key=lambda item: (max(item[1].values()), sum(item[1].values())))


def predict(machine: Machine, kernels: Sequence[Kernel]) -> Predicted:
    spent: dict[str, float] = dict.fromkeys(("memory", "arithmetic", "caches"), 0.0)
    memory = 0.0
    for kernel in kernels:
        _, times = best_tile(machine, kernel)
        binds = max(times, key=times.__getitem__)
        spent[binds] += kernel.dispatches * times[binds]
        memory += kernel.dispatches * times["memory"]
    return Predicted(spent, memory, machine.dispatch_us * sum(kernel.dispatches for kernel in kernels))


def load_machines(part: str = "") -> list[Machine]:
    return [Machine.of(row) for row in json.loads(DATA.read_text("utf-8"))["machines"] if part.lower() in row["name"].lower()]


def counts_of(variant: str, kernels: Sequence[Kernel]) -> list[list[str]]:
    """Rows for the kernels that multiply by weights, each tile: what one weight costs."""
    rows = []
    for kernel in kernels:
        for tile, work in kernel.tiles.items():
            if work.weights:
                each = [work.bytes, *(work.instructions.get(kind, 0) for kind in COUNTED)]
                rows.append([variant, tile, *(f"{number / work.weights:.2f}" for number in each)])
    return rows


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of Markdown, the first one the head."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "| " + " | ".join("---" for _ in rows[0]) + " |", *lines[1:]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("site", type=Path)
    parser.add_argument("--function", choices=TOKENS, default="decode")
    parser.add_argument("--context", type=int, default=512)
    parser.add_argument("--machine", default="")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--kernels", action="store_true")
    parser.add_argument("--counts", action="store_true")
    given = parser.parse_args()
    library = Library(given.site)
    n = TOKENS[given.function] or given.context
    counted = cache(lambda name: list(library.kernels(library.variant(name), given.function, n, given.context)))
    if given.counts:
        head = ["variant", "kernel and tile", "bytes", *COUNTED]
        print(table([head, *(row for variant in library.plan.variants for row in counts_of(variant.name, counted(variant.name)))]))
        return
    rows = [["machine", "variant", "tok/s at most", "of the bandwidth", "bound by"]]
    details = [["machine", "kernel and tile", "dispatches", "memory", "arithmetic", "caches", "us"]]
    for machine in load_machines(given.machine):
        for variant in machine.variants(library.plan)[: None if given.all else 1]:
            kernels: list[Kernel] = counted(variant.name)
            found = predict(machine, kernels)
            shares = sorted(found.us.items(), key=lambda item: -item[1])
            bound = ", ".join(f"{kind} {us / sum(found.us.values()):.0%}" for kind, us in shares if us / sum(found.us.values()) >= 0.005)
            rows.append([machine.name, variant.name, f"{1e6 * n / found.total:,.0f}", f"{found.memory / found.total:.0%}", bound])
            for kernel in kernels:
                for tile, work in kernel.tiles.items():
                    times = machine.microseconds(work)
                    cells = [f"{times[part]:.1f}" for part in ("memory", "arithmetic", "caches")]
                    details.append([f"{machine.name}, {variant.name}", tile, str(kernel.dispatches), *cells, f"{max(times.values()):.1f}"])
    print(table(rows))
    if given.kernels:
        print("\n" + table(details))


if __name__ == "__main__":
    main()
