"""One WebGPU device for all kernel tests, and one of another implementation for what it compiles."""

import pytest
from dawn import Dawn
from naga import Naga


@pytest.fixture(scope="session")
def dawn() -> Dawn:
    return Dawn()


@pytest.fixture(scope="session")
def naga() -> Naga:
    return Naga()
