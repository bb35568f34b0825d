"""Launch functions compiled by TVM, linked with wasm_support and run."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import tvm
import wasmtime
from tvm import tirx
from tvm.script.ir_builder import IRBuilder
from tvm.tirx.script import builder as T

from webllm_build.compile.launch import compile_functions
from webllm_build.compile.link import link_library, read_custom_section
from webllm_build.compile.target import WASM_HOST

PLAN, WGSL = b'{"format":1}', b'["@compute fn main() {}"]'


def launch(words: Callable[[tirx.Var, tirx.Var], Sequence[tirx.PrimExpr]]) -> tirx.PrimFunc:
    """(n, kv_len, out): writes the words of two sizes."""
    with IRBuilder() as builder:
        with T.prim_func():
            n, kv_len = T.arg("n", T.int32()), T.arg("kv_len", T.int32())
            pointer = T.arg("out", T.handle("int32", "global"))
            values = words(n, kv_len)
            out = T.decl_buffer((len(values),), "int32", data=pointer)
            for index, value in enumerate(values):
                T.buffer_store(out, value, [index])
        return builder.get()


def prefill(n: tirx.Var, kv_len: tirx.Var) -> list[tirx.PrimExpr]:
    product = tirx.Cast("int64", n) * tirx.Cast("int64", kv_len)
    return [
        (n + 31) // 32,
        tirx.min(64, (kv_len + 63) // 64),
        tirx.if_then_else(n > 1, kv_len % n, -1),
        tirx.Cast("int32", product % tirx.IntImm("int64", 1000003)),
    ]


def launch_object() -> bytes:
    functions = {"launch_0_decode": launch(lambda n, kv_len: [kv_len // 16]), "launch_0_prefill": launch(prefill)}
    return compile_functions(functions, tvm.target.Target(WASM_HOST))


@pytest.fixture(scope="module")
def library() -> bytes:
    return link_library(launch_object(), ["launch_0_decode", "launch_0_prefill"], PLAN, WGSL, "ziglang")


def instantiate(library: bytes) -> tuple[wasmtime.Store, Any]:
    """The store and the exports, by name; calls take the store first."""
    store = wasmtime.Store()
    return store, wasmtime.Instance(store, wasmtime.Module(store.engine, library), []).exports(store)


@pytest.mark.parametrize(("n", "kv_len"), [(1, 1), (7, 100), (512, 4095), (2**31 - 33, 2**31 - 65)])
def test_launch_functions_compute(library: bytes, n: int, kv_len: int) -> None:
    store, exports = instantiate(library)
    area = exports["scratch"](store, 64)
    exports["launch_0_prefill"](store, n, kv_len, area)
    exports["launch_0_decode"](store, n, kv_len, area + 32)
    memory = exports["memory"]
    words = [int.from_bytes(memory.read(store, area + at, area + at + 4), "little", signed=True) for at in (0, 4, 8, 12, 32)]
    assert words == [(n + 31) // 32, min(64, (kv_len + 63) // 64), kv_len % n if n > 1 else -1, n * kv_len % 1000003, kv_len // 16]


def test_sequences_and_launches_share_one_memory(library: bytes) -> None:
    store, exports = instantiate(library)
    assert exports["kv_reset"](store, 16, 0) == exports["kv_add_group"](store, 0, 8) == 0
    sequence = exports["kv_new"](store)
    assert exports["kv_append"](store, sequence, 33) == 0
    exports["launch_0_prefill"](store, 33, 33, exports["scratch"](store, 32))
    table = exports["kv_pages"](store, sequence, 0)
    assert bytes(exports["memory"].read(store, table, table + 12)) == b"".join(page.to_bytes(4, "little") for page in (0, 1, 2))


def test_second_build_gives_the_same_bytes(library: bytes) -> None:
    assert link_library(launch_object(), ["launch_0_decode", "launch_0_prefill"], PLAN, WGSL, "ziglang") == library


def test_sections(library: bytes) -> None:
    assert json.loads(read_custom_section(library, "webllm.plan")) == {"format": 1}
    assert read_custom_section(library, "webllm.wgsl") == WGSL
