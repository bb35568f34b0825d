"""WebGPU as Firefox has it: naga, its shader compiler, and wgpu, which runs what naga compiles."""

from __future__ import annotations

import os
from typing import Any
from unittest import mock

from chromium import swiftshader

# To optimize what is run once takes Mesa's driver longer than it saves.
MESA = {"GALLIVM_PERF": "nopt"}


class Naga:
    """One device of wgpu. `f16`: whether it compiles modules that `enable f16`, which depends on the driver. `wgpu`, `device`: as
    Dawn's."""

    def __init__(self) -> None:
        named = os.environ.get("VK_ICD_FILENAMES") or os.environ.get("VK_DRIVER_FILES")
        drivers = {} if named else {"VK_ADD_DRIVER_FILES": str(swiftshader())}  # beside the system's
        with mock.patch.dict(os.environ, MESA | drivers):
            import wgpu

            adapters = wgpu.gpu.enumerate_adapters_sync()
            adapter: Any = max(adapters, key=lambda adapter: "shader-f16" in adapter.features)
            self.f16 = "shader-f16" in adapter.features
            self.device: Any = adapter.request_device_sync(required_features=["shader-f16"] if self.f16 else [])
        self.wgpu: Any = wgpu
        self._error: type[Exception] = wgpu.GPUError
        self._pipelines: dict[tuple[str, str], Any] = {}
        self._complaints: dict[tuple[str, str], str | None] = {}

    def pipeline(self, wgsl: str, entry: str, layout: Any) -> Any:
        """As Dawn's."""
        if (wgsl, entry) not in self._pipelines:
            whole = self.device.create_pipeline_layout(bind_group_layouts=[layout])
            compute = {"module": self.device.create_shader_module(code=wgsl), "entry_point": entry}
            self._pipelines[wgsl, entry] = self.device.create_compute_pipeline(layout=whole, compute=compute)
        return self._pipelines[wgsl, entry]

    def accepts(self, wgsl: str, entry: str) -> bool:
        """Whether a module compiles; also of one with what Firefox (subgroups) or the drivers here (float16) do not have."""
        absent = "enable subgroups;" in wgsl or ("enable f16;" in wgsl and not self.f16)
        return absent or self.complaint(wgsl, entry) is None

    def complaint(self, wgsl: str, entry: str) -> str | None:
        """Why a module or its pipeline is refused; None where it compiles. Families share most modules: each is compiled once."""
        if (wgsl, entry) not in self._complaints:
            self._complaints[wgsl, entry] = self._complaint(wgsl, entry)
        return self._complaints[wgsl, entry]

    def _complaint(self, wgsl: str, entry: str) -> str | None:
        try:
            module = self.device.create_shader_module(code=wgsl)
            self.device.create_compute_pipeline(layout="auto", compute={"module": module, "entry_point": entry})
        except self._error as error:
            return str(error)
        return None
