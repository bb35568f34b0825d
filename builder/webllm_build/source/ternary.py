"""Matrices of -1, 0 and 1 times one number, as BitNet's are published: four to a byte with the number beside them, or as what they were
trained from (https://github.com/huggingface/transformers/blob/main/src/transformers/integrations/bitnet.py). To all who read them they are
GGUF's Q4_0, which holds such codes exactly. Activations are not rounded here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import numpy.typing as npt

from webllm_build.errors import MalformedFile, UnsupportedEncoding
from webllm_build.source.checkpoint import Raw, Tensor, decode_rows
from webllm_build.source.names import one_line

QUANTIZATION, METHOD = "quantization_config", "bitnet"
SCALE, WEIGHT = ".weight_scale", ".weight"
IN_A_BYTE = 4
BLOCK, ZERO = 32, 8  # of Q4_0
LEAST = 1e-5  # of what matrices are divided by
ROWS = 1024  # read at a time
KEPT = ("lm_head", "embed_tokens")
HINT = "Use the original model, or a GGUF file in tq1_0, tq2_0 or q8_0."
Codes = npt.NDArray[np.int8]


def unpacked(config: Mapping[str, object], tensors: Mapping[str, Tensor]) -> tuple[Mapping[str, object], Mapping[str, Tensor]]:
    """A config and its tensors, without what says that they are of BitNet's kind. Raises UnsupportedEncoding."""
    said = config.get(QUANTIZATION)
    if not isinstance(said, Mapping) or said.get("quant_method") != METHOD:
        return config, tensors
    linear, mode = said.get("linear_class", "bitlinear"), said.get("quantization_mode", "offline")
    kept = said.get("modules_to_not_convert") or [*KEPT]
    known = linear in ("bitlinear", "autobitlinear") and mode in ("offline", "online") and not said.get("use_rms_norm")
    if not known or not isinstance(kept, list) or any(name not in KEPT for name in kept):
        shown = ", ".join(f"{key} {one_line(str(value), '')[:40]}" for key, value in said.items() if key != "quant_method")
        raise UnsupportedEncoding(f"the weights are of -1, 0 and 1 in a way that is not known: {shown or 'nothing is said'}", HINT)
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        scale = tensors.get(name.removesuffix(WEIGHT) + SCALE) if name.endswith(WEIGHT) else None
        if scale is not None:
            found[name] = _stored(tensor, scale, divides=linear == "bitlinear")
        elif (linear, mode) == ("autobitlinear", "online") and name.endswith(WEIGHT) and len(tensor.shape) == 2 and not _is_kept(name):
            found[name] = _trained(tensor)
        elif not name.endswith(SCALE):
            found[name] = tensor
    return {key: value for key, value in config.items() if key != QUANTIZATION}, found


def _is_kept(name: str) -> bool:
    return any(f"{part}{WEIGHT}" in name for part in KEPT)


def _stored(tensor: Tensor, scale: Tensor, *, divides: bool) -> Tensor:
    if len(tensor.shape) != 2 or scale.shape not in ((), (1,)):
        raise UnsupportedEncoding(f"tensor {tensor.name} of {list(tensor.shape)} has scales of {list(scale.shape)}", HINT)

    def factor() -> np.float32:
        (value,) = scale.dequantize().reshape(1)
        with np.errstate(divide="ignore"):
            return np.float32(1) / value if divides else value

    if tensor.encoding != "u8":
        return _as_q4_0(tensor, tensor.shape, lambda first, end: _whole(tensor, first, end), factor)
    count, columns = tensor.shape

    def codes(first: int, end: int) -> Codes:
        """Row r lies in row r % count, at its bits 2 (r // count)."""
        rows = np.arange(first, end)
        packed = tensor.taken(rows % count).rows(0, len(rows))
        return (packed >> (2 * (rows // count)).astype(np.uint8)[:, None] & 3).astype(np.int8) - 1

    return _as_q4_0(tensor, (IN_A_BYTE * count, columns), codes, factor)


def _whole(tensor: Tensor, first: int, end: int) -> Codes:
    """Codes that are stored as floats. Raises MalformedFile where they are none."""
    values = decode_rows(tensor.rows(first, end), tensor.encoding, tensor.name)
    if not np.isin(values, (-1, 0, 1)).all():
        raise MalformedFile(f"tensor {tensor.name} has a scale beside it, and other numbers than -1, 0 and 1", HINT)
    return values.astype(np.int8)


def _trained(tensor: Tensor) -> Tensor:
    """Of what is rounded whenever it is used: by the mean of what its numbers are without their signs."""

    @cache
    def mean() -> np.float32:
        bounds = [(first, min(first + ROWS, tensor.shape[0])) for first in range(0, tensor.shape[0], ROWS)]
        sums = [np.abs(decode_rows(tensor.rows(*each), tensor.encoding, tensor.name)).sum(dtype=np.float64) for each in bounds]
        return np.float32(max(sum(sums) / (tensor.shape[0] * tensor.shape[1]), LEAST))

    def codes(first: int, end: int) -> Codes:
        values = decode_rows(tensor.rows(first, end), tensor.encoding, tensor.name)
        rounded: Codes = np.rint(values * (1 / mean())).clip(-1, 1).astype(np.int8)
        return rounded

    return _as_q4_0(tensor, tensor.shape, codes, mean)


def _as_q4_0(tensor: Tensor, shape: tuple[int, ...], codes: Callable[[int, int], Codes], factor: Callable[[], np.float32]) -> Tensor:
    """Blocks of a float16 and of 32 codes, of which a byte has one of the first half low, and one of the second high."""
    if shape[1] % BLOCK:
        raise UnsupportedEncoding(f"tensor {tensor.name} has rows of {shape[1]} numbers, which is not a multiple of {BLOCK}", HINT)

    def rows(first: int, end: int) -> Raw:
        nibbles = (codes(first, end) + ZERO).astype(np.uint8).reshape(end - first, -1, 2, BLOCK // 2)
        with np.errstate(over="ignore"):  # infinities are found when values are packed
            scale = np.frombuffer(factor().astype("<f2").tobytes(), np.uint8)
        packed = nibbles[:, :, 0] | nibbles[:, :, 1] << 4
        return np.concatenate([np.broadcast_to(scale, (*packed.shape[:2], 2)), packed], axis=2).reshape(end - first, -1)

    return replace(tensor, shape=shape, encoding="q4_0", rows=rows)
