"""A GGUF file as a Checkpoint: metadata and tensors as they are called there. What they mean is for architectures to know."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from webllm_build.errors import UnsupportedArchitecture
from webllm_build.limits_generated import MAX_LAYERS
from webllm_build.source.checkpoint import Checkpoint, Tensor
from webllm_build.source.embedding import Dense, Embedding, Pooling
from webllm_build.source.files import sha256_file, sha256_files
from webllm_build.source.folder import Folder
from webllm_build.source.gguf_header import GGUFHeader, Metadata, TensorInfo
from webllm_build.source.gguf_parts import PART, read_parts
from webllm_build.source.gguf_tokenizer import eos_token_ids, read_tokenizer, suppressed
from webllm_build.source.names import license_id, one_line
from webllm_build.source.sampling_defaults import of_gguf

POOLINGS: Mapping[int, Pooling] = {1: "mean", 2: "cls", 3: "last"}  # llama.cpp's LLAMA_POOLING_TYPE
XIELU = ("alpha_p", "alpha_n", "beta", "eps")  # of each layer, which files have as metadata
RANKING, UNSAID = 4, (None, 0, 2**32 - 1)  # of the last, none of several vectors and what llama.cpp starts from
DENSE = ("dense_2", "dense_3")  # linear layers behind the pooling, in their order


def open_gguf(path: Path) -> Checkpoint:
    """path: of the file, or of any of its parts. Raises MalformedFile, MissingFile, UnsupportedArchitecture, UnsupportedEncoding,
    UnsupportedTokenizer."""
    header, parts = read_parts(path)
    return _checkpoint(path, header, functools.cache(lambda: _digest(parts)))


def open_gguf_of(folder: Folder, name: str) -> Checkpoint:
    """As open_gguf, of a repository's folder: its weights come when they are wanted."""
    header, parts = read_parts(folder.path / name, lambda path: folder.weights(path.relative_to(folder.path).as_posix(), ""))
    names = [part.relative_to(folder.path).as_posix() for part in parts]
    identify = functools.cache(lambda: folder.identity(names))
    return replace(_checkpoint(folder.path / name, header, identify), fetch=lambda: folder.fetch(names))


def _checkpoint(path: Path, header: GGUFHeader, identify: Callable[[], str]) -> Checkpoint:
    metadata = header.metadata
    _check_type(metadata)
    return Checkpoint(
        name=one_line(metadata.label("general.name") or "", one_line(_stem(path), "model")),
        config={"general.architecture": metadata.text("general.architecture"), **metadata.values()},
        tensors={name: Tensor(name, info.shape, info.encoding, info.read) for name, info in header.tensors.items()}
        | _learnt_numbers(metadata),
        tokenizer=read_tokenizer(metadata),
        eos_token_ids=eos_token_ids(metadata),
        sampling=of_gguf(metadata.values()),
        suppressed=suppressed(metadata),
        license=license_id(metadata.label("general.license")),
        identify=identify,
        format="gguf",
        embedding=_embedding(metadata, header.tensors),
    )


def _learnt_numbers(metadata: Metadata) -> dict[str, Tensor]:
    """As tensors of one number, and one behind those of the most layers, which no model reads."""
    lists = {number: values for number in XIELU if (values := metadata.numbers(f"xielu.{number}")) is not None}
    found = {f"blk.{at}.xielu.{number}": value for number, values in lists.items() for at, value in enumerate(values[: MAX_LAYERS + 1])}
    return {name: Tensor.of(name, (1,), "f32", np.array([value], np.float32).view(np.uint8)) for name, value in found.items()}


def _embedding(metadata: Metadata, tensors: Mapping[str, TensorInfo]) -> Embedding | None:
    """Raises UnsupportedArchitecture for a model that ranks texts."""
    kind = metadata.natural(f"{metadata.text('general.architecture')}.pooling_type")
    if kind == RANKING:
        raise UnsupportedArchitecture(f"{metadata.path} ranks texts (pooling_type)", "Take a model that makes vectors, or one that chats.")
    if kind in UNSAID:
        return None
    if kind not in POOLINGS:
        known = ", ".join(f"{number} ({name})" for number, name in POOLINGS.items())
        raise UnsupportedArchitecture(f"{metadata.path} has the pooling_type {kind}", f"Known are {known}.")
    shapes = {name: tensors[f"{name}.weight"].shape for name in DENSE if f"{name}.weight" in tensors}
    dense = [Dense(name, shape[1], shape[0], bias=False) for name, shape in shapes.items() if len(shape) == 2]
    return Embedding(POOLINGS[kind], tuple(dense))


def _stem(path: Path) -> str:
    """The file's name, without what says that it is a part."""
    part = PART.fullmatch(path.name)
    return path.stem if part is None else part["stem"]


def _digest(parts: tuple[Path, ...]) -> str:
    return sha256_file(parts[0]) if len(parts) == 1 else sha256_files((part.name, part) for part in parts)


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
