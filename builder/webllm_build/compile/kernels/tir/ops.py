"""How kernels are written: typed Python that emits TIR through TVM's IR builder.

A kernel is a Python function that runs once, at build time. `with Kernel() as kernel:` opens a PrimFunc; loops over `T.serial`
become loops of the kernel, Python loops are unrolled by running, and branches on Python values specialise the kernel.
`x[i]` reads a buffer, `store(x, value, i)` writes one. The IR is as typed as it prints; TVM's Python API itself is untyped (Any).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Any, TypeAlias

from tvm.ir import Op, PrimType, _ffi_api
from tvm.script.ir_builder import IRBuilder
from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

Expr: TypeAlias = Any  # a TIR expression, or a Python number that becomes one
Buffer: TypeAlias = Any  # a TIR buffer

OPAQUE = 8  # TVM's OpPatternKind of what is not fused
# Marks these kernels for PointerValueTypeRewrite, which fails on the blocks of kernels that TVM makes.
HAND_WRITTEN = "webllm.hand_written"

# Before the axis: the extent of the grid that is launched, where it is less than the kernel was compiled for.
NEEDED = "webllm.needed."
AXES = "xyz"

VEC = 4  # lanes of the vectors that a kernel loads and multiplies


class Kernel:
    """Context manager that builds one private, scheduled PrimFunc; `func` holds it afterwards."""

    func: PrimFunc

    def __enter__(self) -> Kernel:
        self._builder = IRBuilder()
        self._builder.__enter__()
        self._frame = T.prim_func(private=True)
        self._frame.__enter__()
        T.func_attr({"tirx.noalias": True, "tirx.is_scheduled": True, HAND_WRITTEN: True, "op_pattern": OPAQUE})
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._frame.__exit__(kind, error, trace)
        self._builder.__exit__(kind, error, trace)
        if kind is None:
            self.func = self._builder.get()

    def buffer(self, name: str, shape: Sequence[Expr], dtype: str) -> Buffer:
        """Declare the next parameter: a buffer in GPU memory. Its name is the one that the plan maps bindings by."""
        return T.arg(name, T.Buffer(shape, dtype))


def size(name: str) -> Expr:
    """A symbolic size, for the shapes of `Kernel.buffer`."""
    return IRBuilder.name(name, T.int32())


def token_count(tokens: int | None) -> Expr:
    """Of a call: a number where the kernel knows it, or symbolic. Once in a kernel."""
    return size("n") if tokens is None else tokens


@dataclass(frozen=True, eq=False)
class UpTo:
    """An extent of a grid of which only the first `needed` workgroups are launched, an expression of sizes that the runtime knows
    (launch.py). The kernel is compiled for `most`: it does not depend on these sizes, and reads them itself where it needs them."""

    most: int
    needed: Expr


@contextmanager
def launch(grid: Sequence[Expr | UpTo], threads: Sequence[int]) -> Iterator[tuple[list[Expr], list[Expr]]]:
    """Open the kernel's grid; gives (workgroup ids, invocation ids), x first, one for each extent given."""
    names = []
    for axis, extent in zip(AXES, grid, strict=False):
        if isinstance(extent, UpTo):
            T.func_attr({NEEDED + axis: extent.needed})
            extent = extent.most
        names.append((f"blockIdx.{axis}", extent))
    names += [(f"threadIdx.{'xyz'[axis]}", extent) for axis, extent in enumerate(threads)]
    with ExitStack() as frames:
        ids = [frames.enter_context(T.launch_thread(name, extent)) for name, extent in names]
        yield ids[: len(grid)], ids[len(grid) :]


def counted(count: int, most: int) -> Iterator[Expr]:
    """The numbers below count: written out where there are at most `most`, else those of a loop, whose code is shorter."""
    if count <= most:
        yield from range(count)
    else:
        with T.serial(count) as i:
            yield i


@contextmanager
def when(condition: Expr) -> Iterator[None]:
    """Run the body where the condition holds. A Python condition decides at build time that it always does."""
    if condition is True:
        yield
        return
    with T.If(condition), T.Then():
        yield


def local(name: str, shape: int | Sequence[int], dtype: str = "float32") -> Buffer:
    """An array of one invocation. Indices should be constants, so that it lives in registers."""
    return IRBuilder.name(name, T.alloc_buffer(shape, dtype, scope="local"))


def shared(name: str, shape: int | Sequence[int], dtype: str = "float32") -> Buffer:
    """An array in workgroup memory."""
    return IRBuilder.name(name, T.alloc_buffer(shape, dtype, scope="shared"))


def let(name: str, value: Expr) -> Expr:
    """Name a value that is computed once, here."""
    return IRBuilder.name(name, T.bind(value))


def store(buffer: Buffer, value: Expr, *indices: Expr) -> None:
    T.buffer_store(buffer, value, list(indices))


def barrier() -> None:
    """Wait for all invocations of the workgroup; must be reached by all of them."""
    T.evaluate(T.tvm_storage_sync("shared"))


def vec(index: Expr) -> Expr:
    """Index of the four scalars from 4*index on: as the last index of a float32 buffer that is only accessed so, it becomes a
    vec4 access (TVM's PointerValueTypeRewrite, which runs before code generation)."""
    return T.ramp(index * VEC, 1, VEC)


def extern(dtype: str, name: str, *args: Expr) -> Expr:
    """Call a WGSL built-in that TIR does not know. T.call_pure_extern makes the same node in seven times the time, and this is what kernels
    are full of."""
    return _ffi_api.Call(_type(dtype), _extern(), (name, *args), None, (), None)


@cache
def _extern() -> Expr:
    return Op.get("tirx.call_pure_extern")


@cache
def _type(dtype: str) -> PrimType:
    return PrimType(dtype)


def tanh(x: Expr) -> Expr:
    """Of float32, within 1e-7. The exponent is bounded because WGSL leaves an overflow undefined, as it does tanh's own."""
    return T.float32(1) - T.float32(2) / (T.exp(T.min(x * T.float32(2), T.float32(80))) + T.float32(1))


def inverse_rms(square_sum: Expr, count: int, eps: float) -> Expr:
    """1 / sqrt(mean square + eps) of `count` numbers, by built-ins that leave a driver nothing to contract: on NVIDIA, kernels that must
    agree to the bit did not."""
    mean = extern("float32", "fma", square_sum, T.float32(1 / count), T.float32(eps))
    return extern("float32", "inverseSqrt", mean)


def splat(value: Expr) -> Expr:
    return T.Broadcast(value, VEC)


def dot(a: Expr, b: Expr) -> Expr:
    """Dot product of two float32x4."""
    return extern("float32", "dot", a, b)


def element(vector: Expr, index: int) -> Expr:
    return T.Shuffle([vector], [index])


def total(terms: Sequence[Expr]) -> Expr:
    """Sum of at least one term, from left to right."""
    result = terms[0]
    for term in terms[1:]:
        result = result + term
    return result


def ceildiv(a: Expr, b: int) -> Expr:
    return (a + (b - 1)) // b
