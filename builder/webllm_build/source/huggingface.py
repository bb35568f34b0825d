"""Downloads what a build needs of a Hugging Face repository, into the hub's own cache."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from webllm_build.errors import DownloadFailed, GatedModel, MissingFile, ModelNotFound
from webllm_build.limits_generated import MAX_TOKENIZER_BYTES
from webllm_build.progress import Done, Progress
from webllm_build.source import mlc
from webllm_build.source.folder import Folder, LocalFile, WeightFile
from webllm_build.source.hub_download import download_content
from webllm_build.source.local import SMALL_FILES

REFERENCE = re.compile(
    r"hf:(?P<organization>[\w.-]+)/(?P<name>[\w.-]+)(?P<file>(/\w[\w.-]*)+\.gguf)?(?:@(?P<revision>[\w./-]+))?", re.ASCII
)

GGUFS_SHOWN = 8
MAX_SMALL_BYTES = 4 * MAX_TOKENIZER_BYTES  # of all files that are not weights: a tokenizer is read in two forms at most
NOT_THE_HUB = "A proxy or a login page of this network may stand between, or HF_ENDPOINT and HF_TOKEN may be wrong."
ODD_ANSWERS = ("FileMetadataError", "TooManyRedirects", "UnsupportedProtocol")  # also of the HTTP library, which the hub's chooses
WHAT_TO_DO = {
    401: "The token is not valid: log in again (hf auth login), or mend or unset HF_TOKEN.",
    403: "The token may not read it: give it that right (https://huggingface.co/settings/tokens), or accept the licence of the model.",
    404: f"Check the spelling. {NOT_THE_HUB}",
    429: "That is for too many requests: wait some minutes. With a token of an account (HF_TOKEN) more are allowed.",
}


@dataclass(frozen=True)
class Repository:
    """A repository of models at a revision: branch, tag or commit. file: the GGUF in it that is meant, any part of a split one."""

    organization: str
    name: str
    revision: str
    file: str | None = None

    @property
    def id(self) -> str:
        return f"{self.organization}/{self.name}"


def parse_reference(reference: str) -> Repository:
    """`hf:organization/name[/file.gguf][@revision]`. Raises ModelNotFound for anything else."""
    match = REFERENCE.fullmatch(reference)
    if match is None:
        raise ModelNotFound(f"{reference!r} is not a repository", "Write hf:organization/name or hf:organization/name@revision.")
    file = match["file"] and match["file"].removeprefix("/")
    return Repository(match["organization"], match["name"], match["revision"] or "main", file)


class HubFolder(Folder):
    """The small files of one commit of a repository, in the hub's own cache. Weights come when they are wanted.

    Raises ModelNotFound, GatedModel, DownloadFailed.
    """

    def __init__(self, repository: Repository, progress: Progress) -> None:
        try:
            from huggingface_hub import snapshot_download
        except ValueError as error:  # it reads its settings when it is imported
            raise DownloadFailed(f"Hugging Face's library cannot be set up: {error}", "See the variables HF_... that are set.") from error

        self._repository = repository
        self._progress = progress
        with errors_of_the_hub(repository), progress.step(f"Looking up {repository.id}", 0) as done:
            snapshot = snapshot_download(
                repository.id,
                revision=repository.revision,
                allow_patterns=[*SMALL_FILES, *mlc.SMALL_FILES],
                tqdm_class=_reporting(_bounded(done, repository)),
            )
        super().__init__(Path(snapshot), Path(snapshot).parent.parent / "blobs")

    def __str__(self) -> str:
        return f"hf:{self._repository.id}"

    @property
    def commit(self) -> str:
        return self.path.name

    def weights(self, name: str, otherwise: str) -> WeightFile:
        """Fetches nothing. Raises MissingFile."""
        if self.find(name) is not None:
            return super().weights(name, otherwise)
        return _HubFile(self, name, otherwise)

    def fetch(self, names: list[str]) -> None:
        missing = [name for name in names if self.find(name) is None]
        for number, name in enumerate(missing, 1):
            label = f"Downloading {self._repository.id}" + (f", {number} of {len(missing)} files" if len(missing) > 1 else "")
            with self._progress.step(label, 0) as done:
                self.download(name, done)

    def download(self, name: str, done: Done = lambda count, total=None: None) -> Path:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError

        with errors_of_the_hub(self._repository):
            try:
                download_content(self._repository.id, name, self.commit, self.path.parent.parent / "blobs", _reporting(done))
                return Path(hf_hub_download(self._repository.id, name, revision=self.commit, tqdm_class=_reporting(done)))
            except EntryNotFoundError as error:
                raise MissingFile(f"{self} has no {name}", self._known()) from error

    def piece(self, name: str, begin: int, count: int, otherwise: str) -> tuple[bytes, int]:
        """(bytes of a file on the hub, its size). otherwise: what to do where it has none such; empty: take one of its GGUFs."""
        from huggingface_hub import hf_hub_url
        from huggingface_hub.errors import EntryNotFoundError
        from huggingface_hub.utils import build_hf_headers, hf_raise_for_status, http_stream_backoff  # type: ignore[attr-defined]

        with errors_of_the_hub(self._repository):
            headers = {**build_hf_headers(), "range": f"bytes={begin}-{begin + count - 1}", "accept-encoding": "identity"}
            url = hf_hub_url(self._repository.id, name, revision=self.commit)
            with http_stream_backoff("GET", url, headers=headers, follow_redirects=True, timeout=30) as response:
                try:
                    hf_raise_for_status(response)
                except EntryNotFoundError as error:
                    raise MissingFile(f"{self} has no {name}", otherwise or self._known()) from error
                size = re.fullmatch(rf"bytes {begin}-\d+/(\d+)", response.headers.get("content-range", ""), re.ASCII)
                if response.status_code != 206 or size is None:  # a mirror that knows no ranges
                    return LocalFile(self.download(name)).peek(begin, count)
                content = b""
                for part in response.iter_bytes():
                    content += part
                    if len(content) >= count:
                        break
        return content[:count], int(size[1])

    def ggufs(self) -> list[str]:
        from huggingface_hub import HfApi

        with errors_of_the_hub(self._repository):
            files = HfApi().list_repo_files(self._repository.id, revision=self.commit)
        return [f"{self}/{name}" for name in sorted(files) if name.endswith(".gguf")]

    def _known(self) -> str:
        ggufs = ", ".join(self.ggufs()[:GGUFS_SHOWN])
        return f"It has {ggufs}." if ggufs else "See its page for its files."

    @property
    def origin(self) -> str:
        return f"hf:{self._repository.id}@{self.commit}"

    def identity(self, names: Sequence[str]) -> str:
        """By what the hub calls the files' content, so that a commit that changes others counts as the same."""
        contents = sorted(f"{name} {self._content(name)}" for name in names)
        return hashlib.sha256("\n".join(contents).encode()).hexdigest()

    def _content(self, name: str) -> str | None:
        from huggingface_hub import get_hf_file_metadata, hf_hub_url
        from huggingface_hub.errors import EntryNotFoundError, HTTPError  # type: ignore[attr-defined]

        found = self.find(name)
        if found is not None and found.is_symlink():  # into the folder of the cache that has files by this name
            return found.resolve().name
        try:
            return get_hf_file_metadata(hf_hub_url(self._repository.id, name, revision=self.commit)).etag
        except EntryNotFoundError:
            return None
        except (HTTPError, OSError):  # if there is no network, what is there may do
            return self.commit


class _HubFile:
    def __init__(self, folder: HubFolder, name: str, otherwise: str) -> None:
        self.path = folder.path / name
        self._folder, self._name, self._otherwise = folder, name, otherwise

    def peek(self, begin: int, count: int) -> tuple[bytes, int]:
        if self._folder.find(self._name) is not None:  # a mirror that knows no ranges has given all of it
            return self._local.peek(begin, count)
        return self._folder.piece(self._name, begin, count, self._otherwise)

    @functools.cached_property
    def _local(self) -> LocalFile:
        return LocalFile(self._folder.find(self._name) or self._folder.download(self._name))

    def read(self, begin: int, end: int) -> npt.NDArray[np.uint8]:
        return self._local.read(begin, end)


@contextmanager
def errors_of_the_hub(repository: Repository) -> Iterator[None]:
    """Says what to do about an error of the hub's library: ModelNotFound, GatedModel, DownloadFailed."""
    from huggingface_hub.errors import (  # type: ignore[attr-defined]
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        HTTPError,  # of the HTTP library that the hub's uses
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    repo, page = repository.id, f"https://huggingface.co/{repository.id}"
    try:
        yield
    except GatedRepoError as error:
        raise GatedModel(
            f"{repo} is gated: its owner wants you to accept a licence",
            f"Accept it at {page}, make a token at https://huggingface.co/settings/tokens, and log in: hf auth login, or set HF_TOKEN.",
        ) from error
    except RepositoryNotFoundError as error:
        raise ModelNotFound(
            f"Hugging Face has no repository {repo}, or it is private",
            f"Check the spelling at {page}; for a private one set HF_TOKEN to a token that may read it.",
        ) from error
    except RevisionNotFoundError as error:
        raise ModelNotFound(
            f"{repo} has no revision {repository.revision}", f"See {page}/tree/main for its branches, tags and commits."
        ) from error
    except HFValidationError as error:
        raise ModelNotFound(f"{repo!r} cannot be the name of a repository", "Write hf:organization/name.") from error
    except LocalEntryNotFoundError as error:  # whatever kept the library from asking
        raise _failed(repository, error.__cause__) from error
    except (HfHubHTTPError, HTTPError, OSError) as error:
        raise _failed(repository, error) from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:  # what the library makes of an answer that is none
        raise DownloadFailed(
            f"what answered for {repo} is not Hugging Face ({type(error).__name__})",
            NOT_THE_HUB,
        ) from error


def _failed(repository: Repository, error: BaseException | None) -> DownloadFailed:
    """By what the hub answered, where it did."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in WHAT_TO_DO:
        return DownloadFailed(f"Hugging Face refuses to give {repository.id} (HTTP status {status})", WHAT_TO_DO[status])
    if status is not None:
        hint = "Run the same command again in a while." if status >= 500 else f"See https://huggingface.co/{repository.id}. {NOT_THE_HUB}"
        return DownloadFailed(f"downloading {repository.id} failed (HTTP status {status})", hint)
    if type(error).__name__ in ODD_ANSWERS:
        return DownloadFailed(f"{repository.id} cannot be had of what answers for Hugging Face: {error}", NOT_THE_HUB)
    if isinstance(error, OSError) and error.errno is not None and error.filename is not None:
        hint = "Free some space, or name another folder with HF_HOME."
        return DownloadFailed(f"{repository.id} cannot be stored: {error.strerror} ({error.filename})", hint)
    reason = f": {error}" if error is not None else ""
    return DownloadFailed(
        f"{repository.id} is not in the local cache and Hugging Face cannot be reached{reason}",
        "Check the network connection (and HF_HUB_OFFLINE), then run the same command again: it goes on where it stopped.",
    )


def _bounded(done: Done, repository: Repository) -> Done:
    """The same, of the small files. Raises DownloadFailed for what is none: a stranger's repository may hold anything under their names."""

    def report(count: int, total: int | None = None) -> None:
        if max(count, total or 0) > MAX_SMALL_BYTES:
            raise DownloadFailed(
                f"the files of {repository.id} that are not weights are too large to be a model's: {MAX_SMALL_BYTES >> 20} MiB at most",
                "Take another repository, or download what is needed of it into a folder: --model FOLDER.",
            )
        done(count, total)

    return report


def _reporting(done: Done) -> type[Any]:
    """A progress bar for the hub's library that draws nothing and passes bytes on. The library keeps several; the furthest counts."""
    from tqdm.auto import tqdm  # type: ignore[import-untyped]

    furthest = 0

    class Reporting(tqdm):  # type: ignore[misc]
        def display(self, msg: str | None = None, pos: int | None = None) -> None:
            pass

        def update(self, n: float | None = 1) -> Any:
            nonlocal furthest
            shown = super().update(n)
            if self.unit == "B" and self.n > furthest:
                furthest = int(self.n)
                done(furthest, int(self.total) if self.total else None)
            return shown

    return Reporting
