"""Ctrl+C while TVM works: it ends the build, and is not an error of TVM's."""

from __future__ import annotations

import signal
from typing import Any

import pytest
import tvm

from webllm_build.compile import pipeline
from webllm_build.compile.target import VARIANTS
from webllm_build.signals import held_back


def test_an_interrupt_within_a_pass_is_one_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    finished = []

    def interrupt(module: tvm.IRModule, context: Any) -> tvm.IRModule:
        signal.raise_signal(signal.SIGINT)
        finished.append(True)
        return module

    interrupted = tvm.transform.module_pass(interrupt, opt_level=0)
    monkeypatch.setattr(pipeline, "PHASES", [("interrupted", lambda: [interrupted])])
    with pytest.raises(KeyboardInterrupt):
        pipeline.lower_module(tvm.IRModule(), VARIANTS[-1].target, VARIANTS[-1].name)
    assert finished


def test_handlers_are_as_before_and_an_error_gives_way() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with pytest.raises(KeyboardInterrupt), held_back():
        signal.raise_signal(signal.SIGINT)
        raise ValueError
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before
