"""One WebGPU device for all kernel tests, and one of another implementation for what it compiles."""

import sys

import pytest
from dawn import Dawn
from naga import Naga

if sys.version_info < (3, 11):  # neither implementation has a package for it
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def dawn() -> Dawn:
    return Dawn()


@pytest.fixture(scope="session")
def naga() -> Naga:
    return Naga()
