"""Where browsers find the weights of a result."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

HERE = ""  # the folder of the manifest
MODEL_FOLDER = "model"
WEIGHTS_FOLDER = "weights"  # of a result: weights that are to be uploaded elsewhere
HUB = "https://huggingface.co"
# A file of the Hub is redirected to one of these.
BEHIND_THE_HUB = ("https://*.hf.co", "https://cas-bridge.xethub.hf.co")


@dataclass(frozen=True)
class Places:
    """urls: folders that serve the shards, in the order in which a browser tries them, each with a slash at its end, or HERE. Without any,
    whoever uses the package names one. folder: of the result that gets the shards; None where all of `urls` have them already."""

    urls: tuple[str, ...] = (HERE,)
    folder: str | None = MODEL_FOLDER

    @property
    def asks(self) -> bool:
        """Whether nobody knows yet where the weights will be."""
        return not self.urls

    @property
    def elsewhere(self) -> tuple[str, ...]:
        """Those that are no part of the result."""
        return tuple(url for url in self.urls if url != HERE)

    @property
    def origins(self) -> tuple[str, ...]:
        """What a page must be let to connect to, as its content security policy writes it."""
        found = [origin_of(url) for url in self.elsewhere]
        return tuple(dict.fromkeys([*found, *(BEHIND_THE_HUB if HUB in found else ())]))


BUNDLED = Places()


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
