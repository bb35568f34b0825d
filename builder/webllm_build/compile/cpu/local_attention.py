"""Attention of a token to itself and a few before it, with learnt vectors of how far behind these are."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.ops import exp, units
from webllm_build.compile.kernels.local_attention import attend, buffers
from webllm_build.compile.kernels.tir.ops import Kernel
from webllm_build.model.audio.ops import LocalAttention


def local_attention(attention: LocalAttention) -> PrimFunc:
    """As kernels/local_attention.py; a unit is a token."""
    with Kernel() as kernel:
        given = buffers(kernel, attention)
        with units(given[0].shape[0]) as token, T.serial(attention.heads) as head:
            attend(given, attention, token, head, exp)
    return kernel.func
