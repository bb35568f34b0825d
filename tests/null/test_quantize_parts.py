"""Weights larger than a binding lie in several buffers."""

from __future__ import annotations

import numpy as np
import pytest

from webllm_build.compile.target import DEFAULT_LIMITS
from webllm_build.model.weights import Source, Stored, Weight
from webllm_build.quantize import SCHEMES, pack, pack_part, parts, parts_of
from webllm_build.source.checkpoint import Checkpoint, Tensor, Tokenizer

# Tables, and the largest layers, of models that people run in browsers.
SHAPES = [(262144, 640), (128256, 2048), (128256, 3072), (128256, 4096), (151936, 4096), (256000, 3584), (28672, 4096), (151669, 5120)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("scheme", ["q4", "q4a", "q8", "f16"])
def test_every_buffer_of_a_large_weight_can_be_bound_by_every_browser(scheme: str, shape: tuple[int, int]) -> None:
    found = parts_of("w", SCHEMES[scheme], shape)
    sizes = [spec.nbytes for part in found for spec in part.buffers]
    assert max(sizes) <= DEFAULT_LIMITS["maxStorageBufferBindingSize"]
    assert [part.first for part in found] == [sum(part.rows for part in found[:number]) for number in range(len(found))]
    assert sum(part.rows for part in found) == shape[0]
    assert len({part.rows for part in found[:-1]}) <= 1, "parts that are alike share a kernel"
    assert found[-1].rows == found[0].rows or shape[0] // 64 in (2369, 2374), "twice a prime, or not a multiple"
    whole = max(spec.nbytes for spec in SCHEMES[scheme].buffers(*shape))
    assert len(found) < max(2, 2 * (whole / DEFAULT_LIMITS["maxStorageBufferBindingSize"] + 1))


def test_a_weight_that_can_be_bound_is_whole() -> None:
    assert [part.name for part in parts_of("head", SCHEMES["q8"], (49152, 576))] == ["head"]
    assert [part.buffers[0].nbytes for part in parts_of("norm", SCHEMES["f32"], (4096,))] == [4 * 4096]


@pytest.mark.parametrize("scheme", ["q4", "q4a", "q8", "mxfp4", "f16"])
def test_parts_hold_the_rows_of_the_whole(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, columns, kind = 300, 96, SCHEMES[scheme]
    values = np.random.default_rng(0).standard_normal((rows, columns)).astype(np.float32)
    source = Tensor.of("t", (rows, columns), "f32", values.view(np.uint8))
    checkpoint = Checkpoint("test", {}, {"t": source}, Tokenizer(b"{}", {}), (0,), None, lambda: "0" * 64)
    order = np.arange(rows).reshape(2, -1).T.reshape(-1)
    weight = Weight("w", (Source({"hugging_face": Stored("t")}, (rows, columns)),), (rows, columns), order)
    monkeypatch.setattr(parts, "LARGEST_BINDING", kind.buffers(rows, columns)[0].nbytes // 3)
    found = parts_of("w", kind, (rows, columns))
    assert len(found) > 3
    monkeypatch.setattr(pack, "_CHUNK_VALUES", 16 * columns)  # of which parts have no whole number
    buffers = [buffer for part in found for buffer in pack_part(part, weight, checkpoint)]
    assert [(buffer.name, buffer.nbytes) for buffer in buffers] == [(f"{p.name}.{s.suffix}", s.nbytes) for p in found for s in p.buffers]
    each = [kind.decode([b.data for b in buffers if b.name.startswith(f"{part.name}.")], part.rows, columns) for part in found]
    arrays = kind.pack(kind.encode(values[order]), columns)
    assert np.concatenate(each).tobytes() == kind.decode(arrays, rows, columns).tobytes()
