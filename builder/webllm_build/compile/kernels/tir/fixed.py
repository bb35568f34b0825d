"""Names that TVM keeps."""

from __future__ import annotations

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.tir.ops import Expr, let

_CONSTRUCTORS = {"int32": "i32", "uint32": "u32", "float32": "f32", "float32x4": "vec4f"}


def fixed(name: str, value: Expr, dtype: str = "int32") -> Expr:
    """Name a value that TVM cannot see through: it would write the whole of a pure `let` again wherever that is used."""
    return let(name, T.call_extern(dtype, _CONSTRUCTORS[dtype], value))
