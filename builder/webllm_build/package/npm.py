"""A model folder → an npm package: the runtime as ES modules, and an engine that knows its own model."""

from __future__ import annotations

import json
from pathlib import Path

from webllm_build.config import BUNDLE, WEIGHTS_FOLDER
from webllm_build.package.assets import licenses, runtime_modules, runtime_types
from webllm_build.package.manifest import Manifest, ManifestRef
from webllm_build.package.model_folder import GENERATOR
from webllm_build.package.output import Marker, publish
from webllm_build.package.render import check_script, render
from webllm_build.package.site import MODEL_FOLDER, copy_model, manifest_name, with_weights_at

RUNTIME_LICENSE = "Apache-2.0"


def write_npm(out: Path, model: ManifestRef, *, name: str, version: str, weights: str | None = None) -> Marker:
    """Write an npm package of `model` into `out`.

    weights: BUNDLE puts the shards into the package. Else they are written into WEIGHTS_FOLDER, which npm does not publish:
        a URL is where they will be served from; None leaves that to the caller of createEngine.
    Raises as `write_site` does.
    """
    manifest = with_weights_at(model.manifest, weights)
    file, _ = manifest_name(manifest)

    def fill(stage: Path) -> None:
        _write_runtime(stage / "runtime")
        copy_model(model, stage, manifest, bundled=weights == BUNDLE)
        for path, text in _texts(manifest, file, name, version, weights).items():
            (stage / path).write_text(text)

    return publish(out, "npm", GENERATOR, f"{MODEL_FOLDER}/{file}", fill, ("index.js", "package.json"))


def _texts(manifest: Manifest, file: str, name: str, version: str, weights: str | None) -> dict[str, str]:
    model = manifest.model
    license_name = model.license or "unknown"
    facts = {
        "name": name,
        "model": model.name,
        "model_id": model.id,
        "license": license_name,
        "parameters": f"{model.parameters / 1e6:.0f} million",
        "megabytes": f"{manifest.download_bytes / 1e6:.0f}",
        "context_length": model.context_length,
        "weights_note": _weights_note(manifest.weights.base, weights),
        "ask_weights": weights is None,
    }
    local = manifest.files if weights == BUNDLE else (manifest.library, manifest.tokenizer)
    script = {
        "model_id": model.id,
        "manifest": f"./{MODEL_FOLDER}/{file}",
        "sha256": manifest_name(manifest)[1],
        "files": [f"./{MODEL_FOLDER}/{entry.file}" for entry in local],
        "ask_weights": weights is None,
    }
    return {
        "index.js": render("npm/index.js.j2", **script),
        "index.d.ts": render("npm/index.d.ts.j2", model_id=model.id, ask_weights=weights is None),
        "README.md": render("npm/README.md.j2", **facts),
        "LICENSE": render("npm/LICENSE.j2", model=model.name, license=license_name, licenses=licenses()),
        "package.json": json.dumps(_package_json(manifest, name, version), indent=2) + "\n",
    }


def _weights_note(base: str | None, weights: str | None) -> str:
    if weights == BUNDLE:
        return "The weights are part of this package."
    folder = f"`{WEIGHTS_FOLDER}/`, which webllm-build wrote beside this file and npm does not publish,"
    if base is not None:
        return f"The weights come from <{base}>: upload {folder} there, and let the host allow cross-origin requests (CORS)."
    return (
        f"The weights are not part of this package: upload {folder} to any static host or CDN that allows cross-origin requests (CORS), "
        "and name that folder as `weights`."
    )


def _package_json(manifest: Manifest, name: str, version: str) -> dict[str, object]:
    same_license = (manifest.model.license or "").lower() == RUNTIME_LICENSE.lower()
    return {
        "name": name,
        "version": version,
        "description": f"{manifest.model.name} in the browser: compiled to WebGPU and WebAssembly, with an OpenAI-style interface.",
        "keywords": ["llm", "webgpu", "webassembly", "openai", "webllm"],
        "license": RUNTIME_LICENSE if same_license else "SEE LICENSE IN LICENSE",
        "type": "module",
        "exports": {
            ".": {"types": "./index.d.ts", "default": "./index.js"},
            "./worker": "./runtime/worker.js",
            "./model/*": "./model/*",
            "./package.json": "./package.json",
        },
        "types": "./index.d.ts",
        # The worker script runs for its effects; nothing else does anything when it is imported.
        "sideEffects": ["./runtime/worker.js"],
        "files": ["index.js", "index.d.ts", "runtime", "model"],
    }


def _write_runtime(folder: Path) -> None:
    folder.mkdir()
    modules = runtime_modules()
    for path, data in modules.items():
        check_script(path, data.decode())
    for path, data in {**modules, **runtime_types()}.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
