"""Small models for the source tests: a GGUF by the gguf package's own writer, GGUF headers byte by byte, safetensors byte by byte."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt

LAYERS, HIDDEN, FEED_FORWARD, HEADS, KV_HEADS, HEAD_DIM, VOCAB = 2, 128, 96, 4, 2, 32, 40
TEMPLATE = "{{ messages[0].content }}"

Floats = npt.NDArray[np.float32]


def hugging_face_weights(*, tied: bool = False) -> dict[str, Floats]:
    """Random weights of a tiny Llama by their Hugging Face names."""
    random = np.random.default_rng(5)

    def matrix(rows: int, columns: int) -> Floats:
        return random.standard_normal((rows, columns), np.float32)

    weights: dict[str, Floats] = {
        "model.embed_tokens.weight": matrix(VOCAB, HIDDEN),
        "model.norm.weight": random.standard_normal(HIDDEN, np.float32),
    }
    if not tied:
        weights["lm_head.weight"] = matrix(VOCAB, HIDDEN)
    for layer in range(LAYERS):
        shapes = {
            "self_attn.q_proj": (HEADS * HEAD_DIM, HIDDEN),
            "self_attn.k_proj": (KV_HEADS * HEAD_DIM, HIDDEN),
            "self_attn.v_proj": (KV_HEADS * HEAD_DIM, HIDDEN),
            "self_attn.o_proj": (HIDDEN, HEADS * HEAD_DIM),
            "mlp.gate_proj": (FEED_FORWARD, HIDDEN),
            "mlp.up_proj": (FEED_FORWARD, HIDDEN),
            "mlp.down_proj": (HIDDEN, FEED_FORWARD),
        }
        for name, shape in shapes.items():
            weights[f"model.layers.{layer}.{name}.weight"] = matrix(*shape)
        for name in ("input_layernorm", "post_attention_layernorm"):
            weights[f"model.layers.{layer}.{name}.weight"] = random.standard_normal(HIDDEN, np.float32)
    return weights


GGUF_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def gguf_name(name: str) -> str:
    stem = name.removesuffix(".weight")
    if stem.startswith("model.layers."):
        _, _, layer, rest = stem.split(".", 3)
        return f"blk.{layer}.{GGUF_NAMES[rest]}.weight"
    return f"{GGUF_NAMES[stem]}.weight"


def permute(weights: Floats, heads: int) -> Floats:
    """What llama.cpp's convert_hf_to_gguf.py does to the rows of q_proj and k_proj."""
    return weights.reshape(heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:]).swapaxes(1, 2).reshape(weights.shape)


def write_gguf(
    path: Path,
    weights: Mapping[str, Floats],
    *,
    encoding: str = "f32",
    architecture: str = "llama",
    metadata: Mapping[str, object] | None = None,
    tensors: Mapping[str, Floats] | None = None,
    tokenizer: bool = True,
    part_tensors: int = 0,
    zeros: bool = False,
) -> Path:
    """A tiny Llama as llama.cpp's converter would write it. Matrices get `encoding`; `metadata` and `tensors` are added as they are.
    part_tensors: how many a part has, where the file is split: path-00001-of-...
    zeros: in the place of values, of which not every encoding has an encoder."""
    writer = gguf.GGUFWriter(path, architecture, split_max_tensors=part_tensors)
    writer.add_name("Tiny")
    writer.add_license("mit")
    writer.add_context_length(256)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(VOCAB)
    if tokenizer:
        add_tokenizer(writer)
    for key, value in (metadata or {}).items():
        add_value(writer, key, value)
    kind = gguf.GGMLQuantizationType[encoding.upper()]
    for name, value in weights.items():
        if name.endswith("q_proj.weight"):
            value = permute(value, HEADS)
        elif name.endswith("k_proj.weight"):
            value = permute(value, KV_HEADS)
        if value.ndim == 1:
            writer.add_tensor(gguf_name(name), value)
        elif zeros:
            block, block_bytes = gguf.GGML_QUANT_SIZES[kind]
            writer.add_tensor(gguf_name(name), np.zeros((len(value), value.shape[1] // block * block_bytes), np.uint8), raw_dtype=kind)
        else:
            writer.add_tensor(gguf_name(name), gguf.quantize(value, kind), raw_dtype=kind)
    for name, value in (tensors or {}).items():
        writer.add_tensor(name, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def add_value(writer: gguf.GGUFWriter, key: str, value: object) -> None:
    adders: dict[type, Any] = {bool: writer.add_bool, int: writer.add_uint32, float: writer.add_float32, np.uint8: writer.add_uint8}
    adders |= dict.fromkeys((str, bytes), writer.add_string)
    adders.get(type(value), writer.add_array)(key, value)


def add_tokenizer(writer: gguf.GGUFWriter) -> None:
    tokens = ["<unk>", "<s>", "</s>", *(chr(97 + i) for i in range(26)), "ab", "abc", "Ġ", "!"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([3, 3, 3, *([1] * (len(tokens) - 4)), 4])
    writer.add_token_merges(["a b", "ab c"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template(TEMPLATE)


def gguf_bytes(
    *,
    magic: bytes = b"GGUF",
    version: int = 3,
    keys: Sequence[bytes] = (),
    tensors: Sequence[bytes] = (),
    key_count: int | None = None,
    tensor_count: int | None = None,
    data: bytes = b"",
) -> bytes:
    """A GGUF file from its parts, which need not fit together."""
    counts = (len(tensors) if tensor_count is None else tensor_count, len(keys) if key_count is None else key_count)
    header = magic + struct.pack("<IQQ", version, *counts) + b"".join(keys) + b"".join(tensors)
    return header + bytes(-len(header) % 32) + data


def gguf_string(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def gguf_key(name: bytes, kind: int, value: bytes) -> bytes:
    return gguf_string(name) + struct.pack("<I", kind) + value


def gguf_tensor(name: bytes, shape: Sequence[int], kind: int, offset: int) -> bytes:
    """shape as GGUF stores it: columns first."""
    return gguf_string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def safetensors_bytes(header: object, data: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file from its parts; `header` is JSON text or a value."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


HARMS = ("cut", "replaced", "overwritten")


def harm(path: Path, kind: str) -> None:
    """What another process may do to a file that is being read."""
    content = path.read_bytes()
    if kind == "replaced":
        path.unlink()
    with path.open("r+b" if kind != "replaced" else "xb") as file:
        file.write(content[:-1] + b"x")
        if kind == "cut":
            file.truncate(len(content) // 2)
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns + 1))  # a clock may be coarse
