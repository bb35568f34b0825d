"""A GGUF file as a Checkpoint: metadata and tensors as they are called there. What they mean is for architectures to know."""

from __future__ import annotations

import functools
from pathlib import Path

from webllm_build.errors import UnsupportedArchitecture
from webllm_build.source.checkpoint import Checkpoint, Tensor
from webllm_build.source.files import sha256_file
from webllm_build.source.gguf_header import Metadata, read_gguf
from webllm_build.source.gguf_tokenizer import eos_token_ids, read_tokenizer
from webllm_build.source.names import license_id, one_line
from webllm_build.source.sampling_defaults import of_gguf


def open_gguf(path: Path) -> Checkpoint:
    """Raises MalformedFile, MissingFile, UnsupportedArchitecture, UnsupportedEncoding, UnsupportedTokenizer."""
    header = read_gguf(path)
    metadata = header.metadata
    _check_type(metadata)
    return Checkpoint(
        name=one_line(metadata.label("general.name") or "", one_line(path.stem, "model")),
        config={"general.architecture": metadata.text("general.architecture"), **metadata.values()},
        tensors={name: Tensor(name, info.shape, info.encoding, info.read) for name, info in header.tensors.items()},
        tokenizer=read_tokenizer(metadata),
        eos_token_ids=eos_token_ids(metadata),
        sampling=of_gguf(metadata.values()),
        license=license_id(metadata.label("general.license")),
        identify=functools.cache(lambda: sha256_file(path)),
        format="gguf",
    )


def _check_type(metadata: Metadata) -> None:
    """Raises UnsupportedArchitecture for a file that holds something beside a model."""
    kind = metadata.text("general.type") or "model"
    if kind == "adapter":
        base = one_line(metadata.label("general.base_model.0.name") or "", "a model that it does not name")
        raise UnsupportedArchitecture(
            f"{metadata.path} is an adapter (LoRA) for {base}, and not a model",
            "Merge it into that model first (llama-export-lora), and build from the result.",
        )
    if kind != "model":
        raise UnsupportedArchitecture(f"{metadata.path} holds no language model, but {kind!r}", "Give the file of the model itself.")
