"""Random mixtures of experts: packed weights, what they mean, and what is to be chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from webllm_build.compile.kernels.experts.matrix import ExpertMatrix
from webllm_build.model.numpy_operators import Array, choose
from webllm_build.model.routing import Routing
from webllm_build.quantize import SCHEMES

Buffers = Mapping[str, npt.NDArray[Any]]
Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Matrices:
    """buffers: contents by kernel parameter, of the experts that `matrix` holds. values: float64[count, n, k], of all."""

    matrix: ExpertMatrix
    buffers: Buffers
    values: Floats

    @staticmethod
    def random(rng: np.random.Generator, scheme_name: str, count: int, n: int, k: int, held: slice = slice(None)) -> Matrices:
        scheme = SCHEMES[scheme_name]
        values = rng.standard_normal((count, n, k)).astype(np.float32)
        each = [scheme.pack(scheme.encode(expert), k) for expert in values]
        decoded = np.stack([scheme.decode(arrays, n, k) for arrays in each]).astype(np.float64)
        experts = range(count)[held]
        names = [f"w_{spec.suffix}" for spec in scheme.buffers(n, k)]
        buffers = {name: np.concatenate([each[expert][i] for expert in experts]) for i, name in enumerate(names)}
        return Matrices(ExpertMatrix(scheme, count, experts[0], len(experts), n, k), buffers, decoded)

    def without(self, ids: Ids) -> Matrices:
        """What no reader of these experts alone notices: all others have scales, or numbers, that are none."""
        held = range(self.matrix.first, self.matrix.first + self.matrix.held)
        *_, (name, scales) = self.buffers.items()
        spoiled = scales.copy().reshape(len(held), -1)
        spoiled[[expert not in ids for expert in held]] = 0x7FFF7FFF
        return replace(self, buffers={**self.buffers, name: spoiled.reshape(scales.shape)})

    def products(self, x: Array, ids: Ids) -> Floats:
        """Each of x[m, k] times the matrix of its expert."""
        products: Floats = np.einsum("mnk,mk->mn", self.values[ids], x)
        return products


def choices(ids: Ids, shares: Array) -> npt.NDArray[np.int32]:
    """As the kernels have them."""
    return np.stack([ids.astype(np.int32), shares.astype(np.float32).view(np.int32)], axis=1)


def chosen(rng: np.random.Generator, routing: Routing, tokens: int) -> tuple[Ids, Array]:
    """Of random logits, of which all tokens like the first expert best, and none the last."""
    logits = rng.standard_normal((tokens, routing.count)).astype(np.float32)
    logits[:, 0] += 20
    logits[:, -1] -= 20
    return choose(routing, logits.astype(np.float64))
