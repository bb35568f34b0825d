"""The plan's specification, as code: it runs after lowering and again on the packaged file, and names the first illegal step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from webllm_build.compile.abi_generated import MAX_GROUPS, MAX_ROWS, MAX_TILES, PLAN_FORMAT
from webllm_build.compile.plan import MAX_UNIFORM_WORDS, Function, Kernel, Plan, PlanHead, Tile, VariantPlan, page_groups, slot_count
from webllm_build.compile.target import VENDORS
from webllm_build.errors import PlanError


def verify_plan(plan: Plan, wgsl: Sequence[str]) -> None:
    """Checks a plan against its WGSL modules.

    Raises:
        PlanError: the first thing that breaks the specification, with its variant, function and step.
    """
    _require(plan.format == PLAN_FORMAT, f"plan format {plan.format}, not {PLAN_FORMAT}")
    _require(bool(plan.variants), "no variants")
    names = [*(buffer.name for buffer in (*plan.weights, *plan.io, *plan.stored)), *(state.name for state in plan.states)]
    _require(len(set(names)) == len(names), "two buffers with one name")
    for number, rope in enumerate(plan.model.ropes):
        _require(f"rope{number}" in names, f"no io buffer rope{number}")
        _require(
            all(math.isfinite(value) for value in (*rope.inv_freq, *(rope.long_inv_freq or ()), rope.scale)), f"rope{number} is not finite"
        )
        _require(rope.axes is None or len(rope.axes) == len(rope.inv_freq), f"rope{number} has not an axis for each pair")
        _require(max(rope.axes or (0,)) <= 2, f"rope{number} has more than three axes")
        _require((rope.long_inv_freq is None) == (rope.original is None), f"rope{number} has half of what long sequences need")
        _require(rope.long_inv_freq is None or len(rope.long_inv_freq) == len(rope.inv_freq), f"rope{number} has tables of two sizes")
    groups = page_groups(plan.states)
    _require(len(groups) <= MAX_GROUPS, f"{len(groups)} groups of states in pages, more than {MAX_GROUPS}")
    for number in range(len(groups)):
        _require(f"page_table{number}" in names, f"no io buffer page_table{number}")
    for buffer in (*plan.weights, *plan.io):
        _require(buffer.bytes > 0 and buffer.bytes % 4 == 0, f"buffer {buffer.name} of {buffer.bytes} bytes")
    _require(len({stored.io for stored in plan.stored}) == len(plan.stored), "rows of two stored buffers in one io buffer")
    sizes = {buffer.name: buffer.bytes for buffer in plan.io}
    chunk = max(plan.model.prefill_chunk, MAX_ROWS)
    for stored in plan.stored:
        _require(stored.row_bytes > 0 and stored.row_bytes % 4 == 0, f"rows of {stored.row_bytes} bytes in {stored.name}")
        _require(stored.bytes == plan.model.vocab_size * stored.row_bytes, f"{stored.name} has no row for each token")
        _require(sizes.get(stored.io) == chunk * stored.row_bytes, f"no io buffer {stored.io} for the rows of {stored.name}")
    for variant in plan.variants:
        _verify_variant(plan, variant, wgsl)
    shapes: dict[tuple[object, ...], VariantPlan] = {}  # of one arithmetic, with subgroups or without, all take the same steps
    for variant in plan.variants:
        first = shapes.setdefault((variant.language_features, "subgroups" in variant.features), variant)
        steps = [{name: len(function.steps) for name, function in of.functions.items()} for of in (first, variant)]
        for name in steps[0] | steps[1]:
            _require(steps[0].get(name) == steps[1].get(name), f"variants {first.name} and {variant.name} differ in the steps of {name}")


def _verify_variant(plan: Plan, variant: VariantPlan, wgsl: Sequence[str]) -> None:
    where = f"variant {variant.name}"
    limits = variant.limits
    _require(len(variant.state_bytes) == len(plan.states), f"{where}: {len(variant.state_bytes)} sizes of {len(plan.states)} states")
    sizes = [buffer.bytes for buffer in plan.weights]
    slots = slot_count(plan.states, variant.state_bytes)
    for state, size in zip(plan.states, variant.state_bytes, strict=True):
        _require(size > 0 and size % 4 == 0, f"{where}: {state.name} of {size} bytes")
        sizes.append(size if state.kind == "pages" else slots * size)
    sizes += [buffer.bytes for buffer in plan.io]
    sizes += variant.workspace
    _require(max(sizes) <= limits["maxStorageBufferBindingSize"], f"{where}: a buffer over its own binding limit")
    _require(max(sizes) <= limits["maxBufferSize"], f"{where}: a buffer over its own size limit")
    for kernel in variant.kernels:
        _verify_kernel(kernel, variant, wgsl, f"{where}, kernel {kernel.name}")
    _require(bool(variant.functions), f"{where}: no functions")
    for name, function in variant.functions.items():
        verify_function(plan, variant.kernels, function, len(sizes), f"{where}, {name}")


def _verify_kernel(kernel: Kernel, variant: VariantPlan, wgsl: Sequence[str], where: str) -> None:
    _require(set(kernel.bindings) <= {"read", "read_write"}, f"{where}: bindings {kernel.bindings}")
    most = variant.limits["maxStorageBuffersPerShaderStage"]
    _require(0 < len(kernel.bindings) <= most, f"{where}: {len(kernel.bindings)} storage buffers")
    _require(kernel.uniform in (-1, len(kernel.bindings)), f"{where}: uniform at binding {kernel.uniform}")
    _require(kernel.uniform_words <= MAX_UNIFORM_WORDS, f"{where}: {kernel.uniform_words} uniform words")
    _require(0 < len(kernel.tiles) <= MAX_TILES, f"{where}: {len(kernel.tiles)} tiles")
    for vendor, number in kernel.defaults.items():
        _require(vendor in VENDORS and 0 <= number < len(kernel.tiles), f"{where}: tile {number} for the vendor {vendor}")
    for tile in kernel.tiles:
        _verify_tile(tile, variant, wgsl, where)
    _require("subgroup_matrix" not in wgsl[kernel.tiles[0].wgsl], f"{where}: no tile without subgroup matrices to fall back on")


def _verify_tile(tile: Tile, variant: VariantPlan, wgsl: Sequence[str], where: str) -> None:
    _require(0 <= tile.wgsl < len(wgsl), f"{where}: WGSL module {tile.wgsl}")
    text = wgsl[tile.wgsl]
    _require(f"fn {tile.entry}(" in text, f"{where}: no entry point {tile.entry}")
    _require(("enable f16;" not in text) or "shader-f16" in variant.features, f"{where}: f16 in a variant without it")
    dots = "packed_4x8_integer_dot_product" in variant.language_features
    _require("dot4I8Packed(" not in text or dots, f"{where}: integer dot products in a variant without them")
    _require(("enable subgroups;" not in text) or "subgroups" in variant.features, f"{where}: subgroups in a variant without them")


class Bound(Protocol):
    """A kernel of either plan."""

    @property
    def name(self) -> str: ...

    @property
    def bindings(self) -> tuple[str, ...]: ...


def verify_function(plan: PlanHead, kernels: Sequence[Bound], function: Function, buffers: int, where: str) -> None:
    """Checks the steps of a function. buffers: how many there are. Raises PlanError."""
    written: set[int] = set()
    slots = {plan.state_base + number for number, state in enumerate(plan.states) if state.kind == "slots"}
    places = {plan.io_base + number for number, buffer in enumerate(plan.io) if buffer.name == "state"}
    for index, (slot, arguments) in enumerate(function.steps):
        _require(0 <= slot < len(function.kernels), f"{where}, step {index}: kernel slot {slot}")
        number = function.kernels[slot]
        _require(0 <= number < len(kernels), f"{where}, step {index}: kernel {number}")
        kernel = kernels[number]
        step = f"{where}, step {index} ({kernel.name})"
        _require(len(arguments) == len(kernel.bindings), f"{step}: {len(arguments)} buffers for {len(kernel.bindings)} bindings")
        reads = [buffer for buffer, access in zip(arguments, kernel.bindings, strict=True) if access == "read"]
        writes = [buffer for buffer, access in zip(arguments, kernel.bindings, strict=True) if access == "read_write"]
        for buffer in arguments:
            _require(0 <= buffer < buffers, f"{step}: buffer {buffer} of {buffers}")
        _require(slots.isdisjoint(arguments) or not places.isdisjoint(arguments), f"{step}: slots without `state`, which says which")
        for buffer in reads:
            _require(buffer not in writes, f"{step}: buffer {buffer} is both read and written")
            _require(buffer < plan.workspace_base or buffer in written, f"{step}: workspace {buffer} read before written")
        for buffer in writes:
            _require(buffer >= plan.state_base, f"{step}: weight {buffer} is written")
            _require(writes.count(buffer) == 1, f"{step}: buffer {buffer} is written through two bindings")
        written.update(writes)


def _require(condition: bool, problem: str) -> None:
    if not condition:
        raise PlanError(f"The plan is not legal: {problem}.", "This is a defect of the compiler: please report it with the model's name.")
