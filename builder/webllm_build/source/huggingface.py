"""Downloads what a build needs of a Hugging Face repository, into the hub's own cache."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webllm_build.errors import DownloadFailed, GatedModel, ModelNotFound
from webllm_build.progress import Done, Progress
from webllm_build.source.local import FILES

REFERENCE = re.compile(r"hf:(?P<organization>[\w.-]+)/(?P<name>[\w.-]+)(?:@(?P<revision>[\w./-]+))?", re.ASCII)


@dataclass(frozen=True)
class Repository:
    """A repository of models at a revision: branch, tag or commit."""

    organization: str
    name: str
    revision: str


def parse_reference(reference: str) -> Repository:
    """`hf:organization/name[@revision]`. Raises ModelNotFound for anything else."""
    match = REFERENCE.fullmatch(reference)
    if match is None:
        raise ModelNotFound(f"{reference!r} is not a repository", "Write hf:organization/name or hf:organization/name@revision.")
    return Repository(match["organization"], match["name"], match["revision"] or "main")


def download(repository: Repository, progress: Progress) -> Path:
    """The folder of one commit's files. A branch is resolved to its commit first; files that are there already are not fetched again.

    Raises ModelNotFound, GatedModel, DownloadFailed.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    repo, revision = f"{repository.organization}/{repository.name}", repository.revision
    page = f"https://huggingface.co/{repo}"
    try:
        with progress.step(f"Downloading {repo}", 0) as done:
            return Path(snapshot_download(repo, revision=revision, allow_patterns=list(FILES), tqdm_class=_reporting(done)))
    except GatedRepoError as error:
        raise GatedModel(
            f"{repo} is gated: its owner wants you to accept a licence",
            f"Accept it at {page}, make a token at https://huggingface.co/settings/tokens and set it as HF_TOKEN.",
        ) from error
    except RepositoryNotFoundError as error:
        raise ModelNotFound(
            f"Hugging Face has no repository {repo}, or it is private",
            f"Check the spelling at {page}; for a private one set HF_TOKEN to a token that may read it.",
        ) from error
    except RevisionNotFoundError as error:
        raise ModelNotFound(f"{repo} has no revision {revision}", f"See {page}/tree/main for its branches, tags and commits.") from error
    except HFValidationError as error:
        raise ModelNotFound(f"{repo!r} cannot be the name of a repository", "Write hf:organization/name.") from error
    except LocalEntryNotFoundError as error:
        raise DownloadFailed(
            f"{repo} is not in the local cache and Hugging Face cannot be reached",
            "Check the network connection (and HF_HUB_OFFLINE), then run the same command again.",
        ) from error
    except (HfHubHTTPError, OSError) as error:
        raise DownloadFailed(f"downloading {repo} failed: {error}", "Run the same command again: it goes on where it stopped.") from error


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
