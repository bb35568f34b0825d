"""Which tests `make quick` takes, in which order `make test` takes files, and that times are of tests that there are."""

from __future__ import annotations

import order
import quick


def test_the_quickest_files_are_taken_and_what_was_never_measured() -> None:
    times = {"a.py": 3.0, "b.py": 1.0, "c.py": 2.0, "d.test.ts": 1.0}
    assert quick.chosen(times, ["a.py", "b.py", "c.py", "new.py"], 3.0) == {"b.py", "c.py", "new.py"}
    assert quick.chosen(times, ["a.py", "b.py", "c.py"], 6.0) == {"a.py", "b.py", "c.py"}
    assert quick.chosen(times, ["a.py"], 2.9) == set()
    assert quick.chosen(times, ["b.py", "d.test.ts"], 2.0) == {"b.py"}, "Node begins with a file, too"


def test_times_are_of_files_that_there_are() -> None:
    times = order.measured()
    there = {*quick.all_files_of_pytest(), *quick.files_of_tests()[1]}
    assert set(times) <= there, "python tests/quick.py --measure"
    assert len(times) > len(there) / 2, "python tests/quick.py --measure"


def test_long_files_come_first_and_browsers_beside_others() -> None:
    times = {"tests/browser/a": 40.0, "tests/browser/b": 50.0, "tests/browser/c": 10.0, "tests/gpu/d": 300.0, "tests/null/e": 100.0}
    whole = order.in_order([*times, "tests/tvm/new"], times)
    expected = ["tests/browser/b", "tests/gpu/d", "tests/browser/a", "tests/null/e", "tests/browser/c"]
    assert [file for file in whole if file in times] == expected
    assert whole.index("tests/tvm/new") < whole.index("tests/gpu/d")
    assert order.in_order([], times) == []


def test_files_of_the_runtime_have_the_names_that_its_tests_take() -> None:
    assert quick.runtime_name("runtime_js/test/cpu_load.test.ts") == "cpu_load.test"
    assert quick.runtime_name("sites/rag/test/split.test.mjs") == "rag_split.test"
