"""Where browsers will find the weights of what is built: of the Hub, only what is there already counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from webllm_build.config import BUNDLE, HUB_REPOSITORY, BuildRequest
from webllm_build.errors import MissingFile, ModelNotFound
from webllm_build.package.model_folder import StoredWeights
from webllm_build.package.places import HERE, HUB, MODEL_FOLDER, WEIGHTS_FOLDER, Places
from webllm_build.progress import Progress
from webllm_build.source.hub_contents import HubContents, read_contents
from webllm_build.source.huggingface import Repository

HubPlaces = Mapping[str, HubContents]
HOW_TO_UPLOAD = (
    "Build without it, upload what was built, and build again with it, which computes nothing twice: "
    "webllm-build upload dist {place} --create"
)


def hub_repository(place: str) -> Repository:
    """`hub:organization/name[@revision]`, which config.py has checked."""
    match = HUB_REPOSITORY.fullmatch(place)
    assert match is not None
    organization, name = match[1].split("/")
    return Repository(organization, name, match[2] or "main")


def find_weights(request: BuildRequest, progress: Progress) -> tuple[Places, HubPlaces]:
    """Asks the Hub for the commits of its repositories. Raises ModelNotFound, GatedModel, DownloadFailed."""
    hub: dict[str, HubContents] = {}
    for place in request.weights_at:
        if place.startswith("hub:"):
            with progress.step(f"Looking up {place}"):
                hub[place] = _public(place)
    urls = tuple(dict.fromkeys(_url(place, hub) for place in request.weights_at))
    folder = MODEL_FOLDER if HERE in urls else None if urls and len(hub) == len(request.weights_at) else WEIGHTS_FOLDER
    return Places(urls, folder), hub


def check_hub(hub: HubPlaces, weights: Iterable[StoredWeights]) -> None:
    """Raises MissingFile where a repository has not all of the shards."""
    shards = [(shard, each.folder / shard.file) for each in weights for shard in each.shards]
    for place, contents in hub.items():
        missing = sum(not contents.has(shard.file, shard.bytes, shard.sha256, path) for shard, path in shards)
        if missing:
            raise MissingFile(
                f"{place} has {len(shards) - missing} of the {len(shards)} files of these weights, at commit {contents.commit}",
                HOW_TO_UPLOAD.format(place=place.partition("@")[0]),
            )


def _public(place: str) -> HubContents:
    try:
        contents = read_contents(hub_repository(place))
    except ModelNotFound as error:
        raise ModelNotFound(error.message, HOW_TO_UPLOAD.format(place=place.partition("@")[0])) from error
    if not contents.is_open:
        raise ModelNotFound(
            f"{place} is private or gated: a visitor's browser, which has no account there, gets nothing of it",
            f"Open it to everybody (https://huggingface.co/{contents.repository.id}/settings), or name another place.",
        )
    return contents


def _url(place: str, hub: HubPlaces) -> str:
    if place == BUNDLE:
        return HERE
    if place in hub:
        return f"{HUB}/{hub[place].repository.id}/resolve/{hub[place].commit}/"
    return place.removeprefix("url:").rstrip("/") + "/"
