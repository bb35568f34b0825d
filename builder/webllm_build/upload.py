"""Puts the models of a built folder into a repository of the Hugging Face Hub, and looks whether they are there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from webllm_build.config import HUB_REPOSITORY
from webllm_build.errors import ModelNotFound, PublishError, SourceError
from webllm_build.find_weights import hub_repository
from webllm_build.package.manifest import FileEntry, Manifest, read_manifest
from webllm_build.package.model_card import OURS, model_card
from webllm_build.package.output import Marker, own_marker
from webllm_build.package.places import HERE, WEIGHTS_FOLDER
from webllm_build.progress import Progress
from webllm_build.source.files import sha256_file
from webllm_build.source.hub_contents import HubContents, read_contents
from webllm_build.source.huggingface import Repository

FILES_OF_A_COMMIT = 100  # https://huggingface.co/docs/hub/storage-limits
AT_A_TIME = 5  # files that are sent side by side
CARD = "README.md"
TOKENS = "https://huggingface.co/settings/tokens"


@dataclass(frozen=True)
class HubFile:
    """A file as it is to be in the repository. size: bytes. sha256: empty of the card."""

    name: str
    data: Path | bytes
    size: int
    sha256: str

    @staticmethod
    def of(name: str, data: bytes, sha256: str = "") -> HubFile:
        return HubFile(name, data, len(data), sha256)


@dataclass(frozen=True)
class Uploaded:
    """What is in the repository now. sent: how many files were not there before; size: their bytes."""

    contents: HubContents
    sent: int
    size: int


def upload(folder: Path, place: str, create: bool, private: bool, progress: Progress) -> Uploaded:
    """place: hub:organization/name[@branch]. create: make the repository where there is none, private or open to everybody.

    Only what is not there yet is sent, and nothing is deleted: names hold the hash of the content, and sites name a commit. A manifest
    comes after its shards. Raises OutputFolderError, MalformedFile, PublishError.
    """
    if not HUB_REPOSITORY.fullmatch(place):
        raise PublishError(f"{place!r} is not a Hub repository", "Write hub:organization/name; your own name is an organization, too.")
    repository = hub_repository(place)
    marker = own_marker(folder, "Give a folder that `site` or `npm` wrote.")
    files = _files(folder, marker, repository)
    with progress.step(f"Checking {folder}", sum(file.size for file in files)) as done:
        checked = 0
        for file in files:
            _check(file)
            done(checked := checked + file.size)
    with _errors(repository):
        _check_token()
        if create:
            _create(repository, private)
    contents = _read(repository)
    missing = [file for file in files if not contents.has(file.name, file.size, file.sha256, file.data) and _may_write(file, contents)]
    with progress.step(f"Uploading to {repository.id}", sum(file.size for file in missing)) as done, _errors(repository):
        sent, commit = 0, contents.commit
        for part in _parts(missing, FILES_OF_A_COMMIT):
            additions = _Additions(repository, part)
            for few in _parts(part, AT_A_TIME):
                additions.send(few)
                done(sent := sent + sum(file.size for file in few))
            commit = additions.commit(commit)
    with progress.step(f"Looking at what {repository.id} has"):
        found = _read(replace(repository, revision=commit))
    wrong = [file.name for file in files if file.sha256 and not found.has(file.name, file.size, file.sha256, file.data)]
    if wrong:
        raise PublishError(
            f"{len(wrong)} of {len(files)} files are not in {repository.id} as they were sent, the first of them {wrong[0]}",
            "Run the same command again. If that does not help, look for rules in its .gitignore and .gitattributes.",
        )
    return Uploaded(found, len(missing), sent)


def _files(folder: Path, marker: Marker, repository: Repository) -> list[HubFile]:
    """Those of all models, shards first, manifests and the card last."""
    files: dict[str, HubFile] = {}
    last: list[HubFile] = []
    manifests: list[Manifest] = []
    for model in marker.models:
        path = folder / model.manifest
        manifest = read_manifest(path)
        suffix = model.manifest.rpartition(".json")[2]
        for entry in (*manifest.shards, *manifest.small_files):
            files[entry.file] = HubFile(entry.file, _find(folder, path.parent, entry, suffix), entry.bytes, entry.sha256)
        here = manifest.at((HERE,))  # in the repository the shards lie beside it
        manifests.append(here)
        last.append(HubFile.of(here.file, here.to_json(), here.sha256))
    return [*files.values(), *last, HubFile.of(CARD, model_card(manifests, repository.id))]


def _find(folder: Path, beside: Path, entry: FileEntry, suffix: str) -> Path:
    name = entry.file + (suffix if entry.file.endswith(".json") else "")
    for path in (beside / name, folder / WEIGHTS_FOLDER / name):
        if path.is_file():
            return path
    hint = "Build the folder again. One that was built with --weights hub:... alone holds no weights: they are on the Hub already."
    raise PublishError(f"{folder} has no {name}", hint)


def _check(file: HubFile) -> None:
    """Raises PublishError where a file is not what its manifest says."""
    if not isinstance(file.data, Path):
        return
    try:
        is_right = file.data.stat().st_size == file.size and sha256_file(file.data) == file.sha256
    except OSError as error:
        raise PublishError(f"{file.data} cannot be read: {error.strerror}", "Mend its permissions, or build the folder again.") from error
    if not is_right:
        raise PublishError(f"{file.data} is damaged: it is not what its manifest says", "Build the folder again.")


def _may_write(file: HubFile, contents: HubContents) -> bool:
    """A card that somebody else wrote stays."""
    from huggingface_hub import hf_hub_download

    if file.name != CARD or CARD not in contents.files:
        return True
    with _errors(contents.repository):
        return OURS in Path(hf_hub_download(contents.repository.id, CARD, revision=contents.commit)).read_text("utf-8", "replace")


def _parts(files: Sequence[HubFile], count: int) -> Iterator[Sequence[HubFile]]:
    for begin in range(0, len(files), count):
        yield files[begin : begin + count]


def _read(repository: Repository) -> HubContents:
    try:
        return read_contents(repository)
    except ModelNotFound as error:
        raise PublishError(error.message, "Add --create to make it, or check the spelling and the rights of your token.") from error
    except SourceError as error:
        raise PublishError(error.message, error.hint) from error


def _check_token() -> None:
    from huggingface_hub import HfApi, get_token

    if get_token() is None:
        hint = f"Make one with the right to write at {TOKENS}, then: hf auth login, or set HF_TOKEN."
        raise PublishError("There is no token for the Hugging Face Hub", hint)
    role = HfApi().whoami().get("auth", {}).get("accessToken", {}).get("role")
    if role == "read":
        raise PublishError("The token for the Hugging Face Hub may only read", f"Make one with the right to write: {TOKENS}.")


def _create(repository: Repository, private: bool) -> None:
    from huggingface_hub import HfApi

    HfApi().create_repo(repository.id, private=private, exist_ok=True)


class _Additions:
    """Files of one commit. What a run that was interrupted has sent is not sent again."""

    def __init__(self, repository: Repository, files: Sequence[HubFile]) -> None:
        from huggingface_hub import CommitOperationAdd, HfApi
        from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

        disable_progress_bars()
        self._api = HfApi()
        self._where: dict[str, Any] = {"repo_id": repository.id, "revision": repository.revision, "num_threads": AT_A_TIME}
        self._additions = {
            file.name: CommitOperationAdd(file.name, file.data if isinstance(file.data, bytes) else str(file.data)) for file in files
        }

    def send(self, files: Sequence[HubFile]) -> None:
        """Those that are large; the others come with the commit."""
        self._api.preupload_lfs_files(additions=[self._additions[file.name] for file in files], free_memory=False, **self._where)

    def commit(self, parent: str) -> str:
        """The commit that has them."""
        additions = [*self._additions.values()]
        message = f"Upload {len(additions)} files with webllm-build"
        return str(self._api.create_commit(operations=additions, commit_message=message, parent_commit=parent, **self._where).oid)


@contextmanager
def _errors(repository: Repository) -> Iterator[None]:
    """Says what to do about an error of the Hub's library: PublishError."""
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, HTTPError  # type: ignore[attr-defined]

    try:
        yield
    except HFValidationError as error:
        raise PublishError(f"{repository.id!r} cannot be the name of a repository", "Write hub:organization/name.") from error
    except (HfHubHTTPError, HTTPError, OSError, RuntimeError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise _explained(repository, error) from error


def _explained(repository: Repository, error: BaseException) -> PublishError:
    while getattr(error, "response", None) is None and error.__cause__ is not None:  # as of one file of several
        error = error.__cause__
    status = getattr(getattr(error, "response", None), "status_code", None)
    said = getattr(error, "server_message", None) or str(error).splitlines()[0][:300]
    again = "Run the same command again: what has been sent is not sent again."
    if status is None:
        return PublishError(f"uploading to {repository.id} failed: {said or type(error).__name__}", f"Check the network. {again}")
    hints = {
        400: "The Hub does not take what was sent: see what it says.",
        401: f"The token is not valid, or may not see it: log in again (hf auth login), or mend HF_TOKEN ({TOKENS}).",
        402: "Its owner's storage is full, or the Hub asks for a paid plan: make room, or make the repository public.",
        403: f"The token may not write there: give it that right ({TOKENS}), or ask an owner of {repository.id.partition('/')[0]}.",
        404: f"Add --create to make it, and check the spelling: https://huggingface.co/{repository.id}",
        409: f"Something else is changing it at this moment. {again}",
        412: f"Somebody has committed to it meanwhile. {again}",
        413: "A file, or all of them together, are larger than the Hub allows.",
        429: f"That is for too many requests: wait some minutes. {again}",
    }
    return PublishError(f"the Hub refuses the upload to {repository.id} (HTTP status {status}): {said}", hints.get(status, again))
