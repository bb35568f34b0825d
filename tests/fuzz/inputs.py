"""Plays inputs in a child process with limits, and tells how each ended."""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from random import Random

import readers

from webllm_build.errors import ModelWarning, WebllmBuildError

MOST_BYTES = 2 << 30
MOST_SECONDS = 10  # of a processor
HANGS = 120  # seconds in which an input is done, also where it waits
Target = Callable[[Random, Path], None]
TARGETS: dict[str, Target] = {name: target for name, target in vars(readers).items() if getattr(target, "is_target", False)}


def serve(target: Target) -> None:
    """Numbers of inputs in, a line of JSON for each out: how it ended, where a fault arose, its traceback."""
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
    faulthandler.register(signal.SIGPROF, chain=True)
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a reader prints is no answer
    scratch = Path(tempfile.mkdtemp(prefix="webllm-fuzz-"))
    try:
        for line in sys.stdin:
            folder = scratch / "input"
            folder.mkdir()
            faulthandler.dump_traceback_later(HANGS, exit=True)
            signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
            print(json.dumps(play(target, int(line), folder)), file=out, flush=True)
            signal.setitimer(signal.ITIMER_PROF, 0)
            shutil.rmtree(folder)
    finally:
        shutil.rmtree(scratch)


def play(target: Target, number: int, folder: Path) -> tuple[str, str, str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", ModelWarning)
            target(Random(number), folder)
    except WebllmBuildError as error:
        if not error.message.strip():
            return "FAULT", f"{type(error).__name__} without words", traceback.format_exc()
        return type(error).__name__, "", ""
    except Exception as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "webllm_build" in frame.filename]
        where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "outside of the builder"
        return "FAULT", f"{type(error).__name__} at {where}", traceback.format_exc()
    return "read", "", ""
