"""MLC's weights in a container that TVM's own writer makes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from tvm.contrib.tvmjs import dump_tensor_cache

from mlc_model import CHAT_CONFIG, dequantized, joined, quantized
from webllm_build.model import load_model
from webllm_build.source.folder import Folder
from webllm_build.source.mlc import open_mlc

TINY = Path(__file__).parents[1] / "fixtures" / "tiny-llama"


@pytest.mark.parametrize(("quantization", "dtype"), [("q4f16_1", "float16"), ("q4f32_1", "float32")])
def test_tvms_container_is_read(tmp_path: Path, quantization: str, dtype: str) -> None:
    weights = joined({name: value.astype(np.float32) for name, value in load_file(TINY / "model.safetensors").items()})
    arrays = {}
    for name, value in weights.items():
        if value.ndim == 1:
            arrays[name] = value.astype(dtype)
        else:
            stem = name.removesuffix(".weight")
            arrays[f"{stem}.q_weight"], arrays[f"{stem}.q_scale"] = quantized(value, dtype)
    dump_tensor_cache(arrays, str(tmp_path), encode_format="f32-to-bf16", shard_cap_mb=1, show_progress=False)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(TINY / file, tmp_path)
    (tmp_path / "mlc-chat-config.json").write_text(json.dumps({**CHAT_CONFIG, "quantization": quantization}))
    checkpoint = open_mlc(Folder(tmp_path), "tiny")
    load_model(checkpoint)
    expected = dequantized(arrays["lm_head.q_weight"], arrays["lm_head.q_scale"])
    np.testing.assert_allclose(checkpoint.tensors["lm_head.weight"].dequantize(), expected, rtol=2**-8 if dtype == "float32" else 0)
