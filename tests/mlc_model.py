"""tiny-llama as MLC LLM has it, by the definition of its weights: joined, in groups of 32 with codes around 7."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file

from tiny_site import TINY

Floats = npt.NDArray[np.float32]
Arrays = dict[str, npt.NDArray[Any]]
GROUPS = {3: 40, 4: 32}  # by bits of a code
# As mlc_llm gen_config writes it, of tests/fixtures/tiny-llama.
CHAT_CONFIG: dict[str, Any] = {
    "version": "0.1.0",
    "model_type": "llama",
    "quantization": "q4f16_1",
    "model_config": {
        "hidden_size": 96,
        "intermediate_size": 128,
        "num_attention_heads": 6,
        "num_hidden_layers": 2,
        "rms_norm_eps": 1e-5,
        "vocab_size": 300,
        "tie_word_embeddings": False,
        "position_embedding_base": 10000.0,
        "context_window_size": 512,
        "rope_scaling": {
            "factor": 8.0,
            "high_freq_factor": 4.0,
            "low_freq_factor": 1.0,
            "original_max_position_embeddings": 64,
            "rope_type": "llama3",
        },
        "prefill_chunk_size": 512,
        "num_key_value_heads": 2,
        "head_dim": 32,
        "tensor_parallel_shards": 1,
        "pipeline_parallel_stages": 1,
        "max_batch_size": 128,
        "disaggregation": False,
    },
    "vocab_size": 300,
    "context_window_size": 512,
    "sliding_window_size": -1,
    "prefill_chunk_size": 512,
    "attention_sink_size": -1,
    "temperature": 0.6,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "repetition_penalty": 1.0,
    "top_p": 0.9,
    "tokenizer_files": ["tokenizer.json", "tokenizer_config.json"],
    "conv_template": {"name": "llama-3", "stop_str": [], "stop_token_ids": [2, 3]},
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


def fused(weights: Mapping[str, Floats], parts: tuple[str, ...], whole: str) -> dict[str, Floats]:
    """With the rows of each layer's parts, one below the other, under one name."""
    result: dict[str, Floats] = {}
    for name, value in weights.items():
        part = next((each for each in parts if f".{each}." in name), None)
        if part is None:
            result[name] = value
        elif part == parts[0]:
            result[name.replace(part, whole)] = np.concatenate([weights[name.replace(part, other)] for other in parts])
    return result


def joined(weights: Mapping[str, Floats], qkv: str = "qkv_proj") -> dict[str, Floats]:
    """Hugging Face's tensors of a Llama under MLC's names."""
    return fused(fused(weights, ("q_proj", "k_proj", "v_proj"), qkv), ("gate_proj", "up_proj"), "gate_up_proj")


def quantized(values: Floats, dtype: str, bits: int = 4, group: int = 32) -> tuple[npt.NDArray[np.uint32], npt.NDArray[Any]]:
    """(words [n, of groups], scales [n, groups] of dtype) of a matrix [n, k], as MLC's group quantization packs it along k."""
    most, a_word = 2 ** (bits - 1) - 1, 32 // bits
    count = -(-values.shape[1] // group)
    filled = np.pad(values, ((0, 0), (0, count * group - values.shape[1]))).reshape(len(values), count, group)
    scales = (np.abs(filled).max(2, keepdims=True) / most).astype(dtype)
    codes = np.clip(np.rint(filled / np.where(scales == 0, 1, scales) + most), 0, 2 * most).astype(np.uint32)
    codes.reshape(len(values), -1)[:, values.shape[1] :] = 0
    words: npt.NDArray[np.uint32] = (codes.reshape(len(values), -1, a_word) << (bits * np.arange(a_word, dtype=np.uint32))).sum(
        2, dtype=np.uint32
    )
    return words, scales[..., 0]


def dequantized(words: npt.NDArray[np.uint32], scales: npt.NDArray[Any], bits: int = 4, group: int = 32) -> Floats:
    codes = (words[..., None] >> (bits * np.arange(32 // bits, dtype=np.uint32))) & (2**bits - 1)
    groups = codes.reshape(len(words), -1, group).astype(np.float32) - (2 ** (bits - 1) - 1)
    values: Floats = (groups * scales.astype(np.float32)[..., None]).reshape(len(words), -1)
    return values


def weights() -> dict[str, Floats]:
    return {name: value.astype(np.float32) for name, value in load_file(TINY / "model.safetensors").items()}


def stored(quantization: str, qkv: str = "qkv_proj") -> Arrays:
    """What a conversion to that quantization holds, by MLC's names."""
    dtype, bits = "float32" if "f32" in quantization else "float16", int(quantization[1])
    arrays: Arrays = {}
    for name, value in joined(weights(), qkv).items():
        if bits and value.ndim == 2:
            stem = name.removesuffix(".weight")
            arrays[f"{stem}.q_weight"], arrays[f"{stem}.q_scale"] = quantized(value, dtype, bits, GROUPS[bits])
        else:
            arrays[name] = value.astype(dtype)
    return arrays


def bfloat16(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
    return (np.ascontiguousarray(values).view(np.uint32) >> np.uint32(16)).astype(np.uint16)


def write(folder: Path, arrays: Arrays, *, cache: str = "tensor-cache.json", as_bfloat16: bool = False, **chat: object) -> Path:
    """A folder as MLC's converter writes it, in two shards."""
    folder.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(TINY / name, folder)
    (folder / "mlc-chat-config.json").write_text(json.dumps({**CHAT_CONFIG, **chat}))
    names, shards = list(arrays), []
    for number, part in enumerate((names[: len(names) // 2], names[len(names) // 2 :])):
        data, records = b"", []
        for name in part:
            value, format = arrays[name], "raw"
            if as_bfloat16 and value.dtype == np.float32:
                raw, format = bfloat16(value).tobytes(), "f32-to-bf16"
            else:
                raw = value.tobytes()
            record = {"name": name, "shape": list(value.shape), "dtype": str(value.dtype), "format": format}
            records.append({**record, "nbytes": len(raw), "byteOffset": len(data)})
            data += raw
        file = f"params_shard_{number}.bin"
        (folder / file).write_bytes(data)
        shards.append({"dataPath": file, "format": "raw-shard", "nbytes": len(data), "records": records, "md5sum": "0"})
    (folder / cache).write_text(json.dumps({"metadata": {}, "records": shards}))
    return folder
