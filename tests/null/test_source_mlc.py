"""MLC's weights: containers byte by byte, the same model as Hugging Face's, and what cannot be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlc_model import CHAT_CONFIG, bfloat16, dequantized, stored, write
from webllm_build.cache import Cache
from webllm_build.catalog import CATALOG
from webllm_build.errors import MalformedFile, MissingFile, SourceError, UnsupportedArchitecture, UnsupportedEncoding
from webllm_build.model import load_model
from webllm_build.quantize import SCHEMES, choose_scheme, pack_weight
from webllm_build.source import Checkpoint, open_checkpoint
from webllm_build.source.local import open_folder

TINY = Path(__file__).parents[1] / "fixtures" / "tiny-llama"


def opened(folder: Path) -> Checkpoint:
    return open_checkpoint(str(folder), CATALOG, Cache(folder / "cache"))


@pytest.mark.parametrize("cache", ["tensor-cache.json", "ndarray-cache.json"])
def test_four_bits_are_repacked_without_loss(tmp_path: Path, cache: str) -> None:
    arrays = stored("q4f16_1")
    checkpoint = opened(write(tmp_path / "Tiny-q4f16_1-MLC", arrays, cache=cache))
    model = load_model(checkpoint)
    assert model.description == load_model(open_folder(TINY, "tiny")).description
    assert (checkpoint.name, checkpoint.eos_token_ids, checkpoint.sampling["temperature"]) == ("Tiny", (2, 3), 0.6)
    for weight in model.weights:
        scheme = choose_scheme(weight, checkpoint, "auto")
        assert scheme.name == ("q4" if weight.kind == "linear" else "f32")
        packed = pack_weight(weight, checkpoint, scheme)
        rows, columns = (*weight.shape, 1)[:2]
        found = scheme.decode([buffer.data for buffer in packed], rows, columns)
        name = {"embedding": "model.embed_tokens", "head": "lm_head", "norm": "model.norm"}.get(weight.name)
        if name is None:
            _, layer, part = weight.name.split(".")
            parts = {"qkv": "self_attn.qkv_proj", "o": "self_attn.o_proj", "gate_up": "mlp.gate_up_proj", "down": "mlp.down_proj"}
            norms = {"attention_norm": "input_layernorm", "mlp_norm": "post_attention_layernorm"}
            name = f"model.layers.{layer}.{ {**parts, **norms}[part] }"
        if weight.kind == "vector":
            expected = arrays[f"{name}.weight"].astype(np.float32)[:, None]
        else:
            expected = dequantized(arrays[f"{name}.q_weight"], arrays[f"{name}.q_scale"])
        np.testing.assert_array_equal(found, expected if weight.row_order is None else expected[weight.row_order])


@pytest.mark.parametrize(("quantization", "as_bfloat16"), [("q0f16", False), ("q0f32", False), ("q0f32", True)])
def test_plain_numbers_are_those_of_the_model(tmp_path: Path, quantization: str, as_bfloat16: bool) -> None:
    folder = write(tmp_path / "tiny", stored(quantization), as_bfloat16=as_bfloat16, quantization=quantization)
    checkpoint, expected = opened(folder), open_folder(TINY, "tiny")
    for mine, theirs in zip(load_model(checkpoint).weights, load_model(expected).weights, strict=True):
        np.testing.assert_array_equal(mine.values(checkpoint), theirs.values(expected))  # which bfloat16 holds, too


def test_scales_in_bfloat16_are_kept(tmp_path: Path) -> None:
    arrays = stored("q4f32_1")
    checkpoint = opened(write(tmp_path / "tiny", arrays, as_bfloat16=True, quantization="q4f32_1"))
    words, scales = (arrays[f"lm_head.{part}"] for part in ("q_weight", "q_scale"))
    cut = (bfloat16(scales).astype(np.uint32) << np.uint32(16)).view(np.float32)
    np.testing.assert_array_equal(checkpoint.tensors["lm_head.weight"].dequantize(), dequantized(words, cut))


def test_a_tied_model_and_other_families(tmp_path: Path) -> None:
    arrays = {name: value for name, value in stored("q4f16_1", "c_attn").items() if not name.startswith("lm_head")}
    for layer in range(2):
        arrays[f"model.layers.{layer}.self_attn.c_attn.bias"] = np.arange(320, dtype=np.float16)
    model_config = {**CHAT_CONFIG["model_config"], "rope_scaling": None, "hidden_act": "silu"}
    checkpoint = opened(write(tmp_path / "tiny", arrays, model_type="qwen2", model_config=model_config))
    assert load_model(checkpoint).tied
    np.testing.assert_array_equal(checkpoint.tensors["model.layers.1.self_attn.k_proj.bias"].dequantize(), np.arange(192, 256))


def records(change: Callable[[dict[str, Any]], object], of: str = "") -> Callable[[Path], None]:
    """A harm to the first record whose name has this in it."""

    def harm(folder: Path) -> None:
        path = folder / "tensor-cache.json"
        cache = json.loads(path.read_text())
        change(next(record for shard in cache["records"] for record in shard["records"] if of in record["name"]))
        path.write_text(json.dumps(cache))

    return harm


def shard(**change: object) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        path = folder / "tensor-cache.json"
        cache = json.loads(path.read_text())
        cache["records"][0].update(change)
        path.write_text(json.dumps(cache))

    return harm


def chat(**change: object) -> Callable[[Path], None]:
    return lambda folder: (folder / "mlc-chat-config.json").write_text(json.dumps({**CHAT_CONFIG, **change}))  # type: ignore[return-value]


HARMS: dict[str, tuple[Callable[[Path], Any], type[SourceError], str]] = {
    "another quantization": (chat(quantization="q4f16_0"), UnsupportedEncoding, "q4f16_0"),
    "another family": (chat(model_type="rwkv6"), UnsupportedArchitecture, "rwkv6"),
    "no config": (chat(model_config=7), MalformedFile, "model_config"),
    "another size": (chat(model_config={**CHAT_CONFIG["model_config"], "num_key_value_heads": 3}), SourceError, "num_key|do not fit"),
    "an unknown key": (chat(model_config={**CHAT_CONFIG["model_config"], "magic": 3}), UnsupportedArchitecture, "magic"),
    "no cache": (lambda folder: (folder / "tensor-cache.json").unlink(), MissingFile, r"tensor-cache\.json"),
    "no shard": (lambda folder: (folder / "params_shard_1.bin").unlink(), MissingFile, r"params_shard_1\.bin"),
    "a short shard": (lambda folder: (folder / "params_shard_1.bin").write_bytes(b"x"), MalformedFile, "1 bytes"),
    "a way out": (shard(dataPath="../params_shard_0.bin"), MalformedFile, "dataPath"),
    "no records": (shard(records=None), MalformedFile, "no bytes or no tensors"),
    "another format": (shard(format="zip"), MalformedFile, "no bytes or no tensors"),
    "an extent below 0": (records(lambda record: record.update(byteOffset=-4)), MalformedFile, "bytes at -4"),
    "an extent beyond": (records(lambda record: record.update(byteOffset=1 << 40)), MalformedFile, "bytes at"),
    "another shape": (records(lambda record: record.update(shape=[7, 7])), MalformedFile, "bytes at"),
    "a shape of words": (records(lambda record: record.update(shape=["7"])), MalformedFile, "shape"),
    "three dimensions": (
        records(lambda record: record.update(shape=[1, *record["shape"]]), "q_weight"),
        MalformedFile,
        "has scales of the shape",
    ),
    "four dimensions": (records(lambda record: record.update(shape=[1, 1, *record["shape"]]), "q_weight"), MalformedFile, "shape"),
    "words that are no codes": (
        records(lambda record: record.update(dtype="uint32", shape=[record["shape"][0] // 2]), "norm"),
        UnsupportedEncoding,
        "stored as uint32",
    ),
    "another type": (records(lambda record: record.update(dtype="int8")), MalformedFile, "int8"),
    "a type that is no text": (records(lambda record: record.update(dtype=["float16"])), MalformedFile, r"\['float16'\]"),
    "a name that steers": (records(lambda record: record.update(name="a\x1b[31m")), MalformedFile, "name"),
    "tensors that are missing": (shard(records=[]), SourceError, "do not fit|is not"),
}


@pytest.mark.parametrize("case", HARMS)
def test_what_cannot_be_is_told(tmp_path: Path, case: str) -> None:
    harm, error, words = HARMS[case]
    folder = write(tmp_path / "tiny", stored("q4f16_1"))
    harm(folder)
    with pytest.raises(error, match=words):
        load_model(opened(folder))


@pytest.mark.parametrize(("quantization", "most"), [("q4f16_1", 15), ("q3f16_1", 7)])
def test_codes_beyond_mlcs_are_told(tmp_path: Path, quantization: str, most: int) -> None:
    arrays = stored(quantization)
    arrays["lm_head.q_weight"][3, 1] = 0xFFFFFFFF
    with pytest.raises(MalformedFile, match=f"code is {most}"):
        opened(write(tmp_path / "tiny", arrays, quantization=quantization)).tensors["lm_head.weight"].dequantize()


def test_scales_that_are_not_finite_name_their_tensor(tmp_path: Path) -> None:
    arrays = stored("q4f16_1")
    arrays["lm_head.q_scale"][3, 1] = np.inf
    checkpoint = opened(write(tmp_path / "tiny", arrays))
    head = next(weight for weight in load_model(checkpoint).weights if weight.name == "head")
    with pytest.raises(MalformedFile, match=r"lm_head\.weight holds"):
        pack_weight(head, checkpoint, SCHEMES["q4"])
