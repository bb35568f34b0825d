"""What TVM's analyzer is told of, where kernels are compiled for CPUs: values that addresses depend on, and no floats."""

import pytest
import tvm_ffi
from tvm import tirx

from recurrence_case import DELTAS, SCANS
from webllm_build.compile.cpu.abi import c_function
from webllm_build.compile.cpu.recurrence import RECURRENCES
from webllm_build.model.recurrence import GatedDelta, Scan


def named(body: tirx.Stmt) -> set[str]:
    """The types of the values that it binds."""
    found: set[str] = set()
    tvm_ffi.structural_walk(body, [(tirx.Bind, lambda bind: found.add(str(bind.var.ty.dtype)))])
    return found


@pytest.mark.parametrize("kind", [DELTAS["tiled"], SCANS["small"]], ids=["delta", "scan"])
def test_floats_have_no_names(kind: GatedDelta | Scan) -> None:
    kernel = RECURRENCES[type(kind)](kind, True)
    assert {"float32", "float32x4"} <= named(kernel.body)
    left = named(c_function(kernel).function.body)
    assert "int32" in left
    assert not any(dtype.startswith("float") for dtype in left)
