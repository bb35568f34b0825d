"""How the next token is chosen, in the plainest way: the whole chain in the order of llama.cpp's default samplers, with a sort.

Logit bias; repetition, frequency and presence penalties; allowed tokens; top_k, top_p, min_p; temperature. float64 throughout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Request:
    """What a request says of sampling; the defaults are off."""

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition: float = 1.0
    frequency: float = 0.0
    presence: float = 0.0
    bias: Mapping[int, float] = field(default_factory=dict)
    allowed: Sequence[int] | None = None
    seed: int = 0
    step: int = 0


def adjusted(logits: Array, request: Request, prompt: Sequence[int] = (), answer: Sequence[int] = ()) -> Array:
    """The logits behind biases, penalties and the mask."""
    out = logits.astype(np.float64)
    for token, value in request.bias.items():
        out[token] += value
    for token in {*prompt, *answer}:
        out[token] = out[token] / request.repetition if out[token] > 0 else out[token] * request.repetition
    for token in set(answer):
        out[token] -= request.frequency * list(answer).count(token) + request.presence
    if request.allowed is not None:
        masked = np.full(len(out), -np.inf)
        masked[list(request.allowed)] = out[list(request.allowed)]
        return masked
    return out


def survivors(logits: Array, request: Request) -> Array:
    """Which tokens of adjusted logits may be drawn: bool[vocabulary]. Ties at an edge are all in."""
    keep = logits > -np.inf
    if 0 < request.top_k < len(logits):
        keep &= logits >= np.sort(logits)[-request.top_k]
    weights = np.where(keep, np.exp(logits - logits.max()), 0)
    if request.top_p < 1:
        order = np.argsort(-weights, kind="stable")
        reached = np.cumsum(weights[order]) >= request.top_p * weights.sum()
        keep &= weights >= weights[order[int(reached.argmax())]]
    return keep & (weights >= request.min_p)


def distribution(logits: Array, request: Request) -> Array:
    """The probability of each token, of adjusted logits; temperature > 0."""
    scaled = np.where(survivors(logits, request), logits / request.temperature, -np.inf)
    weights = np.exp(scaled - scaled.max())
    return np.asarray(weights / weights.sum())


def log_softmax(logits: Array) -> Array:
    wide = logits.astype(np.float64)
    return np.asarray(wide - wide.max() - np.log(np.exp(wide - wide.max()).sum()))


def words(request: Request) -> Array:
    """A row of the `sampling` buffer."""
    row = np.zeros(16, np.uint32)
    row[[0, 1, 6]] = np.array([request.temperature, request.top_p, request.min_p], np.float32).view(np.uint32)
    row[2:6] = request.seed & 0xFFFFFFFF, request.seed >> 32, request.step, request.top_k
    return row


def random_logits(vocab: int, seed: int) -> Array:
    return (np.random.default_rng(seed).standard_normal(vocab) * 3).astype(np.float32)


def gumbel(vocab: int, request: Request) -> Array:
    """The kernels' noise: pcg4d of (id, seed, step), then -log(-log(1 - v))."""
    row = words(request)
    v = [np.arange(vocab, dtype=np.uint32), *(np.full(vocab, row[i], np.uint32) for i in (2, 3, 4))]
    v = [x * np.uint32(1664525) + np.uint32(1013904223) for x in v]
    for rounds in range(2):
        v[0] = v[0] + v[1] * v[3]
        v[1] = v[1] + v[2] * v[0]
        v[2] = v[2] + v[0] * v[1]
        v[3] = v[3] + v[1] * v[2]
        if not rounds:
            v = [x ^ (x >> np.uint32(16)) for x in v]
    uniform = (v[3].astype(np.float64) + 0.5) / 2**32
    return np.asarray(-np.log(-np.log1p(-uniform)))


def drawn(logits: Array, request: Request) -> int | None:
    """NumPy's token, None where float32 cannot tell: two are too close, or a last bit decides who is inside."""
    noisy = logits.astype(np.float64) / np.float32(request.temperature) + gumbel(len(logits), request)
    winners: set[int | None] = set()
    for nudge in (-1e-6, 1e-6):
        near = replace(request, top_p=request.top_p + nudge if request.top_p < 1 else 1.0, min_p=request.min_p * (1 + nudge))
        candidates = np.where(survivors(logits.astype(np.float64), near), noisy, -np.inf)
        best, second = np.sort(candidates)[[-1, -2]]
        winners.add(int(candidates.argmax()) if best > second + 1e-4 else None)
    return winners.pop() if len(winners) == 1 else None
