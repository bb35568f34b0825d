"""The kernels of a prefill in chunks, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dawn import Array, Dawn, PreparedKernel, poison

from webllm_build.compile.kernels.recurrence.stage import Stage
from webllm_build.compile.target import Variant
from webllm_build.compile.tiles import TiledKernel


class Stages:
    """Stages of a recurrence, each in its tile of that number, or its first."""

    def __init__(self, dawn: Dawn, variant: Variant, stages: Sequence[Stage], tile: int = 0) -> None:
        self._stages: list[tuple[Stage, PreparedKernel, list[str]]] = []
        for stage in stages:
            kernel = stage.kernel
            function = list(kernel.functions.values())[tile] if isinstance(kernel, TiledKernel) else kernel
            self._stages.append((stage, dawn.prepare(function, variant), [parameter.name for parameter in function.params]))

    def run(self, n: int, buffers: Mapping[str, Array]) -> Mapping[str, Array]:
        """buffers: of n tokens, by the names that stages know them by. What the stages wrote, by these names."""
        found: dict[str, Array] = {}
        for stage, kernel, parameters in self._stages:
            made = {name: poison((n, *shape)) for name, shape in stage.makes.items()}
            names = dict(zip(parameters, [*stage.reads, *stage.makes], strict=True))
            given = {parameter: {**buffers, **found, **made}[name] for parameter, name in names.items()}
            result = kernel.run(given, {"n": n, "slots": len(buffers["slots"])})
            found |= {names[parameter]: array for parameter, array in result.items()}
        return found
