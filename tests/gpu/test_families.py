"""Every family as it is built, on Dawn by its plan: see text_run.py.

families_on_gpu.py does the same on a GPU, in all variants that it has.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
from built_model import VARIANTS
from device import Device
from family_case import Case
from family_cases import exact_case, rounded_cases
from naga import Naga

from families import FAMILIES, formats, open_tiny
from webllm_build.compile.target import VARIANTS as ALL

pytestmark = pytest.mark.usefixtures("soon_compiled")


def check(case: Case, gpu: Device | Naga, variants: list[str]) -> None:
    assert [variant.name for variant in case.variants] == variants
    for variant in variants:
        errors = case.errors(gpu, variant)
        assert errors.within(case.bounds), f"{case.kind}, {variant}: {errors}"


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_equal_those_of_transformers(gpu: Device, tmp_path: Path, family: str) -> None:
    """With subgroups, as the codes, which share all kernels but those of matrices: compiling them is what takes the time."""
    check(exact_case(family, open_tiny(family, "hugging_face", tmp_path), VARIANTS[2:3]), gpu, ["f32-sg"])


@pytest.fixture(scope="module")
def rounded(naga: Naga, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], list[Case]]:
    """Gives what a family must give in one of two variants, which are of one build."""
    variants = [*VARIANTS[:1], *(variant for variant in ALL if variant.name == "f16" and naga.f16)]

    @functools.cache
    def cases(family: str) -> list[Case]:
        return rounded_cases(family, open_tiny(family, formats(family)[-1], tmp_path_factory.mktemp(family)), variants)

    return lambda family, variant: [case for case in cases(family) if [*case.names] == [variant]]


@pytest.mark.parametrize("family", FAMILIES)
def test_integers_follow_within_the_step_of_their_codes(gpu: Device, rounded: Callable[[str, str], list[Case]], family: str) -> None:
    first, whole = rounded(family, "f32-sg-int8")
    for case in (first, whole):
        check(case, gpu, ["f32-sg-int8"])


@pytest.mark.parametrize("family", FAMILIES)
def test_it_needs_no_subgroups(gpu: Device, naga: Naga, rounded: Callable[[str, str], list[Case]], tmp_path: Path, family: str) -> None:
    """In float16, which SwiftShader does not have, by Firefox's WebGPU; in float32 where no driver here has shader-f16 (Debian's
    mesa-vulkan-drivers has)."""
    if not naga.f16:
        check(exact_case(family, open_tiny(family, "hugging_face", tmp_path), VARIANTS[3:]), gpu, ["f32"])
        return
    (case,) = rounded(family, "f16")
    check(case, naga, ["f16"])
