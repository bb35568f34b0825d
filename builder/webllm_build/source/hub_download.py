"""Large files of the hub, into its library's own cache, from where an earlier run was interrupted. The library itself would begin anew."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from webllm_build.disk import move
from webllm_build.errors import DownloadFailed
from webllm_build.locks import lock
from webllm_build.source.files import sha256_file

ETAG = re.compile(r"[\w-]{1,128}", re.ASCII)  # a file's name
SHA256_DIGITS = 64
UNFINISHED = ".webllm-build.incomplete"


def download_content(repository: str, name: str, commit: str, blobs: Path, bar: type[Any]) -> None:
    """Has a file's content in `blobs`, the folder of the cache that has it by its etag, where the library finds it.

    bar: as the library takes it. Does nothing where another process is at it, or the hub does not name the content. Raises the library's
    errors, and DownloadFailed for content that is not what the hub calls it.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    url = hf_hub_url(repository, name, revision=commit)
    found = get_hf_file_metadata(url)
    if found.etag is None or found.size is None or not ETAG.fullmatch(found.etag):
        return
    headers = build_hf_headers()
    if urlsplit(found.location).netloc != urlsplit(url).netloc:  # a content network's address, which must not see the token
        headers.pop("authorization", None)
    blobs.mkdir(parents=True, exist_ok=True)
    blob, unfinished = blobs / found.etag, blobs / f"{found.etag}{UNFINISHED}"
    unfinished.touch()
    try:
        held = lock(unfinished)
    except FileNotFoundError:  # another process has finished it
        return
    if held is None:
        return
    with held:
        if blob.exists():  # another process has finished it before
            unfinished.unlink()
            return
        with unfinished.open("ab") as file:
            if file.tell() > found.size:
                file.truncate(0)
            http_get(found.location, file, resume_size=file.tell(), headers=headers, expected_size=found.size, tqdm_class=bar)
        if len(found.etag) == SHA256_DIGITS and sha256_file(unfinished) != found.etag:
            unfinished.unlink()
            raise DownloadFailed(f"{name} of {repository} arrived damaged", "Run the same command again.")
        move(unfinished, blob)
