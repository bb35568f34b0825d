"""What a conformer needs beside the operators of text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from webllm_build.model.ops import Operators, Tensor
from webllm_build.model.weights import Weight


@dataclass(frozen=True)
class Subsampling:
    """A convolution over 3 x 3 steps of time and bands, of which every second is kept, of a layer norm of its channels, and relu. steps: of
    time that a token has in what comes in. bands, channels: of what comes in; outputs: channels of what goes out."""

    steps: int
    bands: int
    channels: int
    outputs: int

    @property
    def inputs(self) -> int:
        """Numbers of a token that come in."""
        return self.steps * self.bands * self.channels

    @property
    def places(self) -> int:
        """Steps and bands of a token that go out, each with all channels."""
        return self.steps // 2 * -(-self.bands // 2)


@dataclass(frozen=True)
class LocalAttention:
    """A token sees itself and those before it, `span` in all. Scores are softcap * tanh(score / softcap)."""

    heads: int
    head_dim: int
    span: int
    softcap: float


class AudioOperators(Operators[Tensor], Protocol[Tensor]):
    """Operators over the m tokens that a sound will have."""

    def frames(self) -> Tensor:
        """This call's frames, those of a token side by side: [m, 4 * bins]."""

    def subsample(self, x: Tensor, subsampling: Subsampling, weight: Weight, norm: Weight) -> Tensor:
        """relu of the layer norm (norm[outputs]) of a convolution (weight[channels, time, band, outputs]) of x[m, inputs], whose numbers
        are in the order step, band, channel: [m, places * outputs]. Before the sound and beyond its bands there is nothing; steps behind
        its end are zero, of which there are such while a token has two."""

    def depthwise(self, x: Tensor, weight: Weight, taps: int) -> Tensor:
        """Of each channel of x[m, k], the sum of the latest `taps` tokens' times weight[k * taps], the earliest first: [m, k]."""

    def local_attention(self, qkv: Tensor, attention: LocalAttention, scale: Weight, relative: Weight) -> Tensor:
        """Of qkv[m, 3 * heads * head_dim], the attention of queries times scale[head_dim] to keys, each with relative[span * heads *
        head_dim] added of how many tokens it is behind: [m, heads * head_dim]."""
