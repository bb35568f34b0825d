"""Matrix products of activations' codes with weights' codes: a block's products are summed as integers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.cpu.codes import CODES
from webllm_build.compile.cpu.dot import Dot, multiplies_in_pairs
from webllm_build.compile.cpu.epilogue import Outputs
from webllm_build.compile.cpu.ops import at, each, joined, sums_of, turned, units, zeros
from webllm_build.compile.cpu.quantize import SCALE, SUM
from webllm_build.compile.cpu.variant import Flavour
from webllm_build.compile.kernels.linear.epilogue import Epilogue, weight_buffers
from webllm_build.compile.kernels.tir.ops import VEC, Buffer, Expr, Kernel, ceildiv, let, local, splat, store, token_count, total, vec
from webllm_build.quantize import GROUP, Scheme

ROWS = 4  # of the weight, that a loop over blocks takes together; they are the elements of its sums
SPAN = 4  # blocks whose scales are read together, for one token
TOKENS = 16  # at most, that a block is unpacked for once
UNIT_PRODUCTS = 1 << 16  # of a unit, for one token: some microseconds
MIN_UNITS = 16  # so that all threads have some
DTYPE_BITS = {"uint8": 8, "uint16": 16, "uint32": 32}


def linear_codes(flavour: Flavour, tokens: int | None, scheme: Scheme, n: int, k: int, epilogue: Epilogue) -> PrimFunc:
    """out[t] = epilogue of the weight [n, k] times x[t]. A unit is some rows of the weight, and all tokens.

    tokens: see token_count.
    Parameters: x_q, x_s (quantize.py), w_q, w_s of the weight, those of the epilogue, out float32[m, epilogue.columns(n)].
    """
    epilogue.check(n, k)
    with Kernel() as kernel:
        m = token_count(tokens)
        x_q = kernel.buffer("x_q", (m, k // 4), "uint32")
        x_s = kernel.buffer("x_s", (m, 2, k // GROUP), "float32")
        weight = weight_buffers(kernel, scheme, n, k)
        product = CodeProduct(flavour, scheme, n, (x_q, x_s), weight, Outputs(kernel, epilogue, m, n))
        with units(product.units) as unit:
            product.open()
            for first, starts in product.tiles(unit):
                product.tokens(0, m, lambda token: (token, token), first, starts)
    return kernel.func


class CodeProduct:
    """A matrix [n, k], or several below each other, times rows of codes. x: their buffers x_q and x_s. units: of the work for a matrix."""

    def __init__(
        self, flavour: Flavour, scheme: Scheme, n: int, x: tuple[Buffer, Buffer], weight: Sequence[Buffer], outputs: Outputs
    ) -> None:
        self.flavour, self.dot, self.codes, self.n = flavour, Dot(flavour), CODES[scheme.name], n
        (self.x_q, self.x_s), (self.w_q, self.packed_scales), self.outputs = x, weight, outputs
        self.blocks = int(self.x_s.shape[2])
        self.unit_rows = max(min(UNIT_PRODUCTS // (self.blocks * GROUP), n // MIN_UNITS) // ROWS, 1) * ROWS
        self.units = ceildiv(n, self.unit_rows)

    def open(self) -> None:
        """In a unit, before any tile."""
        self.in_pairs = multiplies_in_pairs() if self.dot.is_single(small=self.codes.small) else None
        elements = int(self.packed_scales.shape[0]) * 32 // DTYPE_BITS[self.codes.scale_dtype]
        self.w_s = T.decl_buffer((elements,), self.codes.scale_dtype, data=T.address_of(self.packed_scales[0]))

    def tiles(self, unit: Expr, first_row: Expr = 0) -> Iterator[tuple[Expr, list[Expr]]]:
        """A loop over a unit's rows of the matrix, ROWS at a time: (the first, where each begins among the blocks). first_row: of the
        matrix in the buffers."""
        begin, end = let("begin", unit * self.unit_rows), T.min(unit * self.unit_rows + self.unit_rows, self.n)
        with T.serial(ceildiv(end - begin, ROWS)) as tile:
            first = let("first", begin + tile * ROWS)
            # Beyond the last row that one again, whose products are not stored.
            rows = [first + i if self.n % ROWS == 0 else T.min(first + i, self.n - 1) for i in range(ROWS)]
            yield first, [let("start", (first_row + row) * self.blocks) for row in rows]

    def tokens(self, begin: Expr, end: Expr, rows: Callable[[Expr], tuple[Expr, Expr]], first: Expr, starts: list[Expr]) -> None:
        """A tile times the tokens from begin to end. rows: the row of the inputs, and of the output, of each of them.

        A token gets the same bits however many come with it: both ways add the blocks' whole numbers to the same sums in the same order."""
        for dot in self._dots():
            self.dot = dot
            self._tokens(begin, end, rows, first, starts)

    def _dots(self) -> Iterator[Dot]:
        """Of which a machine takes one."""
        if self.in_pairs is None:
            yield self.dot
            return
        with T.If(self.in_pairs):
            with T.Then():
                yield Dot(self.flavour, in_pairs=True)
            with T.Else():
                yield Dot(self.flavour)

    def _tokens(self, begin: Expr, end: Expr, rows: Callable[[Expr], tuple[Expr, Expr]], first: Expr, starts: list[Expr]) -> None:
        if begin == 0 and end == 1:
            self._one(*rows(T.int32(0)), first, starts)
            return
        with T.serial(ceildiv(end - begin, TOKENS)) as group:
            start = let("start", begin + group * TOKENS)
            count = let("count", T.min(end - start, TOKENS))
            with T.If(count == 1):
                with T.Then():
                    self._one(*rows(start), first, starts)
                with T.Else():
                    self._several(count, lambda i: rows(start + i), first, starts)

    def _one(self, token: Expr, out: Expr, first: Expr, starts: list[Expr]) -> None:
        sums = zeros("sums", 1)
        for block, lanes in self._spans():
            x_scale, x_sum = (let("x_scale", self._four(self.x_s, block, token, place)) for place in (SCALE, SUM))
            elements = turned([T.Cast("uint32x4", self._four(self.w_s, start + block)) for start in starts])
            for lane in lanes:
                x = self._inputs(token, block + lane)
                products = sums_of([self._products(x, self._weights(start + block + lane)) for start in starts])
                self._add(sums, at(0), products, self.codes.scales(elements[lane]), each(x_scale, lane), each(x_sum, lane))
        self.outputs.store_rows(sums[at(0)], out, first)

    def _several(self, count: Expr, rows: Callable[[Expr], tuple[Expr, Expr]], first: Expr, starts: list[Expr]) -> None:
        sums = local("sums", TOKENS * VEC)
        with T.serial(count) as i:
            store(sums, splat(T.float32(0)), vec(i))
        with T.serial(self.blocks) as block:
            scales = self.codes.scales(let("elements", joined([T.Cast("uint32", self.w_s[start + block]) for start in starts])))
            multiply = self._multiplier(block, starts)
            with T.serial(count) as i:
                token = let("token", rows(i)[0])
                products = multiply(token)
                x_scale, x_sum = (splat(self.x_s[token, place, block]) for place in (SCALE, SUM))
                self._add(sums, vec(i), products, scales, x_scale, x_sum)
        with T.serial(count) as i:
            self.outputs.store_rows(sums[vec(i)], rows(i)[1], first)

    def _multiplier(self, block: Expr, starts: list[Expr]) -> Callable[[Expr], Expr]:
        """Unpacks a block of the rows: token → its products with them, int32x4."""
        if not self.dot.is_single(small=self.codes.small):
            w = [self._weights(start + block) for start in starts]
            return lambda token: sums_of([self._products(self._inputs(token, block), row) for row in w])
        # Four codes of each row beside each other meet the same four of a token, so that nothing is summed across.
        codes = [self.codes.codes(words) for words in turned([let("words", self.w_q[start + block]) for start in starts])]
        halves = [[self.dot.weights(four[half], small=True) for four in codes] for half in range(2)]
        # Each half has a sum of its own, so that few registers hold codes of a token.
        return lambda token: total([self.dot.total(words, half) for words, half in zip(self._spread(token, block), halves, strict=True)])

    def _spread(self, token: Expr, block: Expr) -> list[list[tuple[Expr, ...]]]:
        """The words of a token's block, each in all places: a half by shuffles and a half by loads, so that neither waits for the other's
        units."""
        words, second = let("words", self.x_q[token, T.ramp(block * 8, 1, 4)]), [self.x_q[token, block * 8 + i] for i in range(4, 8)]
        halves = [each(words, i) for i in range(4)], [splat(word) for word in second]
        return [[self.dot.inputs(word, small=True) for word in half] for half in halves]

    def _words(self, token: Expr, block: Expr) -> list[Expr]:
        return [self.x_q[token, T.ramp((block * 2 + part) * 4, 1, 4)] for part in range(2)]

    def _inputs(self, token: Expr, block: Expr) -> list[tuple[Expr, ...]]:
        return [self.dot.inputs(part, small=self.codes.small) for part in self._words(token, block)]

    def _weights(self, block: Expr) -> list[tuple[Expr, ...]]:
        parts = [self.w_q[block * self.codes.parts + i] for i in range(self.codes.parts)]
        return [self.dot.weights(codes, small=self.codes.small) for part in parts for codes in self.codes.codes(part)]

    def _products(self, x: list[tuple[Expr, ...]], w: list[tuple[Expr, ...]]) -> Expr:
        return let("sums", self.dot.total(x, w))

    def _add(self, sums: Buffer, index: Expr, products: Expr, scales: tuple[Expr, Expr | None], x_scale: Expr, x_sum: Expr) -> None:
        """A block's products, int32x4, by its scales, float32x4, to a sum."""
        scale, minimum = scales
        if minimum is not None:
            store(sums, self.dot.multiply_add(minimum, x_sum, sums[index]), index)
        store(sums, self.dot.multiply_add(T.Cast("float32x4", products), let("scale", scale * x_scale), sums[index]), index)

    def _spans(self) -> Iterator[tuple[Expr, range]]:
        """A loop over the blocks of a row, SPAN at a time, and then those that are left: (first block, which of the SPAN from it on).
        The last of a row come with some before them."""
        whole, left = divmod(self.blocks, SPAN)
        if whole:
            with T.serial(whole) as span:
                yield span * SPAN, range(SPAN)
            if left:
                yield T.int32(self.blocks - SPAN), range(SPAN - left, SPAN)
        else:
            yield T.int32(0), range(left)

    def _four(self, buffer: Buffer, block: Expr, *place: Expr) -> Expr:
        """SPAN elements from that of a block on; of a row that has fewer, its last one again."""
        if self.blocks >= SPAN:
            return buffer[(*place, T.ramp(block, 1, SPAN))]
        return joined([buffer[(*place, block + min(lane, self.blocks - 1))] for lane in range(SPAN)])
