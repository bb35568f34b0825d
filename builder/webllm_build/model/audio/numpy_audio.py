"""A conformer's operators in NumPy: what its kernels must agree with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from webllm_build.model.audio.conformer import STEPS, Conformer
from webllm_build.model.audio.ops import LocalAttention, Subsampling
from webllm_build.model.numpy_operators import Array, NumpyOperators
from webllm_build.model.weights import Weight
from webllm_build.source.checkpoint import Checkpoint


@dataclass(frozen=True)
class Frames:
    """What a call reads, as its io buffers have it. frames float32[m, STEPS * bins]: those of m tokens, zeros behind the last; present
    float32[m, STEPS / 2]: 1 for each step behind the first convolution that the sound has, 0 behind its end."""

    frames: npt.NDArray[np.float32]
    present: npt.NDArray[np.float32]

    @staticmethod
    def of(features: npt.NDArray[np.float32]) -> Frames:
        """Of a sound's float32[frames, bins]."""
        count, bins = features.shape
        tokens = -(-count // STEPS)
        whole = np.zeros((tokens * STEPS, bins), np.float32)
        whole[:count] = features
        present = (np.arange(tokens * STEPS // 2) < -(-count // 2)).astype(np.float32)
        return Frames(whole.reshape(tokens, -1), present.reshape(tokens, -1))


class NumpyAudioOperators(NumpyOperators):
    """Evaluates a conformer over all frames of a sound."""

    def __init__(self, checkpoint: Checkpoint, norm_eps: float, sound: Frames, dtype: type[np.floating[Any]] = np.float64) -> None:
        super().__init__(checkpoint, norm_eps, range(len(sound.frames)), dtype)
        self.sound = sound

    def frames(self) -> Array:
        return self.sound.frames.astype(self.dtype)

    def subsample(self, x: Array, subsampling: Subsampling, weight: Weight, norm: Weight) -> Array:
        m, outputs = len(x), subsampling.outputs
        taps = self.vector(weight).reshape(subsampling.channels, 3, 3, outputs)
        given = np.pad(x.reshape(-1, subsampling.bands, subsampling.channels), [(1, 1), (1, 1), (0, 0)])
        times, bands = m * subsampling.steps // 2, -(-subsampling.bands // 2)
        y = np.zeros((times, bands, outputs), self.dtype)
        for time in range(3):
            for band in range(3):
                y += given[time::2, band::2][:times, :bands] @ taps[:, time, band]
        y = np.maximum(self.layer_norm(y, norm), 0).reshape(m, -1)
        present = self.sound.present if subsampling.steps == STEPS else np.ones((m, 1))
        return y * np.repeat(present, y.shape[1] // present.shape[1], axis=1).astype(self.dtype)

    def depthwise(self, x: Array, weight: Weight, taps: int) -> Array:
        each, given = self.vector(weight).reshape(-1, taps), np.pad(x, [(taps - 1, 0), (0, 0)])
        y: Array = np.sum([given[tap : tap + len(x)] * each[:, tap] for tap in range(taps)], axis=0)
        return y

    def local_attention(self, qkv: Array, attention: LocalAttention, scale: Weight, relative: Weight) -> Array:
        m, size = len(qkv), attention.head_dim
        q, k, v = qkv.reshape(m, 3, attention.heads, size).swapaxes(0, 1)
        added = self.vector(relative).reshape(attention.span, attention.heads, size)
        behind = np.arange(m)[:, None] - np.arange(m)
        is_seen = (behind >= 0) & (behind < attention.span)
        keys = k[None] + added[np.clip(behind, 0, attention.span - 1)]  # [m, m, heads, size]
        scores = np.einsum("ihd,ijhd->hij", q * self.vector(scale), keys)
        scores = np.where(is_seen, attention.softcap * np.tanh(scores / attention.softcap), -np.inf)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        mixed: Array = np.einsum("hij,jhd->ihd", weights, v).reshape(m, -1)
        return mixed


def vectors(conformer: Conformer, checkpoint: Checkpoint, sound: Frames) -> Array:
    """What it makes of a sound: [tokens, columns]."""
    return conformer.vectors(NumpyAudioOperators(checkpoint, conformer.norm_eps, sound))
