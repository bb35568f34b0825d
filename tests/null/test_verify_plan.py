"""The plan's specification names the first illegal step."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from webllm_build.compile.abi_generated import MAX_TILES
from webllm_build.compile.plan import Buffer, Function, Kernel, Plan, PlanModel, Rope, State, Stored, Tile, VariantPlan, parse_plan
from webllm_build.compile.target import DEFAULT_LIMITS, VARIANTS
from webllm_build.compile.verify import verify_plan
from webllm_build.errors import PlanError

WGSL = ["@compute fn copy_kernel() {}", "@compute fn wide_copy_kernel() {}"]
COPY, WIDE_COPY = Tile(0, "copy_kernel"), Tile(1, "wide_copy_kernel")
KERNEL = Kernel("copy", ("read", "read_write"), 2, 1, (COPY, WIDE_COPY), {"apple": 1})
# Buffer ids: 0 one weight, 1 one layer's cache, 2 to 4 io, 5 and 6 workspace.
WEIGHT, CACHE, FIRST_IO, SCRATCH, OTHER = 0, 1, 2, 5, 6
STEPS = ((0, (WEIGHT, SCRATCH)), (0, (SCRATCH, OTHER)), (0, (OTHER, FIRST_IO)))


def make_plan(steps: tuple[tuple[int, tuple[int, ...]], ...] = STEPS, kernel: Kernel = KERNEL) -> Plan:
    function = Function("launch_0_x", (0,), steps)
    variant = VariantPlan(
        name="f32",
        features=(),
        language_features=(),
        min_subgroup_size=0,
        limits=dict(DEFAULT_LIMITS),
        state_bytes=(64,),
        workspace=(16, 16),
        kernels=(kernel,),
        functions={"decode": function},
    )
    model = PlanModel(32, 32, 64, 16, 32, 1, (Rope((1.0, 0.5, 0.25, 0.125), 1.0),))
    io = (Buffer("logits", 64), Buffer("rope0", 64), Buffer("page_table0", 64))
    return Plan(model, (Buffer("w", 16),), (State("kv0", "pages", 8),), io, (), (variant,))


def test_accepts_a_legal_plan_and_reads_it_back() -> None:
    plan = make_plan()
    verify_plan(plan, WGSL)
    assert parse_plan(plan.to_json()) == plan


def stored(**changes: Any) -> Plan:
    """With rows of 12 bytes in storage."""
    plan = make_plan()
    table = replace(Stored("table.q", 12 * 32, 12, "rows0"), **changes)
    return replace(plan, io=(*plan.io, Buffer("rows0", 12 * 32)), stored=(table,))


def test_accepts_rows_in_storage() -> None:
    plan = stored()
    verify_plan(plan, WGSL)
    assert parse_plan(plan.to_json()) == plan


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": "w"}, "two buffers with one name"),
        ({"row_bytes": 6, "bytes": 6 * 32}, "rows of 6 bytes"),
        ({"bytes": 12 * 31}, "no row for each token"),
        ({"row_bytes": 8, "bytes": 8 * 32}, "no io buffer rows0 for the rows"),
        ({"io": "rows1"}, "no io buffer rows1"),
    ],
)
def test_rows_in_storage_fit_the_step_that_takes_them(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(PlanError, match=problem):
        verify_plan(stored(**changes), WGSL)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda plan: plan.pop("io"), "plan.io"),
        (lambda plan: plan["model"].update(vocab_size="32"), "plan.model.vocab_size"),
        (lambda plan: plan["states"][0].update(kind="heap"), "kind is not pages or slots"),
        (lambda plan: plan["variants"][0]["limits"].update(maxBufferSize=-1), "limits.maxBufferSize"),
        (lambda plan: plan["variants"][0]["functions"]["decode"].update(steps=[[0, [0], 0]]), r"decode.steps\[0\]"),
        (lambda plan: plan["variants"][0]["kernels"][0].update(uniform=True), "uniform"),
    ],
)
def test_says_where_it_is_no_plan(change: Callable[[Any], object], place: str) -> None:
    plan = json.loads(make_plan().to_json())
    change(plan)
    with pytest.raises(ValueError, match=place):
        parse_plan(json.dumps(plan).encode())


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        (((1, (WEIGHT, SCRATCH)),), "step 0: kernel slot 1"),
        (((0, (WEIGHT,)),), r"step 0 \(copy\): 1 buffers"),
        (((0, (WEIGHT, 7)),), r"step 0 \(copy\): buffer 7"),
        (((0, (WEIGHT, -1)),), r"step 0 \(copy\): buffer -1"),
        (((0, (SCRATCH, OTHER)),), "read before written"),
        (((0, (WEIGHT, SCRATCH)), (0, (SCRATCH, SCRATCH))), "step 1 .* both read and written"),
        (((0, (CACHE, WEIGHT)),), "weight 0 is written"),
    ],
)
def test_names_the_first_illegal_step(steps: tuple[tuple[int, tuple[int, ...]], ...], problem: str) -> None:
    with pytest.raises(PlanError, match=problem):
        verify_plan(make_plan(steps), WGSL)


@pytest.mark.parametrize(
    ("kernel", "problem"),
    [
        (replace(KERNEL, tiles=(COPY, Tile(2, "copy_kernel"))), "WGSL module 2"),
        (replace(KERNEL, tiles=(COPY, Tile(1, "copy_kernel"))), "no entry point copy_kernel"),
        (replace(KERNEL, tiles=()), "0 tiles"),
        (replace(KERNEL, tiles=(COPY,) * (MAX_TILES + 1)), "9 tiles"),
        (replace(KERNEL, defaults={"apple": 2}), "tile 2 for the vendor apple"),
        (replace(KERNEL, defaults={"acme": 0}), "tile 0 for the vendor acme"),
        (replace(KERNEL, bindings=("read", "write")), "bindings"),
        (replace(KERNEL, uniform=0), "uniform at binding 0"),
        (replace(KERNEL, uniform_words=6), "6 uniform words"),
    ],
)
def test_names_an_illegal_kernel(kernel: Kernel, problem: str) -> None:
    with pytest.raises(PlanError, match=problem):
        verify_plan(make_plan(kernel=kernel), WGSL)


FOUR = (1.0, 0.5, 0.25, 0.125)


def with_variant(plan: Plan, **changes: Any) -> Plan:
    return replace(plan, variants=(replace(plan.variants[0], **changes),))


def with_rope(plan: Plan, rope: Rope) -> Plan:
    return replace(plan, model=replace(plan.model, ropes=(rope,)))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda plan: replace(plan, format=plan.format + 1), "plan format"),
        (lambda plan: replace(plan, variants=()), "no variants"),
        (lambda plan: replace(plan, io=(*plan.io, Buffer("logits", 64))), "two buffers with one name"),
        (lambda plan: replace(plan, states=(State("w", "slots"),)), "two buffers with one name"),
        (lambda plan: replace(plan, states=()), "1 sizes of 0 states"),
        (lambda plan: replace(plan, io=(plan.io[0], plan.io[2])), "no io buffer rope0"),
        (lambda plan: replace(plan, io=plan.io[:2]), "no io buffer page_table0"),
        (lambda plan: with_rope(plan, Rope(FOUR, 1.0, axes=(0, 1, 2))), "rope0 has not an axis for each pair"),
        (lambda plan: with_rope(plan, Rope(FOUR, 1.0, axes=(0, 1, 2, 3))), "rope0 has more than three axes"),
        (lambda plan: with_rope(plan, Rope(FOUR, 1.0, FOUR)), "rope0 has half of what long sequences need"),
        (lambda plan: with_rope(plan, Rope(FOUR, 1.0, None, 16)), "rope0 has half of what long sequences need"),
        (lambda plan: with_rope(plan, Rope(FOUR, 1.0, FOUR[:3], 16)), "rope0 has tables of two sizes"),
        (lambda plan: replace(plan, weights=(Buffer("w", 0),)), "buffer w of 0 bytes"),
        (lambda plan: replace(plan, weights=(Buffer("w", 6),)), "buffer w of 6 bytes"),
        (lambda plan: with_variant(plan, state_bytes=()), "0 sizes of 1 states"),
        (lambda plan: with_variant(plan, state_bytes=(0,)), "kv0 of 0 bytes"),
        (lambda plan: with_variant(plan, state_bytes=(66,)), "kv0 of 66 bytes"),
        (lambda plan: with_variant(plan, functions={}), "no functions"),
    ],
)
def test_names_what_is_illegal_of_a_whole_plan(change: Callable[[Plan], Plan], problem: str) -> None:
    with pytest.raises(PlanError, match=problem):
        verify_plan(change(make_plan()), WGSL)


def test_rejects_a_feature_that_the_variant_does_not_declare() -> None:
    with pytest.raises(PlanError, match="f16 in a variant without it"):
        verify_plan(make_plan(), [WGSL[0], "enable f16;\n" + WGSL[1]])


def test_rejects_a_buffer_over_its_limit() -> None:
    plan = make_plan()
    big = replace(plan, weights=(Buffer("w", 1 << 30),))
    with pytest.raises(PlanError, match="over its own binding limit"):
        verify_plan(big, WGSL)


def test_variants_of_one_arithmetic_have_the_same_functions() -> None:
    plan = make_plan()
    (variant,) = plan.variants
    other = replace(variant, name="other", functions={**variant.functions, "embed": variant.functions["decode"]})
    with pytest.raises(PlanError, match="differ in the steps of embed"):
        verify_plan(replace(plan, variants=(variant, other)), WGSL)


def test_variants_with_subgroups_may_take_fewer_steps_than_those_without() -> None:
    plan = make_plan()
    (variant,) = plan.variants
    functions = {**variant.functions, "decode": replace(variant.functions["decode"], steps=variant.functions["decode"].steps[:-1])}
    verify_plan(replace(plan, variants=(variant, replace(variant, features=("subgroups",), functions=functions))), WGSL)
    with pytest.raises(PlanError, match="differ in the steps of decode"):
        verify_plan(replace(plan, variants=(variant, replace(variant, functions=functions))), WGSL)


def test_a_kernel_with_slots_is_told_which() -> None:
    plan = make_plan(((0, (WEIGHT, CACHE)),))
    slots = replace(plan, states=(State("mix0", "slots"),))
    with pytest.raises(PlanError, match=r"step 0 .* slots without `state`"):
        verify_plan(slots, WGSL)
    function = Function("launch_0_x", (0,), ((0, (FIRST_IO, CACHE)),))
    io, variant = (Buffer("state", 64), Buffer("rope0", 64)), replace(plan.variants[0], functions={"decode": function})
    verify_plan(replace(slots, io=io, variants=(variant,)), WGSL)
    large = replace(slots, io=io, variants=(replace(variant, state_bytes=(1 << 27,)),))
    with pytest.raises(PlanError, match="over its own binding limit"):  # of which there are MIN_SLOTS
        verify_plan(large, WGSL)


def test_the_name_of_a_variant_says_what_it_takes() -> None:
    for variant in VARIANTS:
        parts = ["f16" if variant.f16 else "f32", *["sg"] * variant.subgroups, *["int8"] * variant.integer]
        assert variant.name == "-".join(parts)
        assert ("shader-f16" in variant.features, "subgroups" in variant.features) == (variant.f16, variant.subgroups)
