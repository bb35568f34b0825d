"""One WebGPU device for all kernel tests."""

import pytest
from dawn import Dawn


@pytest.fixture(scope="session")
def dawn() -> Dawn:
    return Dawn()
