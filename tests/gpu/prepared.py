"""A kernel compiled once and run many times: SwiftShader takes seconds to compile one and milliseconds to run it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from unittest import mock

import dawn as harness
from dawn import Array, Dawn
from tvm.tirx import PrimFunc

from webllm_build.compile.target import Variant
from webllm_build.compile.wgsl import compile_kernels


class Prepared:
    """Dawn.run for one kernel and variant, with the WGSL and the pipeline of the first run kept."""

    def __init__(self, dawn: Dawn, func: PrimFunc, variant: Variant) -> None:
        self._dawn, self._func, self._variant = dawn, func, variant
        self._compiled = compile_kernels({"kernel": func}, variant)
        self._pipeline: Any = None

    def run(
        self, buffers: Mapping[str, Array], sizes: Mapping[str, int] | None = None, grid: tuple[int, int, int] | None = None
    ) -> dict[str, Array]:
        device = self._dawn._device
        create = device.create_compute_pipeline

        def pipeline(**descriptor: Any) -> Any:
            self._pipeline = self._pipeline or create(**descriptor)
            return self._pipeline

        with (
            mock.patch.object(harness, "compile_kernels", lambda functions, variant: self._compiled),
            mock.patch.object(device, "create_compute_pipeline", pipeline),
        ):
            return self._dawn.run(self._func, self._variant, buffers, sizes, grid)
