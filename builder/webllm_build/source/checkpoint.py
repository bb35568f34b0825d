"""What every source gives: a model's configuration, lazy tensors and tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import UnsupportedEncoding


@dataclass(frozen=True)
class Encoding:
    """How rows of values are stored: `block` values take `block_bytes` bytes."""

    block: int
    block_bytes: int


# Sizes are those of ggml's type traits; f32, f16 and bf16 are plain little-endian values.
ENCODINGS: Mapping[str, Encoding] = {
    "f32": Encoding(1, 4),
    "f16": Encoding(1, 2),
    "bf16": Encoding(1, 2),
    "f64": Encoding(1, 8),
    "i8": Encoding(1, 1),
    "i16": Encoding(1, 2),
    "i32": Encoding(1, 4),
    "i64": Encoding(1, 8),
    "q4_0": Encoding(32, 18),
    "q4_1": Encoding(32, 20),
    "q5_0": Encoding(32, 22),
    "q5_1": Encoding(32, 24),
    "q8_0": Encoding(32, 34),
    "q2_k": Encoding(256, 84),
    "q3_k": Encoding(256, 110),
    "q4_k": Encoding(256, 144),
    "q5_k": Encoding(256, 176),
    "q6_k": Encoding(256, 210),
}


@dataclass(frozen=True)
class Tensor:
    """A weight that is read when it is needed.

    name: Hugging Face name, e.g. `model.layers.0.self_attn.q_proj.weight`.
    shape: (rows, columns) row major, or (columns,) for a vector.
    encoding: a key of ENCODINGS.
    read: gives uint8[rows, bytes per row], a view of the file where possible. Rows are independent in every encoding.
    """

    name: str
    shape: tuple[int, ...]
    encoding: str
    read: Callable[[], npt.NDArray[np.uint8]]

    @property
    def columns(self) -> int:
        return self.shape[-1]

    @property
    def rows(self) -> int:
        count = 1
        for extent in self.shape[:-1]:
            count *= extent
        return count

    @property
    def row_bytes(self) -> int:
        encoding = ENCODINGS[self.encoding]
        return self.columns // encoding.block * encoding.block_bytes

    def dequantize(self) -> npt.NDArray[np.float32]:
        """The values, float32[shape]. Raises UnsupportedEncoding for a type without a decoder."""
        return decode_rows(self.read(), self.encoding, self.name).reshape(self.shape)


@dataclass(frozen=True)
class Tokenizer:
    """tokenizer_json: the Hugging Face tokenizers format. config: tokenizer_config.json's keys (chat_template, bos_token, ...)."""

    tokenizer_json: bytes
    config: Mapping[str, object]


@dataclass(frozen=True)
class Checkpoint:
    """A model as it was found, in Hugging Face's names and row order, whatever file it came from.

    config: Hugging Face config.json keys (a GGUF's metadata is translated).
    digest: sha256 hex over the content of all files read.
    """

    name: str
    config: Mapping[str, object]
    tensors: Mapping[str, Tensor]
    tokenizer: Tokenizer
    eos_token_ids: tuple[int, ...]
    license: str | None
    digest: str


def decode_rows(raw: npt.NDArray[np.uint8], encoding: str, name: str) -> npt.NDArray[np.float32]:
    """Decode uint8[rows, row bytes] to float32[rows, columns]. `name` is for the error message."""
    raw = np.ascontiguousarray(raw)
    if encoding == "f32":
        return raw.view("<f4").astype(np.float32)
    if encoding == "f16":
        return raw.view("<f2").astype(np.float32)
    if encoding == "bf16":
        return (raw.view("<u2").astype(np.uint32) << 16).view(np.float32)
    if encoding in ENCODINGS and encoding.startswith("q"):
        # gguf's decoders are the reference implementation of ggml's block formats.
        from gguf import GGMLQuantizationType, dequantize

        values: npt.NDArray[np.float32] = dequantize(raw, GGMLQuantizationType[encoding.upper()])
        return values
    raise UnsupportedEncoding(
        f"tensor {name} is stored as {encoding}, which cannot be a weight",
        "Use a checkpoint in f32, f16, bf16 or one of GGUF's q4_0, q4_1, q5_0, q5_1, q8_0 and k-quants.",
    )
