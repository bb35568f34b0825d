"""Launch arithmetic: grid sizes and uniforms of every kernel, compiled by TVM to wasm32."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import tvm
import tvm_ffi
from tvm import tirx
from tvm.script.ir_builder import IRBuilder
from tvm.tirx.script import builder as T

from webllm_build.compile.abi_generated import LAUNCH_WORDS
from webllm_build.compile.wgsl import CompiledKernel
from webllm_build.errors import CompileError
from webllm_build.signals import held_back

# Names of the symbolic sizes that the runtime passes to a launch function, in its parameters' order.
SIZES = ("n", "kv_len")


def launch_function(kernels: Sequence[CompiledKernel]) -> tirx.PrimFunc:
    """(n: int32, kv_len: int32, out: int32*): writes grid x, y, z and the uniform words of each kernel, LAUNCH_WORDS apart."""
    sizes: dict[str, tvm.ir.Expr] = {}

    def known(kernel: CompiledKernel, expr: tvm.ir.Expr) -> tvm.ir.Expr:
        def replace(var: tvm.ir.Var) -> tvm.ir.Expr:
            if var.name not in sizes:
                raise CompileError(f"The launch of {kernel.name} depends on {var.name}, which the runtime does not know.")
            return tirx.Cast(str(var.ty.dtype), sizes[var.name])

        return tirx.Cast("int32", tvm_ffi.structural_map(expr, (tvm.ir.Var, replace)))

    with IRBuilder() as builder:
        with T.prim_func():
            for name in SIZES:
                sizes[name] = T.arg(name, T.int32())
            pointer = T.arg("out", T.handle("int32", "global"))
            out = T.decl_buffer((len(kernels) * LAUNCH_WORDS,), "int32", data=pointer)
            for index, kernel in enumerate(kernels):
                for word, value in enumerate((*kernel.grid, *kernel.uniform)):
                    T.buffer_store(out, known(kernel, value), [index * LAUNCH_WORDS + word])
        return builder.get()


@held_back()
def compile_functions(functions: Mapping[str, tirx.PrimFunc], target: tvm.target.Target) -> bytes:
    """An object file that exports the functions under their names, with C parameters."""
    module = tvm.IRModule(
        {
            name: function.with_attrs({"global_symbol": name, "calling_conv": 1, "target": target, "tirx.noalias": True})
            for name, function in functions.items()
        }
    )
    # What TVM's own pipelines do besides is to schedule, which these functions need not, and to simplify, which writes out named values
    # wherever they are used.
    passes = [tirx.transform.BindTarget(target), tirx.transform.FlattenBuffer(), tirx.transform.LowerIntrin()]
    library = tvm.get_global_func("target.build.llvm")(tvm.transform.Sequential(passes)(module), target)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "functions.o"
        library.write_to_file(str(path))
        return path.read_bytes()
