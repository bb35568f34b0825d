"""Compiles WGSL with naga, the shader compiler of Firefox, by wgpu."""

from __future__ import annotations

import os
from typing import Any

import pytest
from dawn import swiftshader


class Naga:
    """One device of wgpu. `f16`: whether it compiles modules that `enable f16`, which depends on the driver."""

    def __init__(self) -> None:
        with pytest.MonkeyPatch.context() as environment:
            if not os.environ.get("VK_ICD_FILENAMES") and not os.environ.get("VK_DRIVER_FILES"):
                environment.setenv("VK_ADD_DRIVER_FILES", str(swiftshader()))  # beside the system's drivers
            import wgpu

            adapters = wgpu.gpu.enumerate_adapters_sync()
            adapter: Any = max(adapters, key=lambda adapter: "shader-f16" in adapter.features)
            self.f16 = "shader-f16" in adapter.features
            self._device: Any = adapter.request_device_sync(required_features=["shader-f16"] if self.f16 else [])
        self._error: type[Exception] = wgpu.GPUError

    def complaint(self, wgsl: str, entry: str) -> str | None:
        """Why a module or its pipeline is refused; None where it compiles."""
        try:
            module = self._device.create_shader_module(code=wgsl)
            self._device.create_compute_pipeline(layout="auto", compute={"module": module, "entry_point": entry})
        except self._error as error:
            return str(error)
        return None
