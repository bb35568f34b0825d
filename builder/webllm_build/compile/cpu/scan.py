"""Mamba-2's scan on a CPU."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.abi_generated import MAX_ROWS
from webllm_build.compile.cpu.epilogue import silu
from webllm_build.compile.cpu.ops import at, exp, log, units, zeros
from webllm_build.compile.kernels.recurrence.scan import Functions, Tokens
from webllm_build.compile.kernels.tir.ops import VEC, Expr, Kernel, ceildiv, let, local, size, splat, store, vec, when
from webllm_build.model.recurrence import Scan

CHUNK = 4  # tokens of a prefill that a state meets while it is in a register


def scan(kind: Scan, decoding: bool) -> PrimFunc:
    """A unit has four columns of a head. Parameters: those of Tokens."""
    chunk = 1 if decoding else CHUNK
    with Kernel() as kernel:
        count = size("n")
        tokens = Tokens(kernel, kind, count, MAX_ROWS if decoding else None, Functions(exp, log, silu), lanes=VEC)
        with units(kind.size // VEC) as unit:
            head, column = let("head", unit * VEC // kind.head_dim), let("column", unit * VEC % kind.head_dim)
            own = local("own", kind.states * VEC)

            def load(row: Expr) -> None:
                with T.serial(kind.states) as state:
                    store(own, tokens.slots.before(row, head, state, column), vec(state))

            def leave(row: Expr) -> None:
                with T.serial(kind.states) as state:
                    tokens.slots.put(row, own[vec(state)], head, state, column)

            with tokens.slots.steps(ceildiv(count, chunk), load, leave) as number:
                of_chunk = [let("token", T.min(number * chunk + i, count - 1)) for i in range(chunk)]
                decays, added, read = (zeros(name, chunk) for name in ("decays", "added", "read"))
                for i, token in enumerate(of_chunk):
                    dt = tokens.step_size(token, head)
                    decay, x = splat(tokens.decay(dt, head)), splat(dt) * tokens.x(token, head, column)
                    is_there = number * chunk + i < count
                    store(decays, decay if decoding else T.Select(is_there, decay, splat(T.float32(1))), at(i))
                    store(added, x if decoding else T.Select(is_there, x, splat(T.float32(0))), at(i))
                with T.serial(kind.states) as state:
                    value = own[vec(state)]
                    for i, token in enumerate(of_chunk):
                        value = let("value", decays[at(i)] * value + added[at(i)] * splat(tokens.b(token, head, state)))
                        store(read, read[at(i)] + value * splat(tokens.c(token, head, state)), at(i))
                    store(own, value, vec(state))
                for i, token in enumerate(of_chunk):
                    with when(decoding or number * chunk + i < count):
                        tokens.give(token, head, column, read[at(i)])
    return kernel.func
