"""Which tests `make quick` takes, and that its times are of tests that there are."""

from __future__ import annotations

import json

import quick


def test_the_quickest_files_are_taken_and_what_was_never_measured() -> None:
    times = {"a": 3.0, "b": 1.0, "c": 2.0}
    assert quick.chosen(times, ["a", "b", "c", "new"], 3.0) == {"b", "c", "new"}
    assert quick.chosen(times, ["a", "b", "c"], 6.0) == {"a", "b", "c"}
    assert quick.chosen(times, ["a"], 2.9) == set()


def test_times_are_of_files_that_there_are() -> None:
    times = json.loads(quick.TIMES.read_text("utf-8"))
    builder, runtime = quick.files_of_tests()
    assert set(times) <= {*builder, *runtime}, "python tests/quick.py --measure"
    assert len(times) > (len(builder) + len(runtime)) / 2, "python tests/quick.py --measure"


def test_files_of_the_runtime_have_the_names_that_its_tests_take() -> None:
    assert quick.runtime_name("runtime_js/test/cpu_load.test.ts") == "cpu_load.test"
    assert quick.runtime_name("sites/rag/test/split.test.mjs") == "rag_split.test"
