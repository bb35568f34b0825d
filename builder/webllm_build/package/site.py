"""A model folder → a static site: page, scripts and model in one folder that any web server can serve, from any path."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from .assets import licenses, runtime_file, templates_folder
from .manifest import Manifest, ManifestRef, hashed_name, write_manifest
from .model_folder import GENERATOR
from .output import Marker, publish
from .render import check_script, render

MODEL_FOLDER = "model"


@dataclass(frozen=True)
class Asset:
    """A file of the page's shell, named by its content."""

    path: str
    data: bytes


def write_site(out: Path, model: ManifestRef, *, title: str, weights_url: str | None = None) -> Marker:
    """Write the chat site of `model` into `out`.

    weights_url: URL of a folder that serves the shards; None puts them into the site.
    Raises OutputFolderError, TemplateError, DiskFullError or PackageError; `out` is then as it was before.
    """
    # A page with a new manifest name and old shards would be a broken page, so names are settled before anything is written.
    manifest = with_weights_at(model.manifest, weights_url)
    file, digest = manifest_name(manifest)
    shell = _shell(manifest, file, digest, title, weights_url)

    def fill(stage: Path) -> None:
        for asset in shell:
            path = stage / asset.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(asset.data)
        copy_model(model, stage / MODEL_FOLDER, manifest)

    return publish(out, "site", GENERATOR, f"{MODEL_FOLDER}/{file}", fill, ("index.html", "sw.js"))


def with_weights_at(manifest: Manifest, url: str | None) -> Manifest:
    """The manifest of the same model whose shards lie under `url`, or beside the manifest."""
    base = None if url is None else url.rstrip("/") + "/"
    return replace(manifest, weights=replace(manifest.weights, base=base))


def manifest_name(manifest: Manifest) -> tuple[str, str]:
    """The hashed file name of a manifest and its sha256."""
    digest = hashlib.sha256(manifest.to_json()).hexdigest()
    return hashed_name("manifest", digest, "json"), digest


def copy_model(model: ManifestRef, folder: Path, manifest: Manifest) -> ManifestRef:
    """Copy the files that `manifest` has in its own folder from `model`, and write the manifest beside them."""
    folder.mkdir(parents=True)
    for name in local_files(manifest):
        shutil.copyfile(model.folder / name, folder / name)
    return write_manifest(folder, manifest)


def local_files(manifest: Manifest) -> tuple[str, ...]:
    """Names of the files that lie beside the manifest."""
    entries = (manifest.library, manifest.tokenizer) if manifest.weights.base is not None else manifest.files
    return tuple(entry.file for entry in entries)


def _shell(manifest: Manifest, file: str, digest: str, title: str, weights_url: str | None) -> tuple[Asset, ...]:
    app = _script("app.js")
    worker = _script("worker.js")
    logic = _script("service-worker.js")
    style = _hashed("style.css", (templates_folder() / "site" / "style.css").read_bytes())
    icon = _hashed("icon.svg", (templates_folder() / "site" / "icon.svg").read_bytes())
    config = {
        "title": title,
        "manifest": f"{MODEL_FOLDER}/{file}",
        "manifest_sha256": digest,
        "worker": worker.path,
        "service_worker": "sw.js",
        "download_bytes": manifest.download_bytes,
        "model": {
            "id": manifest.model.id,
            "name": manifest.model.name,
            "parameters": manifest.model.parameters,
            "license": manifest.model.license,
            "quantization": manifest.model.quantization,
            "context_length": manifest.model.context_length,
        },
    }
    index = render(
        "site/index.html.j2",
        title=title,
        origin="" if weights_url is None else " " + _origin(weights_url),
        style=style.path,
        icon=icon.path,
        app=app.path,
        config=config,
    )
    page = Asset("index.html", index.encode())
    cached = (page, app, worker, style, icon)
    files = [file, *(entry.file for entry in manifest.files)]
    version = hashlib.sha256(b"".join(hashlib.sha256(asset.data).digest() for asset in cached)).hexdigest()[:16]
    worker_config = {
        "version": version,
        "shell": ["./", *(asset.path for asset in cached if asset is not page)],
        "model": {"folder": f"{MODEL_FOLDER}/", "files": files},
    }
    service_worker = render("site/sw.js.j2", logic=logic.path, config=worker_config)
    # GitHub Pages serves a folder with .nojekyll as it is.
    notice = Asset("licenses.txt", licenses().encode())
    return (*cached, logic, notice, Asset("sw.js", service_worker.encode()), Asset(".nojekyll", b""))


def _script(name: str) -> Asset:
    data = runtime_file(name)
    check_script(name, data.decode())
    return _hashed(name, data)


def _hashed(name: str, data: bytes) -> Asset:
    stem, extension = name.rsplit(".", 1)
    return Asset(f"assets/{hashed_name(stem, hashlib.sha256(data).hexdigest(), extension)}", data)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
