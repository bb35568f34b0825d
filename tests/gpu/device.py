"""Dawn, the WebGPU of Chromium, without a browser. It needs no TVM, so that it runs where only that is to be tried."""

from __future__ import annotations

import functools
import os
from collections.abc import Collection
from typing import Any
from unittest import mock

from chromium import DAWN_TOGGLES, swiftshader

# Dawn leaves shader-f16 off by default on NVIDIA's driver.
TOGGLES = (*DAWN_TOGGLES, "vulkan_enable_f16_on_nvidia")

SUBGROUP_SIZE = """
enable subgroups;
@group(0) @binding(0) var<storage, read_write> size: u32;
@compute @workgroup_size(128) fn main(@builtin(subgroup_size) lanes: u32, @builtin(local_invocation_index) i: u32) {
  if (i == 0) { size = lanes; }
}
"""


@functools.cache
def webgpu() -> tuple[Any, Any]:
    """wgpudawn and its extras, with the one instance that a process has."""
    named = os.environ.get("VK_ICD_FILENAMES") or os.environ.get("VK_DRIVER_FILES")
    with mock.patch.dict(os.environ, {} if named else {"VK_ICD_FILENAMES": str(swiftshader())}):  # what else is started has its own
        import wgpudawn
        from wgpudawn.backends.dawn import extras

        extras.set_instance_extras(enable_toggles=TOGGLES)
        wgpudawn.gpu.request_adapter_sync(power_preference="high-performance")  # which reads the variables
    return wgpudawn, extras


class Device:
    """One WebGPU device with all features that the adapter offers, and the default limits: of the driver that VK_ICD_FILENAMES or
    VK_DRIVER_FILES names, else of SwiftShader, which computes on the CPU.

    name: of the adapter. subgroups, f16: features it has. subgroup_size: invocations. wgpu, device: the module and the device.
    """

    def __init__(self, *toggles: str) -> None:
        """toggles: Dawn's, beside TOGGLES."""
        self.wgpu, extras = webgpu()
        adapter = self.wgpu.gpu.request_adapter_sync(power_preference="high-performance")
        info = adapter.info
        self.name = " ".join(str(info[key]) for key in ("vendor", "architecture", "device", "description"))
        features = [name for name in ("subgroups", "shader-f16") if name in adapter.features]
        self.device = extras.request_device_sync(adapter, required_features=features, enable_toggles=toggles)
        self.subgroups = "subgroups" in features
        self.f16 = "shader-f16" in features
        self._pipelines: dict[tuple[str, str, bool], Any] = {}
        self.subgroup_size = self._subgroup_size() if self.subgroups else 0

    def _subgroup_size(self) -> int:
        """As a kernel sees it: wgpudawn says the specification's smallest for every adapter."""
        output = self.device.create_buffer(size=4, usage=self.wgpu.BufferUsage.STORAGE | self.wgpu.BufferUsage.COPY_SRC)
        pipeline = self.pipeline(SUBGROUP_SIZE, "main")
        bindings = [{"binding": 0, "resource": {"buffer": output}}]
        group = self.device.create_bind_group(layout=pipeline.get_bind_group_layout(0), entries=bindings)
        encoder = self.device.create_command_encoder()
        compute = encoder.begin_compute_pass()
        compute.set_pipeline(pipeline)
        compute.set_bind_group(0, group)
        compute.dispatch_workgroups(1)
        compute.end()
        self.device.queue.submit([encoder.finish()])
        return int.from_bytes(self.device.queue.read_buffer(output), "little")

    def pipeline(self, wgsl: str, entry: str, layout: Any = None) -> Any:
        """A compute pipeline, made once: SwiftShader takes seconds to compile what many models and variants share. layout: a bind group
        layout that fits the module; one of its own where None."""
        key = (wgsl, entry, layout is None)
        if key not in self._pipelines:
            whole = "auto" if layout is None else self.device.create_pipeline_layout(bind_group_layouts=[layout])
            compute = {"module": self.device.create_shader_module(code=wgsl), "entry_point": entry}
            self._pipelines[key] = self.device.create_compute_pipeline(layout=whole, compute=compute)
        return self._pipelines[key]

    def runs(self, features: Collection[str], min_subgroup_size: int) -> bool:
        """Whether a variant that needs these can be run."""
        has = {"subgroups": self.subgroups, "shader-f16": self.f16}
        return all(has[name] for name in features) and ("subgroups" not in features or self.subgroup_size >= min_subgroup_size)
