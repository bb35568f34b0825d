"""Convolutions over time and bands of which every second step and band is kept, and the norm of their channels."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.tir.ops import Buffer, Expr, Kernel, ceildiv, launch, let, local, size, store, when
from webllm_build.model.audio.ops import Subsampling

THREADS = 64
TAPS = 3  # in time and in bands


def source(subsampling: Subsampling, token: Expr, place: Expr, time: Expr, band: Expr) -> tuple[Expr, Expr, Expr, Expr]:
    """Of what a tap of a place reads: (its token, its number there without the channel, whether there is such, counted from 0)."""
    steps, bands = subsampling.steps, subsampling.bands
    bands_out = ceildiv(bands, 2)
    step = let("step", token * steps + place // bands_out * 2 + time - 1)
    of_band = let("band", place % bands_out * 2 + band - 1)
    is_there = (step >= 0) & (of_band >= 0) & (of_band < bands)
    return step // steps, (step % steps * bands + of_band) * subsampling.channels, is_there, (time * TAPS + band)


def convolve(subsampling: Subsampling) -> PrimFunc:
    """As `subsample` has it, without norm and relu; the same in every variant. An invocation has one number.

    Parameters: x float32[n, inputs], weight float32[channels * 9 * outputs], out float32[n, places * outputs].
    """
    channels, outputs = subsampling.channels, subsampling.outputs
    columns = subsampling.places * outputs
    with Kernel() as kernel:
        n = size("n")
        x = kernel.buffer("x", (n, subsampling.inputs), "float32")
        weight = kernel.buffer("weight", (channels * TAPS**2 * outputs,), "float32")
        out = kernel.buffer("out", (n, columns), "float32")
        with launch([ceildiv(columns, THREADS), n], [THREADS]) as ((workgroup, token), (thread,)):
            column = let("column", workgroup * THREADS + thread)
            with when(columns % THREADS == 0 or column < columns):
                sums = local("sums", 1)
                store(sums, T.float32(0), 0)
                with T.serial(TAPS) as time, T.serial(TAPS) as band:
                    row, first, is_there, tap = source(subsampling, token, column // outputs, time, band)
                    with when(is_there), T.serial(channels) as channel:
                        factor = weight[(channel * TAPS**2 + tap) * outputs + column % outputs]
                        store(sums, sums[0] + x[row, first + channel] * factor, 0)
                store(out, sums[0], token, column)
    return kernel.func


def normed(y: Buffer, out: Buffer, weight: Buffer, token: Expr, first: Expr, count: int, eps: float, factor: Expr | None) -> None:
    """out = relu of the layer norm of the `count` channels of y[token] from the first on, times a factor where there is one."""
    sums = local("sums", 2)
    store(sums, T.float32(0), 0)
    store(sums, T.float32(0), 1)
    with T.serial(count) as i:
        store(sums, sums[0] + y[token, first + i], 0)
    mean = let("mean", sums[0] * T.float32(1 / count))
    with T.serial(count) as i:
        centred = let("centred", y[token, first + i] - mean)
        store(sums, sums[1] + centred * centred, 1)
    scale = let("scale", T.float32(1) / T.sqrt(sums[1] * T.float32(1 / count) + T.float32(eps)))
    with T.serial(count) as i:
        value = T.max((y[token, first + i] - mean) * scale * weight[i], T.float32(0))
        store(out, value if factor is None else value * factor, token, first + i)


def normed_buffers(kernel: Kernel, subsampling: Subsampling, present: int) -> tuple[Buffer, Buffer, Buffer | None, Buffer]:
    """Parameters y float32[n, places * outputs], norm float32[outputs], present float32[n, present] where that is not 0, out as y."""
    n, columns = size("n"), subsampling.places * subsampling.outputs
    y = kernel.buffer("y", (n, columns), "float32")
    weight = kernel.buffer("norm", (subsampling.outputs,), "float32")
    there = kernel.buffer("present", (n, present), "float32") if present else None
    return y, weight, there, kernel.buffer("out", (n, columns), "float32")


def normalise(subsampling: Subsampling, eps: float, present: int) -> PrimFunc:
    """relu of the layer norm of each place's channels, times `present` of its step where that has so many; the same in every variant. An
    invocation has a place. Parameters: those of `normed_buffers`."""
    places, outputs = subsampling.places, subsampling.outputs
    with Kernel() as kernel:
        y, weight, there, out = normed_buffers(kernel, subsampling, present)
        with launch([ceildiv(places, THREADS), y.shape[0]], [THREADS]) as ((workgroup, token), (thread,)):
            place = let("place", workgroup * THREADS + thread)
            with when(places % THREADS == 0 or place < places):
                factor = None if there is None else there[token, place // (places // present)]
                normed(y, out, weight, token, place * outputs, outputs, eps, factor)
    return kernel.func
