"""Mamba-2's scan on a CPU."""

from __future__ import annotations

from tvm.tirx import PrimFunc
from tvm.tirx.script import builder as T

from webllm_build.compile.abi_generated import MAX_ROWS
from webllm_build.compile.cpu.epilogue import silu
from webllm_build.compile.cpu.ops import exp, log, units, zeros
from webllm_build.compile.kernels.recurrence.scan import Functions, Tokens
from webllm_build.compile.kernels.tir.ops import VEC, Expr, Kernel, let, local, size, splat, store, vec
from webllm_build.model.recurrence import Scan


def scan(kind: Scan, decoding: bool) -> PrimFunc:
    """A unit has four columns of a head. Parameters: those of Tokens."""
    with Kernel() as kernel:
        tokens = Tokens(kernel, kind, size("n"), MAX_ROWS if decoding else None, Functions(exp, log, silu), lanes=VEC)
        with units(kind.size // VEC) as unit:
            head, column = let("head", unit * VEC // kind.head_dim), let("column", unit * VEC % kind.head_dim)
            own = local("own", kind.states * VEC)

            def load(row: Expr) -> None:
                with T.serial(kind.states) as state:
                    store(own, tokens.slots.before(row, head, state, column), vec(state))

            def leave(row: Expr) -> None:
                with T.serial(kind.states) as state:
                    tokens.slots.put(row, own[vec(state)], head, state, column)

            with tokens.slots.steps(tokens.count, load, leave) as token:
                dt = tokens.step_size(token, head)
                decay = let("decays", splat(tokens.decay(dt, head)))
                added, read = let("added", splat(dt) * tokens.x(token, head, column)), zeros("read", 1)
                with T.serial(kind.states) as state:
                    value = let("value", decay * own[vec(state)] + added * splat(tokens.b(token, head, state)))
                    store(own, value, vec(state))
                    store(read, read[vec(0)] + value * splat(tokens.c(token, head, state)), vec(0))
                tokens.give(token, head, column, read[vec(0)])
    return kernel.func
