"""What made a result: the versions of the tools, and of the parts of this program, that it depends on. A key for caches."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
WASM_SUPPORT = PACKAGE.parents[1] / "wasm_support"  # in a source checkout
SUFFIXES = (".py", ".txt", ".o", ".c", ".cc", ".h")

LIBRARY_SOURCES = ("library.py", "fields.py", "limits_generated.py", "model", "quantize", "compile", "_support")
LIBRARY_TOOLS = ("apache-tvm", "apache-tvm-ffi", "numpy")
WEIGHTS_SOURCES = (
    "weights.py", "fields.py", "limits_generated.py", "source", "model", "quantize", "package/manifest.py", "package/model_folder.py",
)  # fmt: skip
WEIGHTS_TOOLS = ("gguf", "numpy", "tokenizers", "ziglang")


@cache
def made_by(sources: tuple[str, ...], tools: tuple[str, ...]) -> dict[str, str]:
    """Versions by name. `sources` covers these files and folders of this program, so that a cache never outlives a change to them."""
    digest = hashlib.sha256()
    roots = [PACKAGE / name for name in sources] + ([WASM_SUPPORT] if "compile" in sources else [])
    for root in roots:
        paths = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.suffix in SUFFIXES)
        for path in paths:
            if "build" not in path.relative_to(root.parent).parts:
                digest.update(str(path.relative_to(root.parent)).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return {"sources": digest.hexdigest(), **{tool: version_of(tool) for tool in tools}}


def version_of(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "none"
