"""Matrices of eight-bit floats with scales beside them, as DeepSeek, Qwen and Mistral publish them: float32 to all who read them.

The scale is of the whole matrix, of each row, or of each block of rows and columns; a value times its scale is the weight
(https://github.com/huggingface/transformers/blob/main/src/transformers/integrations/finegrained_fp8.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from webllm_build.errors import UnsupportedEncoding
from webllm_build.source.checkpoint import Raw, Tensor, decode_rows, is_float8
from webllm_build.source.names import one_line

QUANTIZATION = "quantization_config"
# How their makers quantized them → the only format of theirs that is read here, where they have several.
METHODS: Mapping[str, str | None] = {"fp8": None, "fbgemm_fp8": None, "compressed-tensors": "float-quantized"}
KEPT = ("mxfp4", "bitnet")  # which are no floats' encodings: stacks of experts, and ternary.py
SCALES = ("_scale_inv", "_scale")
# Of what is multiplied, and of a cache: nothing is rounded to such floats here.
OTHERS = (".activation_scale", ".activation_scale_inv", ".input_scale", ".input_scale_inv", ".k_scale", ".v_scale", ".input_scale_ub")
BLOCK = [128, 128]
HINT = "Use the original model, or a GGUF file in q4_0, q4_1 or q8_0."


def check_quantization(path: Path, config: Mapping[str, object]) -> None:
    """path: of the config, for messages. Raises UnsupportedEncoding for what is quantized in another way."""
    said = config.get(QUANTIZATION)
    if not said:
        return
    method, form = (said.get(key) if isinstance(said, Mapping) else None for key in ("quant_method", "format"))
    if method in KEPT or (isinstance(method, str) and method in METHODS and METHODS[method] in (None, form)):
        return
    name = " ".join(one_line(str(each), "")[:40] for each in (method, form) if each is not None) or "something that it does not name"
    raise UnsupportedEncoding(f"{path}: the weights are already quantized, by {name} (quantization_config)", HINT)


def scaled(config: Mapping[str, object], tensors: Mapping[str, Tensor]) -> tuple[Mapping[str, object], Mapping[str, Tensor]]:
    """A config that was checked, and its tensors, without what says that they are quantized. Raises UnsupportedEncoding."""
    said = config.get(QUANTIZATION)
    if not isinstance(said, Mapping) or said.get("quant_method") not in METHODS:
        return config, tensors
    found = {name: tensor for name, tensor in tensors.items() if not name.endswith(OTHERS)}
    for name, tensor in tensors.items():
        if not is_float8(tensor.encoding):
            continue
        scale = next((found.pop(name + end) for end in SCALES if name + end in found), None)
        if scale is None:
            raise UnsupportedEncoding(f"tensor {name} is in {tensor.encoding}, and its scale is not there", HINT)
        found[name] = _times(tensor, scale, said.get("weight_block_size") or BLOCK)
    return {key: value for key, value in config.items() if key != QUANTIZATION}, found


def _times(tensor: Tensor, scale: Tensor, block: object) -> Tensor:
    """The product of a matrix and its scales."""
    height, width = _block_of(tensor, scale, block)

    @cache  # they are few, and rows are read in many pieces
    def factors() -> npt.NDArray[np.float32]:
        return scale.dequantize().reshape(-(-tensor.shape[0] // height), -1)

    def rows(first: int, end: int) -> Raw:
        values = decode_rows(tensor.rows(first, end), tensor.encoding, tensor.name)
        of_rows = factors()[np.arange(first, end) // height]
        product = values * np.repeat(of_rows, width, axis=1)[:, : tensor.shape[1]]
        return np.ascontiguousarray(product, np.float32).view(np.uint8)

    return replace(tensor, encoding="f32", rows=rows)


def _block_of(tensor: Tensor, scale: Tensor, block: object) -> tuple[int, int]:
    """How many rows and columns share a scale."""
    if len(tensor.shape) == 2:
        rows, columns = tensor.shape
        if scale.shape in ((), (1,), (1, 1)):
            return rows, columns
        if scale.shape in ((rows,), (rows, 1)):
            return 1, columns
        sizes = [each for each in block if type(each) is int and each > 0] if isinstance(block, list) else []
        if len(sizes) == 2 and scale.shape == (-(-rows // sizes[0]), -(-columns // sizes[1])):
            return sizes[0], sizes[1]
    of = f"{list(tensor.shape)} in {tensor.encoding} has scales of {list(scale.shape)}"
    raise UnsupportedEncoding(f"tensor {tensor.name} of {of}, which do not say whose each is", HINT)
