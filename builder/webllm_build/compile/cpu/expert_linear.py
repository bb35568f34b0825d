"""Products with chosen experts' matrices, of floats and of codes: a unit is some rows of one expert's matrix, and all of its tokens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.epilogue import Outputs
from webllm_build.compile.cpu.experts import BEGIN, END, EXPERT, RUN_WORDS, run_count
from webllm_build.compile.cpu.linear import ROWS, products
from webllm_build.compile.cpu.linear_codes import CodeProduct
from webllm_build.compile.cpu.ops import units
from webllm_build.compile.cpu.variant import Flavour
from webllm_build.compile.kernels.experts.matrix import ExpertMatrix
from webllm_build.compile.kernels.linear.epilogue import Epilogue
from webllm_build.compile.kernels.tir.ops import Expr, Kernel, ceildiv, let, size, when
from webllm_build.model.routing import Routing
from webllm_build.quantize import GROUP


@dataclass(frozen=True, eq=False)
class Run:
    """The pairs of one expert: their places in the order from begin to end. tile: which of the units of its matrix."""

    expert: Expr
    begin: Expr
    end: Expr
    tile: Expr


class Runs:
    """Parameters order, runs: see experts.py. Inputs have a row for each pair, or (of_tokens) one for each token."""

    def __init__(self, kernel: Kernel, matrix: ExpertMatrix, routing: Routing, *, of_tokens: bool) -> None:
        n = size("n")
        self.matrix = matrix
        self.pairs, self.count = n * routing.chosen, run_count(n, routing)
        self.inputs, self._pairs_a_row = (n, routing.chosen) if of_tokens else (self.pairs, 1)
        self.order = kernel.buffer("order", (self.pairs,), "int32")
        self.runs = kernel.buffer("runs", (self.count, RUN_WORDS), "int32")

    @contextmanager
    def each(self, tiles: int) -> Iterator[Run]:
        """The units: `tiles` for each expert that has pairs and that the matrix holds."""
        with units(self.count * tiles) as unit:
            run = let("run", unit // tiles)
            expert, begin, end = (let(name, self.runs[run, word]) for name, word in (("expert", EXPERT), ("begin", BEGIN), ("end", END)))
            with when(self.matrix.holds(expert)):
                yield Run(expert, begin, end, unit % tiles)

    def row(self, pair: Expr) -> Expr:
        """Of the input."""
        return pair // self._pairs_a_row


def expert_linear(matrix: ExpertMatrix, routing: Routing, epilogue: Epilogue, *, of_tokens: bool) -> PrimFunc:
    """out[pair] = epilogue of the matrix [n, k] of the pair's expert times its row of x.

    Parameters: order, runs, x float32[., k], w_<suffix> of the matrix, bias (of all experts), out float32[n * chosen, epilogue.columns(n)].
    """
    n, k = matrix.rows, matrix.columns
    epilogue.check(n, k)
    with Kernel() as kernel:
        runs = Runs(kernel, matrix, routing, of_tokens=of_tokens)
        x = kernel.buffer("x", (runs.inputs, k), "float32")
        weight = matrix.buffers(kernel)
        outputs = Outputs(kernel, epilogue, runs.pairs, n, matrix.count)
        with runs.each(ceildiv(n, ROWS)) as run:
            outputs.of_expert(run.expert)
            rows = [let("row", matrix.first_row(run.expert) + T.min(run.tile * ROWS + i, n - 1)) for i in range(ROWS)]
            with T.serial(run.begin, run.end) as place:
                pair = let("pair", runs.order[place])
                outputs.store_rows(products(matrix.scheme, weight, rows, x, runs.row(pair)), pair, run.tile * ROWS)
    return kernel.func


def expert_linear_codes(flavour: Flavour, matrix: ExpertMatrix, routing: Routing, epilogue: Epilogue, *, of_tokens: bool) -> PrimFunc:
    """As expert_linear, with the rows of x as codes x_q, x_s (quantize.py)."""
    n, k = matrix.rows, matrix.columns
    epilogue.check(n, k)
    with Kernel() as kernel:
        runs = Runs(kernel, matrix, routing, of_tokens=of_tokens)
        x_q = kernel.buffer("x_q", (runs.inputs, k // 4), "uint32")
        x_s = kernel.buffer("x_s", (runs.inputs, 2, k // GROUP), "float32")
        weight = matrix.buffers(kernel)
        outputs = Outputs(kernel, epilogue, runs.pairs, n, matrix.count)
        product = CodeProduct(flavour, matrix.scheme, n, (x_q, x_s), weight, outputs)
        with runs.each(product.units) as run:
            product.open()
            outputs.of_expert(run.expert)
            for first, starts in product.tiles(run.tile, matrix.first_row(run.expert)):

                def rows(place: Expr) -> tuple[Expr, Expr]:
                    pair = let("pair", runs.order[place])
                    return runs.row(pair), pair

                product.tokens(run.begin, run.end, rows, first, starts)
    return kernel.func
