"""What made a result: the versions of the tools, and of the parts of this program, that it depends on. A key for caches."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
WASM_SUPPORT = PACKAGE.parents[1] / "wasm_support"  # in a source checkout
SOURCES = (".py", ".txt", ".o", ".cc", ".h", ".json")

LIBRARY_FOLDERS = ("model", "quantize", "compile", "_support")
LIBRARY_TOOLS = ("apache-tvm", "apache-tvm-ffi", "numpy")
WEIGHTS_FOLDERS = ("source", "model", "quantize", "package")
WEIGHTS_TOOLS = ("gguf", "numpy", "tokenizers")


@cache
def made_by(folders: tuple[str, ...], tools: tuple[str, ...]) -> dict[str, str]:
    """Versions by name. `sources` covers this program's own code in `folders`, so that a cache never outlives a change to it."""
    sources = hashlib.sha256()
    roots = [PACKAGE / folder for folder in folders] + ([WASM_SUPPORT] if "compile" in folders else [])
    for root in roots:
        for path in sorted(path for path in root.rglob("*") if path.suffix in SOURCES and "build" not in path.relative_to(root).parts):
            sources.update(str(path.relative_to(root.parent)).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return {"sources": sources.hexdigest(), **{tool: _version(tool) for tool in tools}}


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "none"
