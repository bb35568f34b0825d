"""What a commit of a repository on the Hugging Face Hub holds, by the sizes and digests that the Hub says."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from webllm_build.source.huggingface import Repository, errors_of_the_hub


@dataclass(frozen=True)
class Content:
    """A file on the Hub. digest: sha256 where it is a large one, else what git calls it."""

    bytes: int
    digest: str


@dataclass(frozen=True)
class HubContents:
    """is_open: everybody may read it."""

    repository: Repository
    commit: str
    files: Mapping[str, Content]
    is_open: bool

    def has(self, name: str, size: int, sha256: str, data: Path | bytes) -> bool:
        """Whether it has this file. data: the file itself."""
        found = self.files.get(name)
        if found is None or found.bytes != size:
            return False
        return found.digest == sha256 or found.digest == git_name(data)


def read_contents(repository: Repository) -> HubContents:
    """Raises ModelNotFound, GatedModel, DownloadFailed."""
    from huggingface_hub import HfApi

    with errors_of_the_hub(repository):
        info = HfApi().model_info(repository.id, revision=repository.revision, files_metadata=True)
        files = {
            each.rfilename: Content(each.size or 0, each.lfs.sha256 if each.lfs else each.blob_id or "") for each in info.siblings or ()
        }
        if info.sha is None:
            raise ValueError("it names no commit")
        return HubContents(repository, info.sha, files, not info.private and not info.gated)


def git_name(data: Path | bytes) -> str:
    """What git calls a file: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects"""
    content = data if isinstance(data, bytes) else data.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
