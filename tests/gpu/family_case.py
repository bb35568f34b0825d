"""What a family must give, and how near what a GPU gives comes to it. It needs no TVM: cases are built in one place and run in another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from device import Device
from naga import Naga
from plan_runner import Array, PlanRunner

from text_run import Text
from webllm_build.compile.link import PLAN_SECTION, read_custom_section
from webllm_build.compile.plan import VariantPlan, parse_plan


@dataclass(frozen=True)
class Errors:
    """Of logits, as parts of the largest that is expected: the largest of all; the median of the largest after each token. norm: of all
    errors, as a part of the expected logits' norm."""

    largest: float
    median: float
    norm: float

    @staticmethod
    def of(found: Array, expected: Array, scale: float) -> Errors:
        errors = np.abs(found - expected).max(1) / scale
        return Errors(float(errors.max()), float(np.median(errors)), float(np.linalg.norm(found - expected) / np.linalg.norm(expected)))

    def within(self, bounds: Errors) -> bool:
        return self.largest < bounds.largest and self.median < bounds.median and self.norm < bounds.norm


@dataclass(frozen=True)
class Case:
    """kind: what is shown. names: of the variants that show it. library, buffers: a model as it is built. expected: the logits after each
    of the text's tokens, and after each of its copy's. scale: the logit that errors are measured by.
    """

    kind: str
    names: Sequence[str]
    library: bytes
    buffers: Mapping[str, Array]
    text: Text
    expected: Array
    scale: float
    bounds: Errors

    @property
    def variants(self) -> tuple[VariantPlan, ...]:
        variants = parse_plan(read_custom_section(self.library, PLAN_SECTION)).variants
        return tuple(variant for variant in variants if variant.name in self.names)

    def errors(self, gpu: Device | Naga, variant: str) -> Errors:
        runner = PlanRunner(gpu, self.library, variant, self.buffers)
        runner.tile = None
        runner.is_long = True  # as the whole sequences are that `expected` was computed of
        found, places = self.text.run(runner)
        return Errors.of(found, self.expected[places], self.scale)
