"""`inspect` on a built folder tells what the manifest and the library hold."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from webllm_build.build import build
from webllm_build.config import BuildRequest
from webllm_build.errors import ConfigError, MalformedFile, MissingFile, OutputFolderError
from webllm_build.inspection import inspect
from webllm_build.progress import Silent

TINY = Path(__file__).resolve().parents[1] / "fixtures" / "tiny-llama"


def look(what: Path, context_length: int | None = None, **options: Any) -> list[tuple[str, str]]:
    (lines,) = inspect(BuildRequest(kind="site", models=(str(what),), context_length=context_length, **options), Silent())
    return lines


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inspect")
    return build(BuildRequest("site", (str(TINY),), out=folder / "dist", cache_dir=folder / "cache", variants=("f32",), cpu=False)).out


def test_a_built_folder_is_described(built: Path) -> None:
    lines = dict(look(built, 100))
    weights = load_file(TINY / "model.safetensors")
    tables = sum(value.size for name, value in weights.items() if name in ("model.embed_tokens.weight", "lm_head.weight"))
    vectors = sum(value.size for value in weights.values() if value.ndim == 1)
    matrices = sum(value.size for value in weights.values()) - tables - vectors
    assert lines["Parameters"] == f"{tables + vectors + matrices:,}"
    for size, scheme in ((matrices * 4.5 / 8, "q4"), (tables * 8.5 / 8, "q8"), (vectors * 4, "f32")):
        assert f"{size / 1e3:.1f} kB in {scheme}" in lines["Weights"]
    assert "needs nothing special" in lines["Variant f32"]
    # 7 pages of 16 tokens in 2 layers: keys and values of 2 heads of 32 float32
    assert f"of it {7 * 16 * 2 * 2 * 2 * 32 * 4 / 1e3:.1f} kB cache" in lines["Memory (f32)"]
    files = [path for path in (built / "model").iterdir() if not path.name.startswith("manifest")]
    assert lines["Download"].endswith(f"in {len(files)} files")


def test_a_cache_of_8_bits_takes_a_byte_and_a_share_of_a_scale(tmp_path: Path) -> None:
    request = BuildRequest("site", (str(TINY),), out=tmp_path / "dist", cache_dir=tmp_path / "cache", variants=("f32",), cpu=False, kv="q8")
    lines = dict(look(build(request).out, 100))
    # as above, with 32 bytes and a float32 in place of 32 float32
    assert f"of it {7 * 16 * 2 * 2 * 2 * (32 + 4) / 1e3:.1f} kB cache" in lines["Memory (f32)"]


def test_a_context_beyond_the_built_one_is_refused(built: Path) -> None:
    with pytest.raises(ConfigError, match="at most 512"):
        look(built, 513)


def test_a_folder_without_its_library_is_malformed(built: Path, tmp_path: Path) -> None:
    broken = tmp_path / "dist"
    (broken / "model").mkdir(parents=True)
    marker = json.loads((built / ".webllm-build.json").read_text())
    for name in (".webllm-build.json", marker["models"][0]["manifest"]):
        (broken / name).write_bytes((built / name).read_bytes())
    with pytest.raises(MalformedFile, match=r"model\.[0-9a-f]{16}\.wasm"):
        look(broken, None)


@pytest.mark.parametrize("change", [lambda wasm: wasm[:100], lambda wasm: wasm.replace(b'"state_bytes"', b'"state_bites"')])
def test_a_library_that_is_damaged_or_of_another_version_is_malformed(
    built: Path, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    other = Path(shutil.copytree(built, tmp_path / "dist"))
    (library,) = (other / "model").glob("model.*.wasm")
    library.write_bytes(change(library.read_bytes()))
    with pytest.raises(MalformedFile, match="another version"):
        look(other, None)


def test_a_foreign_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputFolderError, match="not written by webllm-build"):
        look(tmp_path, None)
    (tmp_path / "model.GGUF").touch()
    with pytest.raises(MissingFile, match=r"config\.json") as caught:
        look(tmp_path, None)
    assert "model.GGUF" in caught.value.hint
