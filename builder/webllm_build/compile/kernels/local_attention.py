"""Attention of a token to itself and a few before it, with learnt vectors of how far behind these are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.tir.ops import Buffer, Expr, Kernel, ceildiv, launch, let, local, size, store, when
from webllm_build.model.audio.ops import LocalAttention

THREADS = 64
NOTHING = -1e30


def buffers(kernel: Kernel, attention: LocalAttention) -> tuple[Buffer, Buffer, Buffer, Buffer]:
    """Parameters qkv float32[n, 3 * columns], scale float32[head_dim], relative float32[span * columns], out float32[n, columns]."""
    n, columns = size("n"), attention.heads * attention.head_dim
    qkv = kernel.buffer("qkv", (n, 3 * columns), "float32")
    scale = kernel.buffer("scale", (attention.head_dim,), "float32")
    relative = kernel.buffer("relative", (attention.span * columns,), "float32")
    return qkv, scale, relative, kernel.buffer("out", (n, columns), "float32")


def attend(given: Sequence[Buffer], attention: LocalAttention, token: Expr, head: Expr, exp: Callable[[Expr], Expr]) -> None:
    """Writes what a head gives for a token."""
    qkv, scale, relative, out = given
    columns, first, cap = attention.heads * attention.head_dim, head * attention.head_dim, T.float32(attention.softcap)
    scores, sums = local("scores", attention.span), local("sums", 2)  # of sums, the second is the highest score
    store(sums, T.float32(NOTHING), 1)
    for behind in range(attention.span):
        store(scores, T.float32(NOTHING), behind)
        with when(token >= behind):
            store(sums, T.float32(0), 0)
            with T.serial(attention.head_dim) as i:
                key = qkv[token - behind, columns + first + i] + relative[behind * columns + first + i]
                store(sums, sums[0] + qkv[token, first + i] * scale[i] * key, 0)
            twice = let("twice", exp(sums[0] * T.float32(2 / attention.softcap)))
            store(scores, cap - cap * T.float32(2) / (twice + T.float32(1)), behind)
            store(sums, T.max(sums[1], scores[behind]), 1)
    store(sums, T.float32(0), 0)
    for behind in range(attention.span):
        with when(token >= behind):
            store(scores, exp(scores[behind] - sums[1]), behind)
            store(sums, sums[0] + scores[behind], 0)
    share = let("share", T.float32(1) / sums[0])
    with T.serial(attention.head_dim) as i:
        store(sums, T.float32(0), 0)
        for behind in range(attention.span):
            with when(token >= behind):
                store(sums, sums[0] + scores[behind] * qkv[token - behind, 2 * columns + first + i], 0)
        store(out, sums[0] * share, token, first + i)


def local_attention(attention: LocalAttention) -> PrimFunc:
    """The same in every variant. An invocation has a head of a token. Parameters: those of `buffers`."""
    heads = attention.heads
    with Kernel() as kernel:
        given = buffers(kernel, attention)
        n = given[0].shape[0]
        with launch([ceildiv(n * heads, THREADS)], [THREADS]) as ((workgroup,), (thread,)):
            index = let("index", workgroup * THREADS + thread)
            with when(index < n * heads):
                # WGSL leaves an overflow of exp undefined.
                attend(given, attention, index // heads, index % heads, lambda x: T.exp(T.max(T.min(x, T.float32(80)), T.float32(-80))))
    return kernel.func
