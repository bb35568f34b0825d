"""A tower of no family with random weights, whose layers have heads of the sizes that are asked for, and two pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from packed_model import PackedModel
from towers import io_of
from webllm_build.model.attention import Attention, Rope
from webllm_build.model.feed_forward import MLP
from webllm_build.model.layers import Layer
from webllm_build.model.self_attention import SelfAttention
from webllm_build.model.vision import gemma3
from webllm_build.model.vision.numpy_tower import Pictures, vectors
from webllm_build.model.vision.projector import Projector
from webllm_build.model.vision.tower import Batch, Patches, Tower
from webllm_build.model.weights import Source
from webllm_build.source.checkpoint import Checkpoint, Raw, Tensor, Tokenizer

HEADS = {72: 4, 80: 2}  # by their size: how many make a multiple of 32
GRIDS = ((5, 9), (7, 4))
MOST = 96  # patches of a call
SIDE = 9  # of the table of positions


@dataclass(frozen=True)
class MadeTower:
    checkpoint: Checkpoint
    tower: Tower
    pictures: Pictures

    @staticmethod
    def of_heads() -> MadeTower:
        """A layer for each of HEADS, as SigLIP-so400m (72) and Qwen2.5-VL (80) have them; heads turn by row and column."""
        mixers = [SelfAttention(_attention(size), qkv_bias=True, out_bias=True) for size in HEADS]
        layers = [Layer(mixer, MLP("gelu", 96, bias=True), norm="layer_bias") for mixer in mixers]
        tower = Tower(
            gemma3.NAMES,
            layers,
            Projector(1, 32, norm="rms"),
            patches=Patches(3, 4, positions=SIDE**2),
            hidden_size=64,
            norm="layer_bias",
            norm_eps=1e-6,
            project_eps=1e-6,
            batch=Batch(MOST),
        )
        return MadeTower(_checkpoint(tower), tower, _pictures(tower))

    def packed(self, names: Mapping[str, str]) -> PackedModel:
        """names: as PackedModel takes them."""
        return PackedModel.of_model(self.checkpoint, self.tower, names, MOST, MOST)

    @property
    def io(self) -> dict[str, Any]:
        return io_of(self.tower, self.pictures)

    @property
    def vectors(self) -> npt.NDArray[np.floating[Any]]:
        """By NumPy, in float64."""
        return vectors(self.tower, self.checkpoint, self.pictures)


def _attention(size: int) -> Attention:
    turned = [100.0 ** (-4 * pair / size) for pair in range(size // 4)]
    rope = Rope((*turned, *turned), axes=(*(0 for _ in turned), *(1 for _ in turned)))
    return Attention(HEADS[size], HEADS[size], size, size**-0.5, rope, causal=False, span=0)


def _checkpoint(tower: Tower) -> Checkpoint:
    rng, tensors = np.random.default_rng(29), {}
    for source in (source for weight in tower.weights for source in weight.sources):
        assert isinstance(source, Source)
        name, shape = source.in_files["hugging_face"].name, source.stored_shape("hugging_face")
        values = rng.standard_normal(shape).astype(np.float16).astype(np.float32) * np.float32(0.25)
        tensors[name] = Tensor(name, shape, "f32", _rows(values))
    return Checkpoint("made", {}, tensors, Tokenizer(b"{}", {}), (), None, lambda: "0")


def _rows(values: npt.NDArray[np.float32]) -> Any:
    def rows(first: int, end: int) -> Raw:
        flat = values.reshape(1, -1) if values.ndim == 1 else values.reshape(len(values) * (values[0].size // values.shape[-1]), -1)
        return np.ascontiguousarray(flat[first:end]).view(np.uint8)

    return rows


def _pictures(tower: Tower) -> Pictures:
    rng = np.random.default_rng(31)
    places = [np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), -1).reshape(-1, 2) for rows, columns in GRIDS]
    positions = np.concatenate(places).astype(np.int32)
    ends = np.cumsum([len(each) for each in places])
    of_each = [np.full((len(each), 2), [end - len(each), end - 1], np.int32) for each, end in zip(places, ends, strict=True)]
    patches = rng.standard_normal((len(positions), tower.patches.width)).astype(np.float32)
    patches[:, tower.patches.channels * tower.patches.size**2 :] = 0
    taps = (positions[:, :1] * SIDE + positions[:, 1:]).astype(np.int32)
    return Pictures(patches, taps, np.ones(taps.shape, np.float32), [np.concatenate(of_each)], positions)
