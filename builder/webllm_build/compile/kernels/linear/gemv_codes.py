"""Quantized matrix times one or a few vectors by integer dot products: linear layers of a decode step, where the browser has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.dequantize import CODES, CodeBlock, Codes
from webllm_build.compile.kernels.linear.code_inputs import MadeInputs, PackedInputs, Source, StoredVectors
from webllm_build.compile.kernels.linear.codes import block_scale, code_buffers, pack_quad
from webllm_build.compile.kernels.linear.epilogue import PLAIN, QUADS, Epilogue, EpilogueBuffers, weight_buffers
from webllm_build.compile.kernels.linear.vectors import Tile, Work, rms_scale, zeros
from webllm_build.compile.kernels.tir.fixed import fixed
from webllm_build.compile.kernels.tir.ops import Buffer, Expr, Kernel, barrier, extern, launch, let, local, shared, store, when
from webllm_build.compile.target import Variant
from webllm_build.quantize import GROUP, Scheme

MOST_AHEAD = 16  # sums of an invocation that leave registers for weights before they are needed


def tiles(variant: Variant, n: int, k: int, epilogue: Epilogue, m: int = 1) -> Mapping[str, Tile]:
    """Defaults by vendor, for m vectors; those with subgroups were fast on NVIDIA's H200 and H100 for their shape. Without, as in gemv.py:
    few lanes and many rows, because a sum across lanes costs barriers."""
    blocks = k // GROUP
    if not variant.subgroups:
        few = 4 if blocks <= 32 else 8
        return {"other": Tile(few, 8, 64 // few), "intel": Tile(16, 4, 16), "google": Tile(1, 8, 64)}
    # Idle lanes beat small workgroups, each of which makes all codes.
    if epilogue.gated or n >= 8192:
        return {"other": Tile(16, 8 if n >= 65536 else 4, 16), "apple": Tile(16, 8, 8)}
    if blocks > 128:
        return {"other": Tile(256, 2 if m == 1 else 4, 1), "apple": Tile(32, 4, 2)}
    idle = -blocks % 32
    lanes = 32 if idle == 0 or (blocks > 64 and idle <= 8) else 16
    rows, groups = (4 if n * blocks >= 400_000 else 2), 4
    if m <= 2 and n * blocks < 600_000:
        rows, groups = rows // 2, 8
    return {"other": Tile(lanes, rows, groups), "apple": Tile(lanes, 4, 64 // lanes)}


def gemv_codes(
    variant: Variant,
    scheme: Scheme,
    n: int,
    k: int,
    *,
    m: int = 1,
    norm_eps: float | None = None,
    packed_input: bool = False,
    source: Source | None = None,
    epilogue: Epilogue = PLAIN,
    tile: Tile | None = None,
) -> PrimFunc:
    """y[t] = W[n, k] · x[t] for m vectors (a power of 2), with W packed by `scheme`, or W · (norm_weight * x / sqrt(mean(x²) + norm_eps)),
    with the vectors that W is multiplied by as codes. Weights are read once for all. In a tile of the same lanes a vector's sums are what
    they are for it alone, bit for bit.

    Parameters: x float32[m, k], or with packed_input x_q, x_s and, with norm_eps, x_squares (see quantize.py); w_<suffix> of the scheme,
    norm_weight float32[k] (with norm_eps, where the input is not packed), those of the epilogue, out float32[m, n], or of a gated unit
    out_q, out_s, the codes of its channels. With a `source` x, of one vector, is made: that says what takes its place, and what comes
    before the outputs.
    Sums over a block of 32 are exact, sums of blocks float32. Raises CompileError for shapes that blocks do not divide.
    """
    epilogue.check(n, k)
    codes, tile = CODES[scheme.name], tile or tiles(variant, n, k, epilogue, m)["other"].for_vectors(m)
    blocks = k // GROUP
    has_norm = norm_eps is not None
    with Kernel() as kernel:
        of_source = source.inputs(kernel, k) if source else None
        x: Sequence[Buffer] = code_buffers(kernel, m, k) if packed_input else () if source else (kernel.buffer("x", (m, k), "float32"),)
        x_squares = kernel.buffer("x_squares", (m, blocks), "float32") if packed_input and has_norm else None
        weight = weight_buffers(kernel, scheme, n, k)
        norm_weight = kernel.buffer("norm_weight", (k,), "float32") if has_norm and not packed_input else None
        finish = epilogue.buffers(kernel, m, n)
        made = source.output(kernel, k) if source else None
        if epilogue.gated:
            out = kernel.buffer("out_q", (m, n // 32), "uint32x4"), kernel.buffer("out_s", (m, n // 64), "float32")
        else:
            out = kernel.buffer("out", (m, n), "float32")
        with launch([tile.workgroups(n)], [tile.lanes, tile.groups]) as ((workgroup,), (lane, group)):
            thread, threads = group * tile.lanes + lane, tile.lanes * tile.groups
            work = Work.of(variant, tile, n, m, workgroup, lane, group, more_sums=int(has_norm and m == 1))
            rows, raw = work.rows, RawBlocks(codes, weight, tile.rows)

            def load(block: Expr) -> None:
                raw.load([row * blocks + block for row in rows])

            is_ahead = tile.rows * m <= MOST_AHEAD
            if is_ahead:
                load(lane if tile.lanes <= blocks else T.min(lane, blocks - 1))
            inputs: PackedInputs | MadeInputs
            if packed_input:
                inputs = PackedInputs(codes, x[0], x[1], x_squares)
            else:
                vectors = of_source.made(variant, made, workgroup, threads, thread) if of_source else StoredVectors(x[0])
                inputs = MadeInputs(variant, codes, vectors, norm_weight, thread, threads)
            scale_of = rms_scale(k, norm_eps)
            squares = zeros("squares", m) if has_norm and m > 1 else None

            for block in work.blocks(blocks):
                if not is_ahead:
                    load(block)
                if m == 1:
                    activations = inputs.block(block)
                    for r, row in enumerate(rows):
                        store(work.sums, work.sums[r] + activations.dot(codes.unpack(raw.of(r), row * blocks + block)), r)
                    if inputs.x_squares is not None:
                        store(work.sums, work.sums[tile.rows] + inputs.x_squares[0, block], tile.rows)
                else:
                    weights = [_kept(codes.unpack(raw.of(r), row * blocks + block)) for r, row in enumerate(rows)]
                    for t in range(m):
                        activations = inputs.block(block, t)
                        for r, values in enumerate(weights):
                            at = t * tile.rows + r
                            store(work.sums, work.sums[at] + activations.dot(values), at)
                        if squares is not None and inputs.x_squares is not None:
                            store(squares, squares[t] + inputs.x_squares[t, block], t)
                if is_ahead and tile.lanes < blocks:
                    with when(block + tile.lanes < blocks):
                        load(block + tile.lanes)
            if m == 1:
                sum_of = work.reduce(tile.rows + has_norm)
                scale = scale_of(sum_of(tile.rows)) if has_norm else T.float32(1)
                if epilogue.gated:
                    store_codes(channels_of_one(work, sum_of, scale, finish), out, work)
                else:
                    for index, row in work.each_row():
                        store(out, finish.output(sum_of(index) * scale, 0, row), 0, row)
            elif epilogue.gated:
                store_codes(work.each_channel_of_workgroup(finish, work.scales(squares, scale_of)), out, work)
            else:
                work.store_outputs(finish, out, work.scales(squares, scale_of))
    return kernel.func


class RawBlocks:
    """A block of each of an invocation's rows as it lies in memory. While there are registers, it is loaded before it is needed: the first
    one while codes are made."""

    def __init__(self, codes: Codes, weight: Sequence[Buffer], rows: int) -> None:
        self.codes, self.weight = codes, weight
        self.words = [local("raw", rows, dtype) for dtype in codes.dtypes]

    def load(self, indices: Sequence[Expr]) -> None:
        for r, index in enumerate(indices):
            for kept, word in zip(self.words, self.codes.read(self.weight, index), strict=True):
                store(kept, word, r)

    def of(self, r: int) -> list[Expr]:
        return [kept[r] for kept in self.words]


def _kept(block: CodeBlock) -> CodeBlock:
    """In registers, for several vectors."""
    minimum = None if block.minimum is None else fixed("minimum", block.minimum, "float32")
    words = tuple(fixed("word", word, "uint32") for word in block.words)
    return CodeBlock(words, fixed("scale", block.scale, "float32"), minimum)


def channels_of_one(work: Work, sum_of: Callable[[Expr], Expr], scale: Expr, finish: EpilogueBuffers) -> Iterator[tuple[Expr, Expr]]:
    """As each_channel_of_workgroup, without a way through workgroup memory."""
    of_group, lanes = work.tile.rows // 2, work.tile.lanes
    of_workgroup = of_group * work.tile.groups
    for first in range(0, of_group, lanes):
        channel = first + work.lane
        with when(first + lanes <= of_group or channel < of_group):
            gate, up = (let(name, sum_of(channel * 2 + i) * scale) for i, name in enumerate(("gate", "up")))
            of_all = work.workgroup * of_workgroup + work.group * of_group + channel
            yield work.group * of_group + channel, finish.channel(gate, up, of_all)


def store_codes(
    channels: Iterator[tuple[Expr, Expr]], out: tuple[Buffer, Buffer], work: Work, row: Expr = 0, first: Expr = 0, holds: Expr = True
) -> None:
    """Make codes of the workgroup's channels of a gated unit (see each_channel_of_workgroup), two invocations a block. row, first:
    where the output begins, and its block there. holds: whether the workgroup has channels."""
    of_workgroup, count = work.tile.rows // 2 * work.tile.groups, work.n // 2
    assert of_workgroup % GROUP == 0, "a workgroup's channels must be whole blocks"
    values = shared("channels", work.m * of_workgroup)
    for at, value in channels:
        store(values, value, at)
    barrier()
    halves = of_workgroup // GROUP * 2
    assert work.m * halves <= work.threads
    index = work.thread
    vector, half = (0, index) if work.m == 1 else (fixed("vector", index // halves), fixed("half", index % halves))
    block = fixed("block", work.workgroup * (of_workgroup // GROUP) + half // 2)
    with when(holds), when(T.And(index < work.m * halves, block < count // GROUP)):

        def quad(j: Expr) -> Expr:
            at = vector * of_workgroup + half // 2 * GROUP + j * 4
            return extern("float32x4", "vec4f", *(values[at + i] for i in range(4)))

        scale, inverse = block_scale([quad(j) for j in range(QUADS)])
        words = [fixed(f"word{j}", pack_quad(quad(half % 2 * 4 + j), inverse), "uint32") for j in range(4)]
        store(out[0], extern("uint32x4", "vec4u", *words), row + vector, (first + block) * 2 + half % 2)
        with when(half % 2 == 0):
            store(out[1], scale, row + vector, first + block)
