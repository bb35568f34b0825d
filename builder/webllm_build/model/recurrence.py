"""Layers that carry a state of fixed size from token to token: short convolutions, delta rules, state space models."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Protocol

from webllm_build.errors import UnsupportedArchitecture

MAX_TAPS, MAX_STATES = 16, 1024
L2_EPS = 1e-6  # of the norms of queries and keys of the gated delta rule


class Recurrence(Hashable, Protocol):
    """What a layer does along a sequence, as a frozen dataclass. By its type the compiler finds the kernels (compile/kernels/recurrence,
    compile/cpu/recurrence.py) and NumPy the same (numpy_recurrences.py); a new kind is one of these, an entry in these tables, and a test.

    At a sequence's beginning the state is zero.
    """

    @property
    def size(self) -> int:
        """Features of what it gives for a token."""

    @property
    def state_shape(self) -> tuple[int, ...]:
        """Of the float32 state of a sequence."""


@dataclass(frozen=True)
class Convolution:
    """A causal convolution of each channel: y[t] = bias + sum over i < kernel of taps[i] * u[t - kernel + 1 + i]; the state is the last
    kernel - 1 rows of u.

    size: channels. gated: the input is B, C and x side by side, [m, 3 * size], and u = B * x and the output C * y (LFM2's short
    convolution). Otherwise u is the columns of an input [m, width] from `first` on. silu: the output is silu(y).
    Its one weight is taps [kernel, size] and, where there is one, the bias [size] behind them.
    """

    size: int
    kernel: int
    width: int
    first: int = 0
    gated: bool = False
    bias: bool = False
    silu: bool = False

    def __post_init__(self) -> None:
        """Raises UnsupportedArchitecture for what no kernel has."""
        rules = {
            f"there are from 2 to {MAX_TAPS} taps": 2 <= self.kernel <= MAX_TAPS,
            "channels are a multiple of 4": self.size % 4 == 0 and self.first % 4 == 0,
        }
        _check(f"A convolution of {self.size} channels by {self.kernel} taps", rules)

    @property
    def state_shape(self) -> tuple[int, ...]:
        return (self.kernel - 1, self.size)

    @property
    def parameters(self) -> int:
        """Elements of its weight."""
        return (self.kernel + self.bias) * self.size


@dataclass(frozen=True)
class GatedDelta:
    """The gated delta rule (https://arxiv.org/abs/2412.06464): a matrix decays, and its value for a key moves towards what comes. Its
    input of a token has queries and keys of all key heads, values of all value heads, then their output gates, betas and decays:

        q, k, v = silu(causal depthwise convolution of the token's and those before it), q and k of length 1, q / sqrt(key_dim)
        S = exp(A * softplus(decay + dt)) * S; S += k (sigmoid(beta) * (v - S k))ᵀ; out = RMSNorm(S q) * silu(gate)

    with a matrix S[key_dim, value_dim] for each value head. Its weights are: taps [kernel, queries, keys and values], the last of the token
    itself; A and then dt of each value head; the norm [value_dim].

    eps: of the norm. tiled: value head i has key head i % key_heads, and not i // (value_heads / key_heads).
    """

    key_heads: int
    value_heads: int
    key_dim: int
    value_dim: int
    kernel: int
    eps: float
    tiled: bool = False

    @property
    def size(self) -> int:
        return self.value_heads * self.value_dim

    @property
    def convolved(self) -> int:
        """Queries, keys and values of a token."""
        return 2 * self.key_heads * self.key_dim + self.size

    @property
    def width(self) -> int:
        """Of the input."""
        return self.convolved + self.size + 2 * self.value_heads

    @property
    def past(self) -> int:
        """Tokens that the convolution sees before the last."""
        return self.kernel - 1

    @property
    def state_shape(self) -> tuple[int, ...]:
        """Of each value head all that it needs: its matrix, then of each of the tokens before, the oldest first, its query, key and value
        before the convolution."""
        return (self.value_heads, self.key_dim * self.value_dim + self.past * (2 * self.key_dim + self.value_dim))

    def key_head(self, value_head: int) -> int:
        return value_head % self.key_heads if self.tiled else value_head * self.key_heads // self.value_heads


@dataclass(frozen=True)
class Scan:
    """What Mamba-2 does along a sequence (https://arxiv.org/abs/2405.21060). Of each head, with x[head_dim], and B and C[states] of
    its group of heads:

        dt = softplus(dt + bias), within `limits` where there are any
        state = exp(dt * A) * state + dt * B x (outer product)
        y = scale * (C state + D * x) * silu(z), or without silu(z) where it is not `gated`

    Inputs: z, x, B, C and dt side by side, [m, width], of which it takes z and dt; x, B and C behind their convolution, [m, width - heads *
    head_dim - heads]. Its one weight is A, D and bias of all heads. The state lies as [heads, states, head_dim].
    """

    heads: int
    head_dim: int
    groups: int
    states: int
    scale: float = 1.0
    limits: tuple[float, float] | None = None
    gated: bool = True

    def __post_init__(self) -> None:
        """Raises UnsupportedArchitecture for what no kernel has."""
        rules = {
            "heads are a multiple of their groups": self.heads % self.groups == 0,
            "the size of a head is a multiple of 4": self.head_dim % 4 == 0,
            f"there are at most {MAX_STATES} states, a multiple of 16": self.states % 16 == 0 and self.states <= MAX_STATES,
        }
        _check(f"A scan of {self.heads} heads of {self.head_dim} in {self.groups} groups, with {self.states} states,", rules)

    @property
    def size(self) -> int:
        return self.heads * self.head_dim

    @property
    def convolved(self) -> int:
        """Features of x, B and C."""
        return self.size + 2 * self.groups * self.states

    @property
    def width(self) -> int:
        return self.size + self.convolved + self.heads

    @property
    def state_shape(self) -> tuple[int, ...]:
        return (self.heads, self.states, self.head_dim)


def _check(what: str, rules: Mapping[str, bool]) -> None:
    broken = [rule for rule, holds in rules.items() if not holds]
    if broken:
        raise UnsupportedArchitecture(f"{what} cannot be built: it must be that {' and that '.join(broken)}", "No kernel has such sizes.")
