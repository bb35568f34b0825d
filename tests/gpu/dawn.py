"""Run one TIR kernel on Dawn, the WebGPU of Chromium, with NumPy arrays and no browser.

Every buffer is followed by a guard region that is bound with it. The kernel reads NaN (or 0xDEADBEEF) from a guard, and a
kernel that writes into one fails the run, so an index beyond the end is seen even where WebGPU would clamp it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tvm
from device import Device

from webllm_build.compile.kernels.tir.ops import AXES, NEEDED
from webllm_build.compile.target import Variant
from webllm_build.compile.wgsl import compile_kernels

GUARD_BYTES = 256
Array = npt.NDArray[Any]

_BUFFER = re.compile(r"@binding\((\d+)\) var<storage, (read|read_write)> (\w+)_ptr")


def poison(shape: int | Sequence[int], dtype: npt.DTypeLike = np.float32) -> Array:
    """An array whose every value is wrong: NaN, or 0xDEADBEEF for integers. What a kernel must overwrite."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return np.full(shape, np.nan, kind)
    return np.full(shape, 0xDEADBEEF, np.uint32).astype(kind)


def to_wgsl(func: tvm.tirx.PrimFunc, variant: Variant) -> str:
    """The WGSL module of one kernel, compiled as the build compiles it."""
    return compile_kernels({"kernel": func}, variant)["kernel"].wgsl


def grid_of(func: tvm.tirx.PrimFunc, sizes: Mapping[str, int]) -> tuple[int, int, int]:
    """The number of workgroups along x, y and z: the extents of the kernel's blockIdx loops for the given symbolic sizes,
    or what of them is needed."""
    extents: dict[str, Any] = {f"blockIdx.{axis}": func.attrs[NEEDED + axis] for axis in AXES if NEEDED + axis in func.attrs}
    todo: list[Any] = [func.body]
    while todo:
        node = todo.pop()
        if isinstance(node, tvm.tirx.For) and node.thread_binding is not None:
            extents.setdefault(node.thread_binding.thread_tag, node.extent)
        elif isinstance(node, tvm.tirx.AttrStmt) and node.attr_key == "thread_extent":
            extents.setdefault(node.node.thread_tag, node.value)
        todo.extend(node.seq if isinstance(node, tvm.tirx.SeqStmt) else [node.body] if hasattr(node, "body") else [])
    one = tvm.tirx.IntImm("int32", 1)
    x, y, z = (evaluate(extents.get(f"blockIdx.{axis}", one), sizes) for axis in AXES)
    return x, y, z


def evaluate(expr: Any, sizes: Mapping[str, int]) -> int:
    """The value of a TIR expression of symbolic sizes."""
    analyzer = tvm.sym.Analyzer()
    for var in tvm.tirx.analysis.undefined_vars(expr):
        analyzer.bind(var, tvm.tirx.IntImm(var.ty.dtype, sizes[var.name]))
    return int(analyzer.simplify(expr))


class Dawn(Device):
    """A device that runs single kernels."""

    def prepare(self, func: tvm.tirx.PrimFunc, variant: Variant) -> PreparedKernel:
        """Compile a kernel that runs many times."""
        return PreparedKernel(self, func, variant)

    def run(
        self,
        func: tvm.tirx.PrimFunc,
        variant: Variant,
        buffers: Mapping[str, Array],
        sizes: Mapping[str, int] | None = None,
        grid: tuple[int, int, int] | None = None,
    ) -> dict[str, Array]:
        """Compile a kernel and run it once: see PreparedKernel.run."""
        return self.prepare(func, variant).run(buffers, sizes, grid)


class PreparedKernel:
    """A kernel with its pipeline, made by Dawn.prepare."""

    def __init__(self, dawn: Dawn, func: tvm.tirx.PrimFunc, variant: Variant) -> None:
        self._wgpu, self._device, self._func = dawn.wgpu, dawn.device, func
        kernel = compile_kernels({"kernel": func}, variant)["kernel"]
        self._uniform = kernel.uniform
        self._bindings = [(int(slot), access, name) for slot, access, name in _BUFFER.findall(kernel.wgsl)]
        self._pipeline = dawn.pipeline(kernel.wgsl, kernel.entry)

    def run(
        self, buffers: Mapping[str, Array], sizes: Mapping[str, int] | None = None, grid: tuple[int, int, int] | None = None
    ) -> dict[str, Array]:
        """Run the kernel once.

        buffers: contents by buffer name; give outputs as `poison(...)`. sizes: values of symbolic sizes by name.
        grid: workgroups, computed from the kernel when not given.
        Returns the buffers that the kernel may write, in the shapes and dtypes given. Raises AssertionError when a guard was written.
        """
        sizes = sizes or {}
        x, y, z = grid or grid_of(self._func, sizes)
        if unknown := {name for _, _, name in self._bindings} - buffers.keys():
            raise KeyError(f"the kernel binds {sorted(unknown)}, which the test does not give")
        gpu = {name: self._buffer(buffers[name]) for _, _, name in self._bindings}
        entries = [(slot, gpu[name]) for slot, _, name in self._bindings]
        if self._uniform:
            # TVM's last word is the number of workgroups in x; the others are sizes, or what it computes of them once.
            words = [*(evaluate(expr, sizes) for expr in self._uniform[:-1]), x]
            usage = self._wgpu.BufferUsage.UNIFORM
            uniform = self._device.create_buffer_with_data(data=np.array(words, np.int32), usage=usage)
            entries.append((len(entries), uniform))
        self._dispatch(entries, (x, y, z))
        return {name: self._read(name, gpu[name], buffers[name]) for _, access, name in self._bindings if access == "read_write"}

    def _buffer(self, array: Array) -> Any:
        data = array.tobytes()
        data += b"\0" * (-len(data) % 4)
        usage = self._wgpu.BufferUsage.STORAGE | self._wgpu.BufferUsage.COPY_SRC
        return self._device.create_buffer_with_data(data=data + _guard(array), usage=usage)

    def _dispatch(self, entries: Sequence[tuple[int, Any]], grid: tuple[int, int, int]) -> None:
        group = self._device.create_bind_group(
            layout=self._pipeline.get_bind_group_layout(0),
            entries=[{"binding": slot, "resource": {"buffer": buffer, "offset": 0, "size": buffer.size}} for slot, buffer in entries],
        )
        encoder = self._device.create_command_encoder()
        compute = encoder.begin_compute_pass()
        compute.set_pipeline(self._pipeline)
        compute.set_bind_group(0, group)
        compute.dispatch_workgroups(*grid)
        compute.end()
        self._device.queue.submit([encoder.finish()])

    def _read(self, name: str, buffer: Any, like: Array) -> Array:
        data = bytes(self._device.queue.read_buffer(buffer))
        assert data[-GUARD_BYTES:] == _guard(like), f"the kernel wrote beyond the end of {name}"
        return np.frombuffer(data[: like.nbytes], like.dtype).reshape(like.shape)


def _guard(array: Array) -> bytes:
    """GUARD_BYTES of values that are wrong wherever they are read as the array's type."""
    return poison(GUARD_BYTES // array.dtype.itemsize, array.dtype).tobytes()
