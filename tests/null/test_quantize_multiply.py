"""Products that calibration is made of: sums of float32 in the order of the columns, whatever machine and however many rows and tokens."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from webllm_build.quantize import native
from webllm_build.threads import cores, in_parallel


@pytest.mark.parametrize(("rows", "columns", "tokens"), [(1, 1, 1), (4, 256, 16), (7, 700, 33), (9, 257, 128)])
def test_sums_have_one_order(rows: int, columns: int, tokens: int) -> None:
    random = np.random.default_rng(0)
    weights, x = (random.standard_normal((count, columns), np.float32) for count in (rows, tokens))
    found = native.multiply(weights, native.panels(x))
    expected = np.zeros((rows, tokens), np.float32)
    for column in range(columns):
        expected += weights[:, column, None] * x[None, :, column]
    np.testing.assert_array_equal(found[:, :tokens], expected)
    assert not found[:, tokens:].any()


def test_rows_that_are_no_numbers_are_theirs_alone() -> None:
    weights = np.array([[1, 2], [np.inf, 1], [np.nan, 0]], np.float32)
    found = native.multiply(weights, native.panels(np.array([[1, 1], [2, 0]], np.float32)))[:, :2]
    np.testing.assert_array_equal(found, [[3, 2], [np.inf, np.inf], [np.nan, np.nan]])


def test_threads_that_want_it_at_once_compile_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    run, commands = subprocess.run, []

    def counted(command: list[str], **options: object) -> object:
        commands.append(command)
        return run(command, **options)  # type: ignore[call-overload]

    native._compiled.cache_clear()
    monkeypatch.setattr(subprocess, "run", counted)
    one = np.ones((1, 1), np.float32)
    with ThreadPoolExecutor(4) as pool:
        sums = list(pool.map(lambda _: native.multiply(one, native.panels(one))[0, 0], range(4)))
    assert sums == [1] * 4
    assert len(commands) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process may run on all processors")
def test_there_are_as_many_threads_as_processors_that_are_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3})
    assert cores() == 1
    assert in_parallel(lambda item: item + 1, [1, 2, 3]) == [2, 3, 4]
