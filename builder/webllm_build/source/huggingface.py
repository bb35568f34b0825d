"""Downloads what a build needs of a Hugging Face repository, into the hub's own cache."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import DownloadFailed, GatedModel, ModelNotFound
from .checkpoint import Checkpoint
from .local import FILES, open_folder

REFERENCE = re.compile(r"hf:(?P<repo>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")


def open_repository(reference: str) -> Checkpoint:
    """`hf:org/name[@revision]`; raises ModelNotFound, GatedModel, DownloadFailed and what open_folder raises."""
    match = REFERENCE.fullmatch(reference)
    if match is None:
        raise ModelNotFound(f"{reference!r} is not a repository", "Write hf:organization/name or hf:organization/name@revision.")
    repo, revision = match["repo"], match["revision"] or "main"
    return open_folder(download(repo, revision), repo.split("/")[1])


def download(repo: str, revision: str) -> Path:
    """The folder of one commit's files. A branch is resolved to its commit first; files that are there already are not fetched again."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    page = f"https://huggingface.co/{repo}"
    try:
        return Path(snapshot_download(repo, revision=revision, allow_patterns=list(FILES)))
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
