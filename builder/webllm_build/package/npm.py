"""A model folder → an npm package: the runtime as ES modules, and an engine that knows its own model."""

from __future__ import annotations

import json

from webllm_build.config import BUNDLE, WEIGHTS_FOLDER
from webllm_build.package.assets import licenses, runtime_modules, runtime_types
from webllm_build.package.manifest import Manifest
from webllm_build.package.model_folder import MODEL_FOLDER, CompiledModel
from webllm_build.package.output import Marker, Output, Stage
from webllm_build.package.render import render

RUNTIME_LICENSE = "Apache-2.0"


def write_npm(output: Output, model: CompiledModel, *, name: str, version: str, weights: str | None = None) -> Marker:
    """Write an npm package of `model`. name, version: what npm accepts (config.py checks them).

    weights: BUNDLE puts the shards into the package. Else they are written into WEIGHTS_FOLDER, which npm does not publish:
        a URL is where they will be served from; None leaves that to the caller of createEngine.
    Raises as `write_site` does.
    """
    bundled = weights == BUNDLE
    manifest = model.manifest(None if bundled else weights)

    def fill(stage: Stage) -> None:
        for path, data in {**runtime_modules(), **runtime_types()}.items():
            stage.write(f"runtime/{path}", data)
        model.write(stage, manifest, MODEL_FOLDER if bundled else WEIGHTS_FOLDER)
        for path, text in _texts(manifest, name, version, weights).items():
            stage.write(path, text.encode())

    return output.publish("npm", f"{MODEL_FOLDER}/{manifest.file}", fill, ("index.js", "package.json"))


def _texts(manifest: Manifest, name: str, version: str, weights: str | None) -> dict[str, str]:
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
        "manifest": f"./{MODEL_FOLDER}/{manifest.file}",
        "sha256": manifest.sha256,
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
