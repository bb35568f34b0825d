"""Recurrences in NumPy, over a whole sequence from its beginning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from webllm_build.model.recurrence import L2_EPS, Convolution, GatedDelta, Recurrence, Scan

Array = npt.NDArray[np.floating[Any]]


def silu(x: Array) -> Array:
    y: Array = x / (1 + np.exp(-x))
    return y


def convolution(kind: Convolution, inputs: Sequence[Array], weights: Sequence[Array]) -> Array:
    (x,), (parameters,) = inputs, weights
    rows = parameters.reshape(-1, kind.size)
    u, gate = x[:, kind.first : kind.first + kind.size], None
    if kind.gated:
        before, gate, of = np.split(x, 3, axis=1)
        u = before * of
    padded = np.concatenate([np.zeros((kind.kernel - 1, kind.size), x.dtype), u])
    y: Array = sum(rows[i] * padded[i : i + len(x)] for i in range(kind.kernel)) + (rows[kind.kernel] if kind.bias else 0)
    y = silu(y) if kind.silu else y
    return y if gate is None else gate * y


def gated_delta(delta: GatedDelta, inputs: Sequence[Array], weights: Sequence[Array]) -> Array:
    (x,), (taps, gates, norm) = inputs, weights
    m, heads = len(x), delta.value_heads
    mixed, z, beta, decay = np.split(x, np.cumsum([delta.convolved, delta.size, heads]), axis=1)
    padded = np.concatenate([np.zeros((delta.past, delta.convolved), x.dtype), mixed])
    taps = taps.reshape(delta.kernel, delta.convolved)
    mixed = silu(sum(padded[i : i + m] * taps[i] for i in range(delta.kernel)))
    of_heads = [delta.key_head(head) for head in range(heads)]
    keys = delta.key_heads * delta.key_dim
    q, k = (mixed[:, first : first + keys].reshape(m, -1, delta.key_dim)[:, of_heads] for first in (0, keys))
    q, k = (part / np.sqrt((part**2).sum(-1, keepdims=True) + L2_EPS) for part in (q, k))
    v = mixed[:, 2 * keys :].reshape(m, heads, delta.value_dim)
    a, dt = gates.reshape(2, heads)
    kept, beta = np.exp(a * np.logaddexp(0, decay + dt)), 1 / (1 + np.exp(-beta))
    state, out = np.zeros((heads, delta.key_dim, delta.value_dim), x.dtype), np.empty_like(v)
    for t in range(m):
        state *= kept[t, :, None, None]
        error = v[t] - np.einsum("hkv,hk->hv", state, k[t])
        state += np.einsum("hk,hv->hkv", k[t], error * beta[t, :, None])
        out[t] = np.einsum("hkv,hk->hv", state, q[t]) * delta.key_dim**-0.5
    out = out / np.sqrt((out**2).mean(-1, keepdims=True) + delta.eps) * norm
    y: Array = out.reshape(m, -1) * silu(z)
    return y


def scan(kind: Scan, inputs: Sequence[Array], weights: Sequence[Array]) -> Array:
    (projected, convolved), (parameters,) = inputs, weights
    m, per_group = len(projected), kind.heads // kind.groups
    a, d, bias = np.split(parameters, 3)
    x, b, c = np.split(convolved, [kind.size, kind.size + kind.groups * kind.states], axis=1)
    x = x.reshape(m, kind.heads, kind.head_dim)
    b, c = (np.repeat(part.reshape(m, kind.groups, kind.states), per_group, axis=1) for part in (b, c))
    dt = np.logaddexp(0, projected[:, -kind.heads :] + bias).astype(x.dtype)
    if kind.limits is not None:
        dt = np.clip(dt, *kind.limits)
    state, y = np.zeros(kind.state_shape, x.dtype), np.empty_like(x)
    for t in range(m):
        state = np.exp(dt[t] * a)[:, None, None] * state + (dt[t][:, None] * b[t])[:, :, None] * x[t][:, None]
        y[t] = (c[t][:, :, None] * state).sum(1) + d[:, None] * x[t]
    out: Array = kind.scale * y.reshape(m, -1)
    return out * silu(projected[:, : kind.size]) if kind.gated else out


# By the type of a recurrence: its values [m, size], from it, its inputs [m, .] and its weights.
RECURRENCES: dict[type[Recurrence], Callable[[Any, Sequence[Array], Sequence[Array]], Array]] = {
    Convolution: convolution,
    GatedDelta: gated_delta,
    Scan: scan,
}
