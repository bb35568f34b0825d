"""A model as a build makes it for GPUs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from packed_model import PackedModel
from webllm_build.compile.link import PLAN_SECTION, link_library, read_custom_section
from webllm_build.compile.pipeline import compile_model
from webllm_build.compile.plan import Plan, parse_plan
from webllm_build.compile.target import Variant
from webllm_build.source.checkpoint import Checkpoint

# SwiftShader's subgroups have four invocations, and it has no shader-f16.
VARIANTS = (
    Variant("f32-sg-int8", f16=False, subgroups=True, integer=True, lanes=4),
    Variant("f32-int8", f16=False, subgroups=False, integer=True),
    Variant("f32-sg", f16=False, subgroups=True, lanes=4),
    Variant("f32", f16=False, subgroups=False),
)


@dataclass(frozen=True)
class Built(PackedModel):
    library: bytes

    @staticmethod
    def compiled(
        checkpoint: Checkpoint, names: Mapping[str, str], variants: tuple[Variant, ...], functions: Sequence[str] | None = None
    ) -> Built:
        """names: as in PackedModel.of. functions: of the plan; all where None."""
        return Built.of_packed(PackedModel.of(checkpoint, names), variants, functions)

    @staticmethod
    def of_packed(packed: PackedModel, variants: tuple[Variant, ...], functions: Sequence[str] | None = None) -> Built:
        compiled = compile_model(packed.layout, variants, functions=functions)
        library = link_library(compiled.launch_object, compiled.launch_exports, compiled.plan, compiled.wgsl, "ziglang")
        return Built(**vars(packed), library=library)

    @property
    def plan(self) -> Plan:
        return parse_plan(read_custom_section(self.library, PLAN_SECTION))

    @property
    def variants(self) -> list[str]:
        return [variant.name for variant in self.plan.variants]
