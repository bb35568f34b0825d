"""WebGPU devices: for all tests of kernels, for those of whole models, and of another implementation for what it compiles."""

import sys
from collections.abc import Iterator

import pytest
from dawn import Dawn
from device import Device
from naga import Naga

from chromium import WHOLE_MODELS
from small_kernels import small_kernels

if sys.version_info < (3, 11):  # neither implementation has a package for it
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def dawn() -> Dawn:
    return Dawn()


@pytest.fixture(scope="session")
def gpu() -> Device:
    """For what PlanRunner runs."""
    return Device(*WHOLE_MODELS)


@pytest.fixture(scope="session")
def naga() -> Naga:
    return Naga()


@pytest.fixture(scope="module")
def soon_compiled() -> Iterator[None]:
    """Models that a file compiles have small kernels: tiny models of many families share few."""
    with small_kernels():
        yield
