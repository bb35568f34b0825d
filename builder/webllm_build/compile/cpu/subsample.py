"""Convolutions over time and bands of which every second step and band is kept, and the norm of their channels."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.ops import units
from webllm_build.compile.kernels.subsample import TAPS, normed, normed_buffers, source
from webllm_build.compile.kernels.tir.ops import VEC, Kernel, let, size, splat, store, vec, when
from webllm_build.model.audio.ops import Subsampling


def convolve(subsampling: Subsampling) -> PrimFunc:
    """As kernels/subsample.py; a unit is a token."""
    channels, vectors = subsampling.channels, subsampling.outputs // VEC
    with Kernel() as kernel:
        n = size("n")
        x = kernel.buffer("x", (n, subsampling.inputs), "float32")
        weight = kernel.buffer("weight", (channels * TAPS**2 * subsampling.outputs,), "float32")
        out = kernel.buffer("out", (n, subsampling.places * subsampling.outputs), "float32")
        with units(n) as token, T.serial(subsampling.places) as place:
            with T.serial(vectors) as i:
                store(out, splat(T.float32(0)), token, vec(place * vectors + i))
            with T.serial(TAPS) as time, T.serial(TAPS) as band:
                row, first, is_there, tap = source(subsampling, token, place, time, band)
                with when(is_there), T.serial(channels) as channel:
                    value = splat(let("value", x[row, first + channel]))
                    with T.serial(vectors) as i:
                        at = vec(place * vectors + i)
                        store(out, out[token, at] + value * weight[vec((channel * TAPS**2 + tap) * vectors + i)], token, at)
    return kernel.func


def normalise(subsampling: Subsampling, eps: float, present: int) -> PrimFunc:
    """As kernels/subsample.py; a unit is a token."""
    places, outputs = subsampling.places, subsampling.outputs
    with Kernel() as kernel:
        y, weight, there, out = normed_buffers(kernel, subsampling, present)
        with units(y.shape[0]) as token, T.serial(places) as place:
            factor = None if there is None else there[token, place // (places // present)]
            normed(y, out, weight, token, place * outputs, outputs, eps, factor)
    return kernel.func
