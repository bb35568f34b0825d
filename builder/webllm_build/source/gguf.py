"""A GGUF file as a Checkpoint: llama.cpp's names, metadata and row order translated back to Hugging Face's."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from webllm_build.errors import MalformedFile, MissingFile, UnsupportedArchitecture
from webllm_build.source.checkpoint import Checkpoint, Tensor
from webllm_build.source.files import malformed, sha256_file
from webllm_build.source.gguf_header import GGUFHeader, Metadata, TensorInfo, read_gguf
from webllm_build.source.gguf_tokenizer import eos_token_ids, read_tokenizer

GLOBAL_NAMES = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
LAYER_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
LAYER_TENSOR = re.compile(r"blk\.(0|[1-9][0-9]{0,4})\.(\w+)\.(weight|bias)")


def open_gguf(path: Path) -> Checkpoint:
    """Raises MalformedFile, MissingFile, UnsupportedArchitecture, UnsupportedEncoding, UnsupportedTokenizer."""
    header = read_gguf(path)
    metadata = header.metadata
    architecture = metadata.text("general.architecture")
    if architecture != "llama":
        raise UnsupportedArchitecture(
            f"{path} holds a model of the architecture {architecture!r}",
            "GGUF files of the llama architecture can be read (Llama, SmolLM2, TinyLlama and others).",
        )
    config = _llama_config(header)
    return Checkpoint(
        name=metadata.text("general.name") or path.stem,
        config=config,
        tensors=_tensors(header, {"q": _positive(metadata, "attention.head_count"), "k": _kv_heads(metadata)}),
        tokenizer=read_tokenizer(metadata),
        eos_token_ids=eos_token_ids(metadata),
        license=metadata.text("general.license"),
        digest=sha256_file(path),
    )


def _llama_config(header: GGUFHeader) -> dict[str, object]:
    metadata = header.metadata
    embedding = header.tensors.get("token_embd.weight")
    if embedding is None or len(embedding.shape) != 2:
        raise MissingFile(f"{metadata.path} has no token_embd.weight", "Is it a whole model, and not an adapter or a vocabulary?")
    heads, hidden = _positive(metadata, "attention.head_count"), _positive(metadata, "embedding_length")
    head_dim = metadata.natural("llama.attention.key_length") or hidden // heads
    config: dict[str, object] = {
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": hidden,
        "intermediate_size": _positive(metadata, "feed_forward_length"),
        "num_hidden_layers": _positive(metadata, "block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": _kv_heads(metadata),
        "head_dim": head_dim,
        "vocab_size": embedding.shape[0],
        "max_position_embeddings": _positive(metadata, "context_length"),
        "rms_norm_eps": metadata.number("llama.attention.layer_norm_rms_epsilon"),
        "rope_theta": metadata.number("llama.rope.freq_base") or 10000.0,
        "rope_scaling": _rope_scaling(metadata),
        "tie_word_embeddings": "output.weight" not in header.tensors,
        "attention_bias": "blk.0.attn_q.bias" in header.tensors,
        "mlp_bias": "blk.0.ffn_up.bias" in header.tensors,
    }
    # What has one value only is checked, what is not known stops the build: it may change the mathematics.
    only = {"attention.value_length": head_dim, "rope.dimension_count": head_dim, "expert_count": 0, "expert_used_count": 0}
    for key, expected in only.items():
        value = metadata.natural(f"llama.{key}")
        if value not in (None, expected):
            raise UnsupportedArchitecture(f"{metadata.path}: llama.{key} is {value}", f"Only {expected} is supported here.")
    known = {f"llama.{key}" for key in KNOWN_KEYS | only.keys()}
    unknown = sorted(key for key in metadata if key.startswith("llama.") and key not in known)
    if unknown:
        raise UnsupportedArchitecture(f"{metadata.path} has unknown keys: {', '.join(unknown)}", "They might change the mathematics.")
    return config


KNOWN_KEYS = frozenset(
    {"attention.head_count", "attention.head_count_kv", "attention.key_length", "attention.layer_norm_rms_epsilon", "block_count"}
    | {"context_length", "embedding_length", "feed_forward_length", "vocab_size"}
    | {"rope.freq_base", "rope.scaling.type", "rope.scaling.factor", "rope.scaling.original_context_length", "rope.scaling.finetuned"}
)


def _rope_scaling(metadata: Metadata) -> dict[str, object] | None:
    """Hugging Face's rope_scaling. Llama 3 needs none: its file holds the finished factors as the tensor rope_freqs.weight."""
    kind = metadata.text("llama.rope.scaling.type") or "none"
    if kind == "none":
        return None
    scaling: dict[str, object] = {"rope_type": kind, "factor": metadata.number("llama.rope.scaling.factor")}
    original = metadata.natural("llama.rope.scaling.original_context_length")
    if original is not None:
        scaling["original_max_position_embeddings"] = original
    return scaling


def _tensors(header: GGUFHeader, rotary_heads: dict[str, int]) -> dict[str, Tensor]:
    """Tensors by Hugging Face name; rotary_heads: number of heads of the projections whose rows are permuted."""
    tensors: dict[str, Tensor] = {}
    for gguf_name, info in header.tensors.items():
        name = GLOBAL_NAMES.get(gguf_name, gguf_name)
        heads = None
        match = LAYER_TENSOR.fullmatch(gguf_name)
        if match and match[2] in LAYER_NAMES:
            name = f"model.layers.{match[1]}.{LAYER_NAMES[match[2]]}.{match[3]}"
            heads = rotary_heads.get(match[2].removeprefix("attn_"))
        if name in tensors:
            raise malformed(header.metadata.path, f"two tensors mean {name}")
        if heads is not None:
            info = _checked_heads(header.metadata.path, name, info, heads)
        tensors[name] = Tensor(name, info.shape, info.encoding, _reader(info, heads))
    return tensors


def _checked_heads(path: Path, name: str, info: TensorInfo, heads: int) -> TensorInfo:
    if len(info.shape) > 2 or (info.shape[0] if len(info.shape) == 2 else info.shape[-1]) % (2 * heads):
        raise malformed(path, f"tensor {name}: shape {list(info.shape)} does not hold {heads} heads")
    if len(info.shape) == 1 and info.encoding not in ("f32", "f16", "bf16"):
        raise malformed(path, f"tensor {name}: a bias stored as {info.encoding}")
    return info


class _reader:
    """Reads one tensor's rows; undoes llama.cpp's order of rotary projections when `heads` is given.

    convert_hf_to_gguf.py turns the halves of a head into pairs, (heads, 2, head_dim / 2) to (heads, head_dim / 2, 2), because llama.cpp
    rotates neighbours where Hugging Face rotates halves.
    """

    def __init__(self, info: TensorInfo, heads: int | None) -> None:
        self._info = info
        self._heads = heads

    def __call__(self) -> npt.NDArray[np.uint8]:
        data = self._info.data
        if self._heads is None:
            return data
        rows = self._info.shape[0]
        item = data.size // rows
        return data.reshape(self._heads, rows // self._heads // 2, 2, item).swapaxes(1, 2).reshape(data.shape)


def _kv_heads(metadata: Metadata) -> int:
    return metadata.natural("llama.attention.head_count_kv") or _positive(metadata, "attention.head_count")


def _positive(metadata: Metadata, key: str) -> int:
    value = metadata.natural(f"llama.{key}")
    if not value:
        raise MalformedFile(f"{metadata.path}: llama.{key} is missing or zero", "Convert the model again with a current llama.cpp.")
    return value
