"""Loops of packing in C, compiled for this machine by the Clang that the package ziglang carries, once a process; it keeps what it made."""

from __future__ import annotations

import ctypes
import functools
import os
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from webllm_build import platforms
from webllm_build.errors import ToolchainError
from webllm_build.interpreter import python
from webllm_build.quantize.scheme import Rows

SOURCES = [Path(__file__).with_name(name) for name in ("search.c", "multiply.c")]
# Without the libraries that a program of C has, which Clang would first have to make, and without calls to what they hold.
OPTIONS = ("-O3", "-shared", "-fPIC", "-ffp-contract=off", "-fno-sanitize=all", "-nostdlib", "-fno-builtin", "-Wno-psabi")
CACHES = ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")  # else in the home folder, which may not be there

# Of the compiler's own runtime Windows needs what touches a large stack page by page.
SYSTEM_OPTIONS = ("-lcompiler_rt",) if platforms.WINDOWS else ()
LANES = 16  # of multiply.c

Floats = npt.NDArray[np.float32]


_compiling = threading.Lock()


def _library() -> ctypes.CDLL:
    """Raises ToolchainError."""
    with _compiling:  # else each thread that packs would compile it
        return _compiled()


@functools.cache
def _compiled() -> ctypes.CDLL:
    # Windows keeps a library that is in use.
    with tempfile.TemporaryDirectory(prefix="webllm-build-", ignore_cleanup_errors=platforms.WINDOWS) as folder:
        path = Path(folder) / "loops.so"
        command = python("ziglang", "cc", *OPTIONS, *SYSTEM_OPTIONS, "-o", str(path), *map(str, SOURCES))
        environment = {**os.environ, **dict.fromkeys(CACHES, folder)}
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment, check=False)
        if done.returncode:
            problem = f"the loops of packing cannot be compiled:\n{done.stderr.strip()[-2000:]}"
            raise ToolchainError(problem, "Install the package ziglang again.")
        try:
            return ctypes.CDLL(str(path))
        except OSError as error:
            raise ToolchainError(f"what was compiled cannot be loaded: {error}", "Name another folder with TMPDIR.") from error


def symmetric(values: Floats, weights: Floats, codes: tuple[int, int], extremes: Floats, refinements: int, block_bytes: int) -> Rows:
    """values: [blocks, 32]; weights: [some blocks, 32], repeated. uint8[blocks, block_bytes] as search.symmetric has them.

    Runs outside of Python's lock. Raises OverflowError where a scale is beyond float16.
    """
    low, high = map(ctypes.c_float, codes)
    return _blocks("symmetric", values, weights, (low, high, _at(extremes), len(extremes), refinements), block_bytes)


def affine(values: Floats, weights: Floats, most: int, margins: Floats, refinements: int, block_bytes: int) -> Rows:
    """As `symmetric`, as search.affine has them. margins: [tries, 2]."""
    return _blocks("affine", values, weights, (ctypes.c_float(most), _at(margins), len(margins), refinements), block_bytes)


def _blocks(name: str, values: Floats, weights: Floats, how: Sequence[object], block_bytes: int) -> Rows:
    values, weights = np.ascontiguousarray(values, np.float32), np.ascontiguousarray(weights, np.float32)
    rows = np.empty((len(values), block_bytes), np.uint8)
    counts = ctypes.c_size_t(len(values)), ctypes.c_size_t(len(weights))
    if getattr(_library(), name)(_at(values), _at(weights), *counts, *how, _at(rows)):
        raise OverflowError("a scale is beyond float16's largest value, 65504")
    return rows


def panels(x: Floats) -> Floats:
    """Of x [m, columns] what `multiply` takes, float32[m / 16, columns, 16], filled up with zeros."""
    m, columns = x.shape
    filled = np.zeros((-(-m // LANES) * LANES, columns), np.float32)
    filled[:m] = x
    return np.ascontiguousarray(filled.reshape(-1, LANES, columns).swapaxes(1, 2))


def multiply(rows: Floats, panels: Floats) -> Floats:
    """Of rows [n, columns], float32[n, 16 * panels]: each sum in the order of its columns, as multiply.c says."""
    (n, columns), count = rows.shape, len(panels)
    y = np.zeros((n, count * LANES), np.float32)
    _library().multiply(_at(np.ascontiguousarray(rows)), _at(panels), *map(ctypes.c_size_t, (n, columns, count)), _at(y))
    return y


def _at(array: npt.NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
