"""Linking a model library, with launch functions written in C: what it exports, and what a user reads when it fails."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
from pathlib import Path

import pytest

from wasm_library import ABI, BUILD, WasmLibrary, compile_c
from webllm_build.compile import toolchain, wasm_sections
from webllm_build.compile.link import check_library, link_library, read_custom_section
from webllm_build.errors import ToolchainError

PLAN, WGSL = b'{"format":1}', '["\u00b5"]'.encode()
EXPORTS = ["launch_0_decode", "launch_1_decode"]
SOURCE = """
static int steps[3] = {3, 5, 7};
void launch_0_decode(int n, int kv_len, int *out) { out[0] = n + steps[kv_len]; }
void launch_1_decode(int n, int kv_len, int *out) { steps[kv_len] += n; out[0] = 1; }
"""


@pytest.fixture(scope="module")
def launch(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return compile_c(SOURCE, tmp_path_factory.mktemp("launch") / "launch.o")


def test_exports_exactly_the_abi_and_the_launch_functions(launch: bytes) -> None:
    wasm = link_library(launch, EXPORTS, PLAN, WGSL, "ziglang")
    functions = {function["name"] for function in ABI["functions"]} | set(EXPORTS)
    assert set(WasmLibrary(wasm).exports) == functions | {"memory"}
    assert wasm_sections.import_count(wasm) == 0


def test_carries_nothing_but_plan_and_wgsl(launch: bytes) -> None:
    wasm = link_library(launch, EXPORTS, PLAN, WGSL, "ziglang")
    custom = [(section.name, bytes(section.content)) for section in wasm_sections.sections(wasm) if section.id == wasm_sections.CUSTOM]
    assert custom == [("webllm.plan", PLAN), ("webllm.wgsl", WGSL)]
    assert read_custom_section(wasm, "webllm.plan") == PLAN


def test_same_inputs_same_bytes(launch: bytes, tmp_path: Path) -> None:
    assert link_library(launch, EXPORTS, PLAN, WGSL, "ziglang") == link_library(launch, EXPORTS, PLAN, WGSL, "ziglang")
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(BUILD["SOURCE"].parent, elsewhere)
    assert toolchain.compile_support(elsewhere / "build.py") == toolchain.support_object()


def test_data_of_launch_functions_and_support_do_not_overlap(launch: bytes) -> None:
    library = WasmLibrary(link_library(launch, EXPORTS, PLAN, WGSL, "ziglang"))
    area = library.call("scratch", 4)
    library.call("launch_1_decode", 10, 2, area)
    library.call("kv_reset", 16, 0)
    library.call("kv_add_group", 0, 100)
    library.call("launch_0_decode", 1, 2, area)
    assert library.read(area, 1) == [18] and library.call("kv_available", 0) == 100


def test_launch_function_that_is_not_there(launch: bytes) -> None:
    with pytest.raises(ToolchainError, match="launch_2_decode"):
        link_library(launch, [*EXPORTS, "launch_2_decode"], PLAN, WGSL, "ziglang")


def test_launch_object_that_needs_a_runtime(tmp_path: Path) -> None:
    launch = compile_c("void TVMBackendCall(void); void launch_0_decode(void) { TVMBackendCall(); }", tmp_path / "launch.o")
    with pytest.raises(ToolchainError, match="undefined symbol: TVMBackendCall"):
        link_library(launch, ["launch_0_decode"], PLAN, WGSL, "ziglang")


def test_launch_object_that_is_no_object() -> None:
    with pytest.raises(ToolchainError, match=r"launch\.o"):
        link_library(b"not an object", EXPORTS, PLAN, WGSL, "ziglang")


def test_check_names_extra_and_missing_exports(launch: bytes) -> None:
    wasm = link_library(launch, EXPORTS, PLAN, WGSL, "ziglang")
    with pytest.raises(ToolchainError, match="exports: launch_1_decode"):
        check_library(wasm, EXPORTS[:1])
    with pytest.raises(ToolchainError, match="exports: launch_9"):
        check_library(wasm, [*EXPORTS, "launch_9"])


def test_unknown_toolchain(launch: bytes) -> None:
    with pytest.raises(ToolchainError, match="ziglang, emscripten"):
        link_library(launch, EXPORTS, PLAN, WGSL, "gcc")


def test_ziglang_not_installed(launch: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolchainError, match="again with pip"):
        link_library(launch, EXPORTS, PLAN, WGSL, "ziglang")


def test_incomplete_installation(launch: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(toolchain, "PACKAGED_SUPPORT", tmp_path / "support.o")
    monkeypatch.setattr(toolchain, "SUPPORT_SOURCES", tmp_path)
    with pytest.raises(ToolchainError, match="installation is incomplete"):
        link_library(launch, EXPORTS, PLAN, WGSL, "ziglang")


def test_packaged_support_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    packaged = tmp_path / "support.o"
    packaged.write_bytes(b"from the wheel")
    monkeypatch.setattr(toolchain, "PACKAGED_SUPPORT", packaged)
    assert toolchain.support_object() == b"from the wheel"


def test_emscripten_not_installed(launch: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolchainError, match="emcc and em-config are not on PATH"):
        link_library(launch, EXPORTS, PLAN, WGSL, "emscripten")


def emscripten_at(folder: Path, linker: str, script: str) -> None:
    """An Emscripten reduced to what is asked of it; its linker's name has a version where the distribution's has one."""
    llvm = folder / "llvm"
    llvm.mkdir()
    scripts = {folder / "emcc": "exit 9", folder / "em-config": f'test "$1" = LLVM_ROOT && echo {llvm}', llvm / linker: script}
    for path, body in scripts.items():
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)


@pytest.mark.parametrize("linker", ["wasm-ld", "wasm-ld-14"])
def test_emscripten_links_the_same(launch: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, linker: str) -> None:
    zig = shlex.join(toolchain.linker("ziglang"))
    emscripten_at(tmp_path, linker, f'echo "$0" > {tmp_path}/ran; exec {zig} "$@"')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert link_library(launch, EXPORTS, PLAN, WGSL, "emscripten") == link_library(launch, EXPORTS, PLAN, WGSL, "ziglang")
    assert (tmp_path / "ran").read_text().strip() == str(tmp_path / "llvm" / linker)


def test_emscripten_without_linker(launch: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    emscripten_at(tmp_path, "something-else", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(ToolchainError, match="has no wasm-ld"):
        link_library(launch, EXPORTS, PLAN, WGSL, "emscripten")


def test_the_linkers_own_words_reach_the_user(launch: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    emscripten_at(tmp_path, "wasm-ld", "echo the disk is on fire >&2; exit 3")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(ToolchainError, match="status 3") as caught:
        link_library(launch, EXPORTS, PLAN, WGSL, "emscripten")
    assert "the disk is on fire" in str(caught.value)
