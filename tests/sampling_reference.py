"""How the next token is chosen, in the plainest way: the whole chain in the order of llama.cpp's default samplers, with a sort.

Logit bias; repetition, frequency and presence penalties; allowed tokens; top_k, top_p, min_p; temperature. float64 throughout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
