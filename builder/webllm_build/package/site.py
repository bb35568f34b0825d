"""A model folder → a static site: page, scripts and model in one folder that any web server can serve, from any path."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from webllm_build.config import BUNDLE, WEIGHTS_FOLDER
from webllm_build.package.assets import licenses, runtime_file, templates_folder
from webllm_build.package.manifest import Manifest, ManifestRef, hashed_name, write_manifest
from webllm_build.package.model_folder import GENERATOR
from webllm_build.package.output import Marker, publish
from webllm_build.package.render import check_script, render

MODEL_FOLDER = "model"


@dataclass(frozen=True)
class Asset:
    """A file of the page's shell, named by its content."""

    path: str
    data: bytes


def write_site(out: Path, model: ManifestRef, *, title: str, weights: str = BUNDLE) -> Marker:
    """Write the chat site of `model` into `out`.

    weights: URL of a folder that serves the shards, which are written into WEIGHTS_FOLDER; BUNDLE puts them beside the manifest.
    Raises OutputFolderError, TemplateError, DiskFullError or PackageError; `out` is then as it was before.
    """
    # A page with a new manifest name and old shards would be a broken page, so names are settled before anything is written.
    manifest = with_weights_at(model.manifest, weights)
    file, digest = manifest_name(manifest)
    shell = _shell(manifest, file, digest, title)

    def fill(stage: Path) -> None:
        for asset in shell:
            path = stage / asset.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(asset.data)
        copy_model(model, stage, manifest, bundled=weights == BUNDLE)

    return publish(out, "site", GENERATOR, f"{MODEL_FOLDER}/{file}", fill, ("bench.html", "index.html", "sw.js"))


def with_weights_at(manifest: Manifest, weights: str | None) -> Manifest:
    """The manifest of the same model whose shards lie under the URL `weights`; BUNDLE and None name no URL."""
    base = None if weights is None or weights == BUNDLE else weights.rstrip("/") + "/"
    return replace(manifest, weights=replace(manifest.weights, base=base))


def manifest_name(manifest: Manifest) -> tuple[str, str]:
    """The hashed file name of a manifest and its sha256."""
    digest = hashlib.sha256(manifest.to_json()).hexdigest()
    return hashed_name("manifest", digest, "json"), digest


def copy_model(model: ManifestRef, out: Path, manifest: Manifest, *, bundled: bool) -> None:
    """Copy the model's files and write `manifest` beside them; shards that are not bundled go into a folder of their own."""
    folder, shards = out / MODEL_FOLDER, out / (MODEL_FOLDER if bundled else WEIGHTS_FOLDER)
    for target in (folder, shards):
        target.mkdir(exist_ok=True)
    for entry in (manifest.library, manifest.tokenizer):
        shutil.copyfile(model.folder / entry.file, folder / entry.file)
    for entry in manifest.weights.shards:
        shutil.copyfile(model.folder / entry.file, shards / entry.file)
    write_manifest(folder, manifest)


def _shell(manifest: Manifest, file: str, digest: str, title: str) -> tuple[Asset, ...]:
    app = _script("app.js")
    worker = _script("worker.js")
    logic = _script("service-worker.js")
    style = _static("style.css")
    icon = _static("icon.svg")
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
    origin = "" if manifest.weights.base is None else " " + _origin(manifest.weights.base)
    index = render(
        "site/index.html.j2",
        title=title,
        origin=origin,
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
    bench = _bench(config, origin, icon)
    return (*cached, logic, notice, *bench, Asset("sw.js", service_worker.encode()), Asset(".nojekyll", b""))


def _bench(config: Mapping[str, object], origin: str, icon: Asset) -> tuple[Asset, ...]:
    """The page that measures. Nothing of it is loaded or stored before somebody opens it."""
    script, worker, style = _script("bench.js"), _script("bench-worker.js"), _static("bench.css")
    config = {**config, "worker": worker.path}
    page = render("site/bench.html.j2", config=config, origin=origin, icon=icon.path, style=style.path, bench=script.path)
    return (Asset("bench.html", page.encode()), script, worker, style)


def _script(name: str) -> Asset:
    data = runtime_file(name)
    check_script(name, data.decode())
    return _hashed(name, data)


def _static(name: str) -> Asset:
    return _hashed(name, (templates_folder() / "site" / name).read_bytes())


def _hashed(name: str, data: bytes) -> Asset:
    stem, extension = name.rsplit(".", 1)
    return Asset(f"assets/{hashed_name(stem, hashlib.sha256(data).hexdigest(), extension)}", data)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
