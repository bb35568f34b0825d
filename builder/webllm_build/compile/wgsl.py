"""Scheduled TIR functions → WGSL modules with their bindings and launch arithmetic, by TVM's own lowering."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import tvm
import tvm_ffi
from tvm import tirx

from webllm_build.compile.kernels.tir.matrices import WRITTEN
from webllm_build.compile.kernels.tir.ops import AXES, HAND_WRITTEN, NEEDED
from webllm_build.compile.target import Variant
from webllm_build.errors import CompileError

# The packed calling convention of TVM's own runtime is of no use here; without it the host side of a kernel stays what we
# read the launch arithmetic from: one call with the kernel's arguments and grid.
# What has no effect in any kernel that we have takes a tenth of the time.
SKIPPED_PASSES = ["tirx.MakePackedAPI", "tirx.BF16StorageLegalize", "tirx.FP8StorageLegalize", "tirx.RemoveNoOp", "s_tir.HoistIfThenElse"]
# It shrinks buffers to what is accessed. Those of kernels written by hand are as they should be, and it would take two thirds of the time.
NOT_FOR_HAND_WRITTEN = ["s_tir.CompactBufferAllocation"]


@dataclass(frozen=True, eq=False)
class CompiledKernel:
    """A kernel as the browser needs it.

    entry: name of the WGSL entry point.
    arguments: for each storage binding, the index of the TIR function's parameter that it shows.
    access: "read" or "read_write" of each binding.
    grid: workgroups in x, y and z, expressions of the function's symbolic variables.
    uniform: words of the uniform after the storage bindings, expressions too.
    """

    name: str
    wgsl: str
    entry: str
    arguments: tuple[int, ...]
    access: tuple[str, ...]
    grid: tuple[tvm.ir.Expr, ...]
    uniform: tuple[tvm.ir.Expr, ...]
    workgroup_bytes: int
    workgroup_threads: int


# Kernels by all that they depend on: name, target, sizes and the function. Variants have most in common, and so have models.
_known: dict[tuple[str, tvm.target.Target, str, tvm_ffi.StructuralKey], CompiledKernel] = {}


def compile_kernels(functions: Mapping[str, tirx.PrimFunc], variant: Variant) -> dict[str, CompiledKernel]:
    """Compiles scheduled TIR functions by name, each once.

    Raises:
        CompileError: a function without a schedule, or with other than one kernel.
    """
    compiled: dict[str, CompiledKernel] = {}
    for name, function in functions.items():
        sizes = str([parameter.shape for parameter in function.params])  # structural equality does not tell n from kv_len
        key = (name, variant.target, sizes, tvm_ffi.StructuralKey(function))
        if key not in _known:
            _known[key] = _compile(name, function, variant.target)
        compiled[name] = _known[key]
    return compiled


def _compile(name: str, function: tirx.PrimFunc, target: tvm.target.Target) -> CompiledKernel:
    pipeline, _, finalize_device = tirx.get_tir_pipeline("s_tir")
    module = tvm.IRModule({name: function.with_attr("global_symbol", name)})
    skipped = SKIPPED_PASSES
    if HAND_WRITTEN in function.attrs:
        skipped = [*skipped, *NOT_FOR_HAND_WRITTEN]
        # A buffer that is only accessed four elements at a time becomes an array of vec4.
        module = tirx.transform.PointerValueTypeRewrite()(module)
    with target, tvm.transform.PassContext(disabled_pass=skipped):
        module = pipeline(tirx.transform.BindTarget(target)(module))
    launch = _find_launch(name, module[name], function.attrs)
    device = tvm.IRModule({launch.kernel: module[launch.kernel]})
    with target:
        wgsl = tvm.get_global_func("target.build.webgpu")(finalize_device()(device), target).inspect_source()
    return _describe(name, _with_written(wgsl), launch)


def _with_written(wgsl: str) -> str:
    """With the statements of matrices.py in the places of their calls."""
    return _WRITTEN.sub(lambda call: call[1].format(*(call[2] or "").removeprefix(", ").split(", ")), wgsl)


@dataclass(frozen=True, eq=False)
class _Launch:
    kernel: str
    arguments: tuple[int, ...]
    scalars: tuple[tvm.ir.Expr, ...]
    grid: tuple[tvm.ir.Expr, ...]


def _find_launch(name: str, host: tirx.PrimFunc, attrs: Mapping[str, object]) -> _Launch:
    """The one kernel call in the host side of a function, written in terms of the function's symbolic sizes."""
    calls: list[tvm.ir.Call] = []
    bound: dict[tvm.ir.Var, tvm.ir.Expr] = {}
    alias: dict[tvm.ir.Var, tvm.ir.Expr] = {}

    def visit_call(call: tvm.ir.Call) -> None:
        if getattr(call.op, "name", "") == "tirx.call_ffi_kernel":
            calls.append(call)

    def visit_bind(bind: tirx.Bind) -> None:
        bound[bind.var] = bind.value

    def visit_alias(declaration: tirx.DeclBuffer) -> None:
        alias[declaration.buffer] = declaration.data.args[0]

    tvm_ffi.structural_walk(host.body, [(tvm.ir.Call, visit_call), (tirx.Bind, visit_bind), (tirx.DeclBuffer, visit_alias)])
    if len(calls) != 1:
        raise CompileError(f"{name} makes {len(calls)} kernels, not one", "Split it, or give it a schedule.")
    tags = list(calls[0].attrs.launch_params)
    kernel, *rest = calls[0].args
    values, extents = rest[: len(rest) - len(tags)], rest[len(rest) - len(tags) :]

    def resolve(expr: tvm.ir.Expr) -> tvm.ir.Expr:
        def replace(var: tvm.ir.Var) -> tvm.ir.Expr:
            return resolve(bound[var]) if var in bound else var

        return tvm_ffi.structural_map(expr, (tvm.ir.Var, replace))

    arguments: list[int] = []
    scalars: list[tvm.ir.Expr] = []
    for value in values:
        if isinstance(value, tvm.ir.Call) and getattr(value.op, "name", "") == "tirx.buffer_data":
            buffer = value.args[0]
            while buffer in alias:
                buffer = alias[buffer]
            arguments.append(next(i for i, parameter in enumerate(host.params) if parameter.same_as(buffer)))
        else:
            scalars.append(resolve(value))
    extent = dict(zip(tags, extents, strict=True))
    grid = {axis: resolve(extent[tag]) if (tag := f"blockIdx.{axis}") in extent else tirx.IntImm("int32", 1) for axis in AXES}
    x, y, z = (attrs.get(NEEDED + axis, extent) for axis, extent in grid.items())
    return _Launch(kernel.value, tuple(arguments), tuple(scalars), (x, y, z))


# Bindings, sizes and memory are read from the text: TVM tells them nowhere else, and its version is pinned exactly.
_BINDING = re.compile(r"@group\(0\) @binding\((\d+)\) var<(storage, read_write|storage, read|uniform)> (\w+) :")
# Nothing that such a value may call has a side effect but atomics, which no kernel uses today.
_LET = re.compile(r"let (\w+) : [\w<>]+ = (?!.*atomic).*;")
_SIZE = re.compile(r"@workgroup_size\((\d+), (\d+), (\d+)\)")
_SHARED = re.compile(r"var<workgroup> \w+ : array<([\w<>]+), (\d+)>;")
_WRITTEN = re.compile(rf'{WRITTEN}\("([^"]*)"(, .*)?\);')
_SUBGROUPS = "enable subgroups;"
# A workgroup's early end is uniform, which the analysis cannot see.
_MATRICES = "diagnostic(off, chromium.subgroup_matrix_uniformity);\nenable chromium_experimental_subgroup_matrix;"
_BYTES = {"f16": 2, "f32": 4, "i32": 4, "u32": 4, "i8": 1, "u8": 1}


def _describe(name: str, wgsl: str, launch: _Launch) -> CompiledKernel:
    bindings = [(int(index), kind) for index, kind, _ in _BINDING.findall(wgsl)]
    storage = [kind.removeprefix("storage, ") for _, kind in bindings if kind != "uniform"]
    if [index for index, _ in bindings] != list(range(len(bindings))) or len(storage) != len(launch.arguments):
        raise CompileError(f"The WGSL of {name} does not have the bindings that its launch passes.")
    size = _SIZE.search(wgsl)
    if size is None:
        raise CompileError(f"The WGSL of {name} has no workgroup size.")
    # TVM's last uniform word is the number of workgroups in x, against which a kernel checks itself.
    uniform = (*launch.scalars, launch.grid[0]) if len(storage) < len(bindings) else ()
    return CompiledKernel(
        name=name,
        wgsl=_without_unused(_strip(wgsl)),
        entry=launch.kernel,
        arguments=launch.arguments,
        access=tuple(storage),
        grid=launch.grid,
        uniform=uniform,
        workgroup_bytes=sum(_element_bytes(kind) * int(count) for kind, count in _SHARED.findall(wgsl)),
        workgroup_threads=int(size[1]) * int(size[2]) * int(size[3]),
    )


def _element_bytes(kind: str) -> int:
    vector = re.fullmatch(r"vec(\d)<(\w+)>", kind)
    lanes, scalar = (int(vector[1]), vector[2]) if vector else (1, kind)
    return (4 if lanes == 3 else lanes) * _BYTES[scalar]


def _strip(wgsl: str) -> str:
    """The text without indentation and comments, and with `enable subgroups` exactly where they are used: TVM asks for them in all or in
    no kernels of a target, and what does not use them can be shared by variants."""
    lines = [line.strip() for line in wgsl.splitlines()]
    body = "\n".join(line for line in lines if line and not line.startswith(("//", _SUBGROUPS))) + "\n"
    head = [_MATRICES] * ("subgroup_matrix" in body) + [_SUBGROUPS] * ("subgroup" in body)
    return "\n".join([*head, body])


def _without_unused(wgsl: str) -> str:
    """The text without values that nothing reads: TVM names common subexpressions, and then writes many of them out all the same. They
    are a seventh of the text, and more of it compressed."""
    while True:
        uses = Counter(re.findall(r"\w+", wgsl))
        lines = [line for line in wgsl.splitlines() if not ((let := _LET.fullmatch(line)) and uses[let[1]] == 1)]
        if (shorter := "\n".join(lines) + "\n") == wgsl:
            return wgsl
        wgsl = shorter
