"""Counting what a kernel executes, and predicting what binds it on a machine."""

from __future__ import annotations

import json
import sys

import pytest

from open_page import TESTS

sys.path.insert(0, str(TESTS / "bench"))

from count import Counts, count
from machines import COUNTED, DATA, Kernel, Machine, Work, bytes_of, counts_of, load_machines, predict
from wgsl import parse

from webllm_build.compile.plan import Buffer, Mixture, Plan, PlanModel, State, VariantPlan

HEAD = """
@group(0) @binding(0) var<storage, read> x : array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y : array<f32>;
@group(0) @binding(2) var<storage, read> state_ptr : array<i32>;
struct Words { n: i32, most: u32 }
@group(0) @binding(3) var<uniform> words : Words;
var<workgroup> tile : array<f32, 64>;
@compute @workgroup_size(32, 1, 1)
fn main(@builtin(workgroup_id) block : vec3<u32>, @builtin(local_invocation_id) thread : vec3<u32>) {
let i : i32 = i32(thread.x);
"""


def counted(body: str, n: int = 8, context: int = 100, grid: tuple[int, int, int] = (1, 1, 1)) -> Counts:
    return count(parse(f"{HEAD}{body}\n}}"), "main", grid, [n, 0], lambda _, index: context if index == 0 else None)


def each(body: str, n: int = 8, context: int = 100) -> dict[str, float]:
    """Instructions of one invocation."""
    return {kind: number / 32 for kind, number in counted(body, n, context).instructions.items() if number}


def test_what_is_computed_once_counts_once() -> None:
    assert each("y[i] = dot(x[i], x[i]);") == {"load": 1, "f32": 4, "store": 1}
    assert each("let a : f32 = (x[i])[0] * 2.0f; y[i] = a; y[i + 1i] = ((x[i])[0] * 2.0f);") == {"load": 1, "f32": 1, "store": 2}


def test_sums_of_products_are_fused_and_signs_are_free() -> None:
    assert each("let a : vec4<f32> = x[i]; y[i] = (((a)[0] * (a)[1]) + (a)[2]);")["f32"] == 1
    assert each("let a : vec4<f32> = x[i]; y[i] = fma((a)[0], -(a)[1], abs((a)[2]));")["f32"] == 1
    assert each("y[i] = f32(((dot4I8Packed(u32(i), 3u) + dot4I8Packed(u32(i), 5u)) + 7i));") == {"dot8": 2, "convert": 1, "store": 1}


def test_halves_are_widened_where_they_are_used() -> None:
    assert each("y[i] = (unpack2x16float(u32(i)))[1];") == {"widen": 1, "store": 1}
    assert each("y[i] = dot(vec4f(unpack2x16float(u32(i)), unpack2x16float(u32(i))), x[i]);")["widen"] == 2
    assert each("y[i] = f32((i + 1i));") == {"int": 1, "convert": 1, "store": 1}


def test_long_loops_count_all_rounds_and_what_does_not_change_once() -> None:
    """A round has its own load, its sum and what counts it; a square of what does not change is one, which one sum has for nothing."""
    body = "var s : array<f32, 1>; s[0i] = 0.0f; for (var k : i32 = 0i; k < words.n; k++) {{ {} }} y[i] = s[0i];"
    rounds = each(body.format("s[0i] = (s[0i] + (x[k])[0]);"), n=1000)
    assert rounds == {"load": 1000, "f32": 999, "int": 2000, "store": 1}  # zero is no summand
    assert each(body.format("s[0i] = (s[0i] + dot(x[i], x[i]));"), n=1000)["f32"] == 4 + 998


def test_conditions_and_loops_take_what_the_buffers_say() -> None:
    body = "let seen : i32 = state_ptr[0i]; if (seen < 50i) {{ y[i] = 1.0f; }} else {{ {} }}"
    assert each(body.format("y[i] = exp((x[i])[0]);")) == {"load": 2, "int": 2, "special": 1, "store": 1}
    assert each(body.format("return;"), context=10)["store"] == 1
    assert each("if (i < 0i) { y[i] = 1.0f; }") == {"int": 2}


def test_shared_memory_is_read_again_behind_a_barrier() -> None:
    body = "tile[i] = 1.0f; {} y[i] = (tile[0i] + tile[1i]); {} y[i + 1i] = tile[0i];"
    assert each(body.format("", ""))["shared"] == 3
    assert each(body.format("workgroupBarrier();", "workgroupBarrier();"))["shared"] == 4


def test_bytes_and_workgroups() -> None:
    counts = counted("y[i] = (x[i])[2];", grid=(3, 2, 1))
    _, moved = counts.of_dispatch()
    assert moved == {"load": 6 * 32 * 16, "store": 6 * 32 * 4}


def test_a_module_of_another_kind_is_refused() -> None:
    with pytest.raises(SyntaxError, match="WGSL"):
        parse("fn helper() -> f32 { return 1.0; }")


def machine(**changed: object) -> Machine:
    row: dict[str, object] = {"name": "m", "class": "", "gb_per_s": 100, "cores": 10, "ghz": 1, "issue": None}
    row |= dict.fromkeys(("f32", "f16", "int", "dot8", "widen", "convert"), 100)
    row |= {"special": 10, "shuffle": 10, "cache": 100, "shared": 100, "subgroup": [32, 32], "has_f16": True, "dispatch_us": None}
    return Machine.of(row | changed)


def test_the_slowest_part_binds() -> None:
    """At 100 GB/s 1 MB takes 10 millionths of a second; a million instructions, 100 a clock on 10 cores at 1 GHz, take one."""
    few = Work(1e6, 1e6, {"f32": 1e6}, {})
    many = Work(1e6, 1e6, {"f32": 2e7, "special": 1e6}, {})
    assert machine().microseconds(few) == pytest.approx({"memory": 10, "arithmetic": 1, "caches": 0})
    found = predict(machine(dispatch_us=1), [Kernel("k", 2, {"a": many, "b": few}), Kernel("other", 1, {"a": many})])
    assert found.us == pytest.approx({"memory": 20, "arithmetic": 30, "caches": 0})
    assert found.memory == pytest.approx(30)
    assert found.total == pytest.approx(53)
    assert machine(widen=None).microseconds(Work(1, 0, {"widen": 1e6}, {}))["arithmetic"] == 0
    side_by_side = machine(issue=200)  # pipes that work at a time: the slowest of them, or what issues
    assert side_by_side.microseconds(many)["arithmetic"] == pytest.approx(20)


def test_a_weight_costs_what_its_kernel_does_over_its_weights() -> None:
    kernel = Kernel("k", 1, {"tile": Work(100, 50, {"f32": 200, "load": 25}, {})})
    ((variant, tile, *numbers),) = counts_of("f32", [kernel, Kernel("without", 1, {"other": Work(0, 50, {"f32": 1}, {})})])
    assert (variant, tile) == ("f32", "tile")
    assert dict(zip(("bytes", *COUNTED), numbers, strict=True)) == dict.fromkeys(("bytes", *COUNTED), "0.00") | {
        "bytes": "0.50", "f32": "2.00", "load": "0.25",
    }  # fmt: skip


def test_bytes_are_of_what_a_dispatch_reads() -> None:
    """Of eight experts a token reads two, of a table of 100 tokens a row, of the cache what it sees; a slot is read and one written."""
    names = {"dense.q": 80, "dense.s": 10, "experts_up.q": 800, "experts_up.e": 50}
    model = PlanModel(100, 32, 64, 16, 8, 1, (), Mixture(8, 2))
    states = (State("kv", "pages"), State("near", "pages", 0, 4), State("conv", "slots"))
    weights = tuple(Buffer(name, size) for name, size in names.items())
    plan = Plan(model, weights, states, (Buffer("tokens", 32),), (), ())
    variant = VariantPlan("f32", (), (), 0, {}, (160, 160, 70), (), (), {})

    def of(buffers: list[int], n: int, bindings: str = "read") -> tuple[float, float]:
        return bytes_of(plan, variant, [bindings] * len(buffers), buffers, n, 20)

    assert of([0, 1], 1) == (160, 90)
    assert of([2, 3], 1) == pytest.approx((1600 / 4, 850 / 4))
    assert of([2, 3], 2) == pytest.approx((1600 * 7 / 16, 850 * 7 / 16))
    assert of([0, 7], 5) == (0, 80 * 5 / 100)
    assert (of([4], 1)[1], of([5], 1)[1], of([4], 3, "read_write")[1], of([6], 1)[1]) == (200, 50, 30, 140)


def test_every_machine_has_its_numbers_and_where_they_come_from() -> None:
    rows = json.loads(DATA.read_text("utf-8"))["machines"]
    assert len({row["name"] for row in rows}) == len(rows) == len(load_machines())
    for row in rows:
        assert row["sources"], row["name"]
        assert all(isinstance(fact, str) for key in ("uncertain", "faults", "sources") for fact in row[key])
        assert row["subgroup"][0] <= row["subgroup"][1]
