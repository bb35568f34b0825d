"""Quantized matrix times vector by integer dot products: linear layers of a decode step, where the browser has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.linear.codes import (
    Activations,
    activations_of,
    block_scale,
    code_buffers,
    code_sum,
    halves,
    pack_block,
    pack_quad,
)
from webllm_build.compile.kernels.linear.epilogue import PLAIN, QUADS, Epilogue, EpilogueBuffers, weight_buffers
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import (
    Buffer,
    Expr,
    Kernel,
    barrier,
    ceildiv,
    dot,
    extern,
    launch,
    let,
    local,
    shared,
    store,
    total,
    vec,
    when,
)
from webllm_build.compile.kernels.tir.reduce import reduce_group
from webllm_build.compile.target import Variant
from webllm_build.quantize import GROUP, Scheme
from webllm_build.quantize.scheme import Codes
from webllm_build.quantize.tir import lanes


@dataclass(frozen=True)
class Tile:
    """How invocations share the work: a group of `lanes` spans a row's blocks of 32 weights and computes `rows` rows; a workgroup has
    `groups` of them."""

    lanes: int
    rows: int
    groups: int


def tiles(n: int, k: int, epilogue: Epilogue) -> Mapping[str, Tile]:
    """Defaults by vendor; all were fast on an NVIDIA H200 for their shape."""
    blocks = k // GROUP
    if epilogue.gated or n >= 8192:
        lanes = 16 if blocks % 16 == 0 else 8
        return {"other": Tile(lanes, 8 if n >= 65536 else 4, 16), "apple": Tile(lanes, 8, 8)}
    if blocks > 128:
        return {"other": Tile(256, 4, 1), "apple": Tile(32, 4, 2)}
    lanes = 32 if blocks % 32 == 0 else 16 if blocks % 16 == 0 else 8
    rows = 4 if n * blocks >= 400_000 else 2
    return {"other": Tile(lanes, rows, 4), "apple": Tile(lanes, 4, 64 // lanes)}


def gemv_codes(
    variant: Variant,
    scheme: Scheme,
    n: int,
    k: int,
    *,
    norm_eps: float | None = None,
    packed_input: bool = False,
    epilogue: Epilogue = PLAIN,
    tile: Tile | None = None,
) -> PrimFunc:
    """y[n] = W[n, k] · x, with W packed by `scheme`, or W · (norm_weight * x / sqrt(mean(x²) + norm_eps)), with the vector that W is
    multiplied by as codes.

    Parameters: x float32[1, k], or with packed_input x_q, x_s (see codes.py); w_<suffix> of the scheme, norm_weight float32[k] (with
    norm_eps), those of the epilogue, out float32[1, n], or of a gated unit out_q, out_s, the codes of its channels.
    Sums over a block of 32 are exact, sums of blocks float32. Raises CompileError for shapes that blocks do not divide.
    """
    epilogue.check(n, k)
    assert scheme.codes is not None and not (packed_input and norm_eps is not None)
    tile = tile or tiles(n, k, epilogue)["other"]
    blocks = k // GROUP
    with Kernel() as kernel:
        x = code_buffers(kernel, 1, k) if packed_input else kernel.buffer("x", (1, k), "float32")
        weight = weight_buffers(kernel, scheme, n, k)
        norm_weight = kernel.buffer("norm_weight", (k,), "float32") if norm_eps is not None else None
        finish = epilogue.buffers(kernel, 1, n)
        if epilogue.gated:
            out = kernel.buffer("out_q", (1, n // 32), "uint32x4"), kernel.buffer("out_s", (1, n // 64), "float32")
        else:
            out = kernel.buffer("out", (1, n), "float32")
        with launch([ceildiv(n, tile.rows * tile.groups)], [tile.lanes, tile.groups]) as ((workgroup,), (lane, group)):
            threads = _Threads(workgroup, lane, group, tile)
            codes = scheme.codes
            inputs = _Packed(codes, *x) if packed_input else _Quantized(variant, codes, x, norm_weight, norm_eps, blocks, threads)
            first_row = let("first_row", (workgroup * tile.groups + group) * tile.rows)
            # Rows beyond the last are computed from the last one's weights and not stored.
            exact = n % (tile.rows * tile.groups) == 0
            rows = [first_row + r if exact else T.min(first_row + r, n - 1) for r in range(tile.rows)]
            sums = local("sums", tile.rows)
            for i in range(tile.rows):
                store(sums, T.float32(0), i)
            with T.serial(0, ceildiv(blocks, tile.lanes)) as step:
                block = step * tile.lanes + lane
                with when(blocks % tile.lanes == 0 or block < blocks):
                    raw = [[let("raw", word) for word in scheme.codes.read(weight, row * blocks + block)] for row in rows]
                    activations = inputs.block(block)
                    for r, row in enumerate(rows):
                        store(sums, sums[r] + activations.dot(scheme.codes.unpack(raw[r], row * blocks + block)), r)
            total_of = reduce_group(variant, sums, tile.rows, lane=lane, width=tile.lanes, group=group, groups=tile.groups)
            scale = inputs.inverse_rms()

            def y(row: Expr) -> Expr:
                return total_of(row) * scale

            if epilogue.gated:
                _store_channels(y, finish, out, n // 2, threads)
            else:
                for first in range(0, tile.rows, tile.lanes):
                    row = first_row + first + lane
                    with when(T.And(first + lane < tile.rows, row < n)):
                        store(out, finish.output(y(first + lane), 0, row), 0, row)
    return kernel.func


@dataclass(frozen=True)
class _Threads:
    workgroup: Expr
    lane: Expr
    group: Expr
    tile: Tile

    @property
    def count(self) -> int:
        return self.tile.lanes * self.tile.groups

    @property
    def index(self) -> Expr:
        return self.group * self.tile.lanes + self.lane


class _Packed:
    """Activations that are codes already."""

    def __init__(self, codes: Codes, x_q: Buffer, x_s: Buffer) -> None:
        self.codes, self.x_q, self.x_s = codes, x_q, x_s

    def block(self, block: Expr) -> Activations:
        words = lanes(let("x0", self.x_q[0, block * 2])) + lanes(let("x1", self.x_q[0, block * 2 + 1]))
        return activations_of(self.codes, words, let("x_scale", self.x_s[0, block]), fixed("code_sum", code_sum(words)))

    def inverse_rms(self) -> Expr:
        return T.float32(1)


class _Quantized:
    """Activations that each workgroup makes codes of, in workgroup memory: one invocation a block. With a norm, its weights are applied
    before, and 1 / sqrt(mean square), which all have in common, by the caller."""

    def __init__(
        self,
        variant: Variant,
        codes: Codes,
        x: Buffer,
        norm_weight: Buffer | None,
        norm_eps: float | None,
        blocks: int,
        threads: _Threads,
    ) -> None:
        self.x_q, self.x_s = shared("x_codes", blocks * 2, "uint32x4"), shared("x_scales", blocks)
        self.x_sums = shared("x_sums", blocks, "int32")
        self.codes, self.norm_eps, self.k = codes, norm_eps, blocks * GROUP
        squares = local("squares", 1)
        store(squares, T.float32(0), 0)
        for first in range(0, blocks, threads.count):
            block = first + threads.index
            with when(first + threads.count <= blocks or block < blocks):
                quads = [let(f"x{j}", x[0, vec(block * QUADS + j)]) for j in range(QUADS)]
                if norm_weight is not None:
                    store(squares, squares[0] + total([dot(quad, quad) for quad in quads]), 0)
                    quads = [let(f"y{j}", quad * norm_weight[vec(block * QUADS + j)]) for j, quad in enumerate(quads)]
                scale, inverse = block_scale(quads)
                words = pack_block(quads, inverse)
                for i, half in enumerate(halves(words)):
                    store(self.x_q, half, block * 2 + i)
                store(self.x_s, scale, block)
                store(self.x_sums, code_sum(words), block)
        if norm_weight is None:
            barrier()
        else:  # a reduction within a subgroup has no barrier; TVM then puts one before the first use of the codes
            self.square_sum = reduce_group(variant, squares, 1, lane=threads.index, width=threads.count)

    def block(self, block: Expr) -> Activations:
        words = lanes(let("x0", self.x_q[block * 2])) + lanes(let("x1", self.x_q[block * 2 + 1]))
        return activations_of(self.codes, words, let("x_scale", self.x_s[block]), let("code_sum", self.x_sums[block]))

    def inverse_rms(self) -> Expr:
        if self.norm_eps is None:
            return T.float32(1)
        return fixed("inverse_rms", T.rsqrt(self.square_sum(0) / T.float32(self.k) + T.float32(self.norm_eps)), "float32")


def _store_channels(y: Callable[[Expr], Expr], finish: EpilogueBuffers, out: tuple[Buffer, Buffer], count: int, threads: _Threads) -> None:
    """Make codes of the workgroup's channels of a gated unit, two invocations a block. `count`: channels of all workgroups."""
    of_group = threads.tile.rows // 2
    of_workgroup = of_group * threads.tile.groups
    assert of_workgroup % GROUP == 0, "a workgroup's channels must be whole blocks"
    channels = shared("channels", of_workgroup)
    for first in range(0, of_group, threads.tile.lanes):
        channel = first + threads.lane
        with when(first + threads.tile.lanes <= of_group or channel < of_group):
            gate, up = (let(name, y(channel * 2 + i)) for i, name in enumerate(("gate", "up")))
            of_all = threads.workgroup * of_workgroup + threads.group * of_group + channel
            store(channels, finish.channel(gate, up, of_all), threads.group * of_group + channel)
    barrier()
    half = threads.index
    block = fixed("block", threads.workgroup * (of_workgroup // GROUP) + half // 2)
    with when(T.And(half < of_workgroup // GROUP * 2, block < count // GROUP)):

        def quad(j: Expr) -> Expr:
            return extern("float32x4", "vec4f", *(channels[half // 2 * GROUP + j * 4 + i] for i in range(4)))

        scale, inverse = block_scale([quad(j) for j in range(QUADS)])
        words = [fixed(f"word{j}", pack_quad(quad(half % 2 * 4 + j), inverse), "uint32") for j in range(4)]
        store(out[0], extern("uint32x4", "vec4u", *words), 0, block * 2 + half % 2)
        with when(half % 2 == 0):
            store(out[1], scale, 0, block)
