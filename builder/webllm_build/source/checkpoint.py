"""What every source gives: a model's configuration, lazy tensors and tokenizer."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, dequantize

from webllm_build.errors import UnsupportedEncoding
from webllm_build.source.embedding import Embedding

Raw = npt.NDArray[np.uint8]  # [rows, bytes per row]


@dataclass(frozen=True)
class Encoding:
    """How rows of values are stored: `block` values take `block_bytes` bytes."""

    block: int
    block_bytes: int


# GGML's types by their lower-case names: "f32", "f16", "bf16", "q4_0", "q4_1", "q8_0", "q6_k", ...
# And two of safetensors, by their bits of exponents and mantissas.
FLOAT8 = {"f8_e4m3": (4, 3), "f8_e5m2": (5, 2)}
ENCODINGS: Mapping[str, Encoding] = {
    **{kind.name.lower(): Encoding(*sizes) for kind, sizes in GGML_QUANT_SIZES.items()},
    **dict.fromkeys(FLOAT8, Encoding(1, 1)),
}


@dataclass(frozen=True)
class Tensor:
    """A weight, of which rows are read when they are needed.

    name: in the file, e.g. `model.layers.0.self_attn.q_proj.weight`.
    shape: (rows, columns) row major, or (columns,) for a vector.
    encoding: a key of ENCODINGS, or another type name in lower case, which cannot be dequantized.
    rows: gives those from the first number up to the second; a vector is one row. Rows are independent in every encoding.
    """

    name: str
    shape: tuple[int, ...]
    encoding: str
    rows: Callable[[int, int], Raw]

    @staticmethod
    def of(name: str, shape: tuple[int, ...], encoding: str, raw: Raw) -> Tensor:
        """One that is in memory."""
        raw = raw.reshape(math.prod(shape[:-1]), -1)
        return Tensor(name, shape, encoding, lambda first, end: raw[first:end])

    @property
    def count(self) -> int:
        """Number of rows."""
        return math.prod(self.shape[:-1])

    def read(self) -> Raw:
        """All rows."""
        return self.rows(0, self.count)

    def taken(self, order: range | npt.NDArray[np.int64]) -> Tensor:
        """Some rows of a matrix, or values of a vector, in this order, in which neighbours should be near."""
        if len(self.shape) == 1:
            values = np.asarray(order)
            return replace(self, shape=values.shape, rows=lambda first, end: self.read().reshape(self.shape[0], -1)[values].reshape(1, -1))

        def rows(first: int, end: int) -> Raw:
            if isinstance(order, range):
                return self.rows(order.start + first, order.start + end)
            wanted = order[first:end]
            least = int(wanted.min(initial=self.count))
            raw = self.rows(least, int(wanted.max(initial=least - 1)) + 1)
            return raw[wanted - least]

        return replace(self, shape=(len(order), *self.shape[1:]), rows=rows)

    def dequantize(self) -> npt.NDArray[np.float32]:
        """The values, float32[shape]. Raises UnsupportedEncoding for a type without a decoder."""
        return decode_rows(self.read(), self.encoding, self.name).reshape(self.shape)


@dataclass(frozen=True)
class Tokenizer:
    """tokenizer_json: the Hugging Face tokenizers format. config: tokenizer_config.json's keys (chat_template, bos_token, ...)."""

    tokenizer_json: bytes
    config: Mapping[str, object]


Format = Literal["hugging_face", "gguf"]


@dataclass(frozen=True)
class Checkpoint:
    """A model as it was found, in the words of its file.

    origin: where others find it: hf:org/name@commit, or the package; None for files of this machine.
    format: whose keys config has and whose names tensors have: config.json's, or a GGUF's metadata without the tokenizer's.
    sampling: what its makers recommend, by the names of sampling_defaults.RANGES.
    suppressed: tokens that are never drawn, in order.
    embedding: how it makes vectors of texts, where it was published for that.
    processor: of a model that sees, the files that say how it wants its pictures, by their names (processor.FILES).
    fetch: has the weights on this machine, where they are not yet.
    identify: gives the digest; it may have to read all weights, once.
    """

    name: str
    config: Mapping[str, object]
    tensors: Mapping[str, Tensor]
    tokenizer: Tokenizer
    eos_token_ids: tuple[int, ...]
    license: str | None
    identify: Callable[[], str]
    format: Format = "hugging_face"
    sampling: Mapping[str, float] = field(default_factory=dict)
    suppressed: tuple[int, ...] = ()
    embedding: Embedding | None = None
    origin: str | None = None
    processor: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    fetch: Callable[[], None] = lambda: None

    @property
    def digest(self) -> str:
        """Hexadecimal digits that change with the weights; other parts of the model may count too."""
        return self.identify()


@functools.cache
def is_decodable(encoding: str) -> bool:
    """Whether `decode_rows` knows the encoding: tried on a block of zeros."""
    if encoding not in ENCODINGS:
        return False
    try:
        decode_rows(np.zeros((1, ENCODINGS[encoding].block_bytes), np.uint8), encoding, "")
    except UnsupportedEncoding:
        return False
    return True


def undecodable(name: str, encoding: str) -> UnsupportedEncoding:
    return UnsupportedEncoding(
        f"tensor {name} is stored as {encoding}, which cannot be decoded",
        "Use a checkpoint in f32, f16 or bf16, or a GGUF file that llama-quantize wrote.",
    )


def decode_rows(raw: Raw, encoding: str, name: str) -> npt.NDArray[np.float32]:
    """Decode uint8[rows, bytes per row] to float32[rows, columns]. `name` is for the error message."""
    try:
        with np.errstate(all="ignore"):  # infinities and NaNs are found in what comes out
            if encoding == "f64":
                return np.ascontiguousarray(raw).view("<f8").astype(np.float32)
            if encoding == "bf16":  # in one pass, where gguf's package makes several
                bits: npt.NDArray[np.uint32] = np.left_shift(np.ascontiguousarray(raw).view("<u2"), np.uint32(16), dtype=np.uint32)
                return bits.view(np.float32)
            if encoding == "q1_0":
                return _signs(raw)
            if is_float8(encoding):
                return _float8(encoding)[raw]
            # gguf's decoders are the reference implementation of GGML's other formats.
            values: npt.NDArray[np.float32] = dequantize(np.ascontiguousarray(raw), GGMLQuantizationType[encoding.upper()])
    except (KeyError, NotImplementedError) as error:
        raise undecodable(name, encoding) from error
    return values.astype(np.float32, copy=False)


def is_float8(encoding: str) -> bool:
    return encoding in FLOAT8


@functools.cache
def _float8(encoding: str) -> npt.NDArray[np.float32]:
    """The number of each byte: of 4 bits of exponent without infinities, as the OCP's E4M3 (https://arxiv.org/abs/2209.05433)."""
    bits, fraction = FLOAT8[encoding]
    bias, codes = (1 << (bits - 1)) - 1, np.arange(256)
    exponent, mantissa = codes >> fraction & (1 << bits) - 1, (codes & (1 << fraction) - 1) / (1 << fraction)
    values = np.where(exponent > 0, (1 + mantissa) * 2.0 ** (exponent - bias), mantissa * 2.0 ** (1 - bias))
    if encoding == "f8_e5m2":
        values = np.where(exponent == (1 << bits) - 1, np.where(mantissa == 0, np.inf, np.nan), values)
    else:
        values = np.where(codes & 0x7F == 0x7F, np.nan, values)
    return np.where(codes < 0x80, values, -values).astype(np.float32)


def _signs(raw: Raw) -> npt.NDArray[np.float32]:
    """Of Q1_0, which gguf's package does not decode: a block is a float16 scale and 128 bits, the lowest of a byte first; 0 is minus."""
    blocks = np.ascontiguousarray(raw).reshape(-1, ENCODINGS["q1_0"].block_bytes)
    scales = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
    values: npt.NDArray[np.float32] = (np.unpackbits(blocks[:, 2:], axis=1, bitorder="little").astype(np.float32) * 2 - 1) * scales
    return values.reshape(len(raw), -1)
