"""A model as MLC LLM stores it for WebLLM: mlc-chat-config.json, and shards of tensors that tensor-cache.json lists.

Its 4-bit groups are those of Q4_0: eight codes a 32-bit word, the lowest bits first, one scale for 32 values, w = (code - 7) * scale with
codes from 0 to 14. So rows become Q4_0 as they are read, where code - 7 is code + 1 - 8. q4f32_1's scales are float32, mostly written as
bfloat16; float16 has all of their bits where they are not below its normal numbers.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from reprlib import repr as shown

import numpy as np

from webllm_build.errors import MissingFile, UnsupportedArchitecture, UnsupportedEncoding
from webllm_build.source.checkpoint import Checkpoint, Raw, Tensor, decode_rows
from webllm_build.source.files import MAX_INDEX_BYTES, malformed, read_json
from webllm_build.source.folder import Folder, LocalFile
from webllm_build.source.local import MAX_FILES, license_of
from webllm_build.source.local_tokenizer import eos_token_ids, read_tokenizer
from webllm_build.source.names import one_line
from webllm_build.source.sampling_defaults import of_generation_config

CONFIG = "mlc-chat-config.json"
CACHES = ("tensor-cache.json", "ndarray-cache.json")  # the newer name first
SMALL_FILES = (CONFIG, *CACHES)
QUANTIZATIONS = ("q0f16", "q0f32", "q0bf16", "q4f16_1", "q4f32_1", "q4bf16_1")
GROUP, CODES_A_WORD, BLOCK_BYTES = 32, 8, 18
ITEM_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "uint32": 4}
ENCODINGS = {"float32": "f32", "float16": "f16", "bfloat16": "bf16"}
AS_BFLOAT16 = "f32-to-bf16"  # how float32 tensors may be written
# What MLC calls Phi-3's tensors → what Hugging Face does.
PHI3 = {
    "transformer.embd.": "model.embed_tokens.",
    "transformer.norm.": "model.norm.",
    "transformer.h.": "model.layers.",
    ".ln.": ".input_layernorm.",
    ".mixer.qkv_proj.": ".self_attn.qkv_proj.",
    ".mixer.out_proj.": ".self_attn.o_proj.",
}
# And Phi's.
PHI = {
    "lm_head.ln.": "model.final_layernorm.",
    "lm_head.linear.": "lm_head.",
    "transformer.embd.": "model.embed_tokens.",
    "transformer.h.": "model.layers.",
    ".ln.": ".input_layernorm.",
    ".mixer.Wqkv.": ".self_attn.qkv_proj.",
    ".mixer.out_proj.": ".self_attn.dense.",
}


@dataclass(frozen=True)
class Kind:
    """names: parts of tensors' names → Hugging Face's. qkv: what queries, keys and values are called then, as one matrix; gate and up are
    one beside it. None: Hugging Face has the same ones. added: what MLC has added to the weights of norms."""

    qkv: str | None
    names: Mapping[str, str] = field(default_factory=dict)
    added: float = 0.0


# By model_type.
KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("llama", "mistral", "olmo2", "stablelm"), Kind("qkv_proj")),
    **dict.fromkeys(("qwen2", "qwen3"), Kind("c_attn")),
    **dict.fromkeys(("gemma", "gemma2"), Kind("qkv_proj", added=1.0)),
    "phi": Kind("qkv_proj", PHI),
    "phi3": Kind(None, PHI3),
}
RENAMED = {"position_embedding_base": "rope_theta", "context_window_size": "max_position_embeddings"}
# Of MLC's compiler and server.
IGNORED = frozenset(
    {"attention_sink_size", "disaggregation", "dtype", "max_batch_size", "pipeline_parallel_stages", "prefill_chunk_size"}
    | {"sliding_window_size", "tensor_parallel_shards", "weight_block_size"}
)
# What a model without such a length has.
NOT_SAID = (("original_max_position_embeddings", 0),)
PACKED, SCALES = ".q_weight", ".q_scale"
HINT = "Build from the model that these weights were made of."


@dataclass(frozen=True)
class Record:
    """One tensor of a shard: `encoding` a key of ITEM_BYTES, as it is written there."""

    shape: tuple[int, ...]
    encoding: str
    file: str
    begin: int
    end: int


def is_mlc(folder: Folder) -> bool:
    return folder.find(CONFIG) is not None and folder.find("config.json") is None


def open_mlc(folder: Folder, name: str) -> Checkpoint:
    """The model as Hugging Face would call its parts. Raises MissingFile, MalformedFile, UnsupportedArchitecture, UnsupportedEncoding."""
    path = folder.existing(CONFIG, HINT)
    chat = read_json(path)
    kind, quantization, model = chat.get("model_type"), chat.get("quantization"), chat.get("model_config")
    if quantization not in QUANTIZATIONS:
        raise UnsupportedEncoding(f"{path}: the quantization {shown(quantization)} is not one of {', '.join(QUANTIZATIONS)}", HINT)
    if not isinstance(kind, str) or kind not in KINDS:
        raise UnsupportedArchitecture(f"{path}: of MLC's models {', '.join(KINDS)} are read, and not {shown(kind)}", HINT)
    if not isinstance(model, dict):
        raise malformed(path, f"model_config is {shown(model)}")
    of_kind, records = KINDS[kind], _records(folder)
    tensors = {tensor.name: tensor for tensor in (_as_stored(each, of_kind) for each in _tensors(folder, records).values())}
    config: dict[str, object] = {RENAMED[key]: model[key] for key in RENAMED if key in model}
    config |= {key: value for key, value in model.items() if key not in {*IGNORED, *RENAMED} and (key, value) not in NOT_SAID}
    config["model_type"] = kind
    config["tie_word_embeddings"] = "lm_head.weight" not in tensors
    window = model.get("sliding_window_size")
    if isinstance(window, int) and window > 0:
        config["sliding_window"] = window
    tokenizer = read_tokenizer(folder)
    template = chat.get("conv_template")
    stops = template.get("stop_token_ids") if isinstance(template, dict) else None
    said = {"eos_token_id": [*_ids(chat.get("eos_token_id")), *_ids(stops)]}
    files = sorted({record.file for record in records.values()})
    return Checkpoint(
        name=one_line(re.sub(rf"-({'|'.join(QUANTIZATIONS)})-MLC$", "", name), "model"),
        config=config,
        tensors={part.name: part for part in _separate(tensors, of_kind.qkv, config)},
        tokenizer=tokenizer,
        eos_token_ids=eos_token_ids(folder, said, tokenizer),
        sampling=of_generation_config(chat),
        license=license_of(folder),
        fetch=lambda: folder.fetch(files),
        origin=folder.origin,
        identify=functools.cache(lambda: folder.identity([*SMALL_FILES, *files])),
    )


def _ids(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _records(folder: Folder) -> dict[str, Record]:
    """All tensors by MLC's names. Every extent is checked against its shard's."""
    path = next((found for name in CACHES if (found := folder.find(name)) is not None), None)
    if path is None:
        raise MissingFile(f"{folder} has no {CACHES[0]}", "The download is not complete.")
    shards = read_json(path, MAX_INDEX_BYTES).get("records")
    if not isinstance(shards, list) or len(shards) > MAX_FILES or not all(isinstance(shard, dict) for shard in shards):
        raise malformed(path, "records is not a list of shards")
    records: dict[str, Record] = {}
    for shard in shards:
        file, size, inner = shard.get("dataPath"), shard.get("nbytes"), shard.get("records")
        # A plain name: it must not reach outside the folder.
        if not isinstance(file, str) or not re.fullmatch(r"\w[\w.-]{0,200}\.bin", file, re.ASCII):
            raise malformed(path, f"a shard has the dataPath {shown(file)}")
        if shard.get("format", "raw-shard") != "raw-shard" or type(size) is not int or not isinstance(inner, list):
            raise malformed(path, f"the shard {file} has no bytes or no tensors")
        data = folder.weights(file, f"{path.name} names it: the download is not complete.")
        if isinstance(data, LocalFile) and data.size != size:
            raise malformed(data.path, f"it has {data.size} bytes, and {path.name} says {size}")
        for record in inner:
            name, checked = _record(record, file, size, lambda what: malformed(path, what))
            if name in records:
                raise malformed(path, f"tensor {name} is there twice")
            records[name] = checked
    return records


def _record(record: object, file: str, size: int, wrong: Callable[[str], Exception]) -> tuple[str, Record]:
    if not isinstance(record, dict):
        raise wrong(f"{file} lists {shown(record)}")
    name, shape, dtype, begin, count = (record.get(key) for key in ("name", "shape", "dtype", "byteOffset", "nbytes"))
    if not isinstance(name, str) or not re.fullmatch(r"[\w.]{1,200}", name, re.ASCII):
        raise wrong(f"{file} lists a tensor of the name {shown(name)}")
    if not isinstance(shape, list) or not 0 < len(shape) <= 2 or not all(type(extent) is int and 0 < extent < 1 << 31 for extent in shape):
        raise wrong(f"tensor {name} has the shape {shown(shape)}")
    if not isinstance(dtype, str) or dtype not in ITEM_BYTES or type(begin) is not int or type(count) is not int:
        raise wrong(f"tensor {name}: {shown(dtype)} of the shape {shown(shape)}")
    encoding = "bfloat16" if record.get("format") == AS_BFLOAT16 and dtype == "float32" else dtype
    if count != math.prod(shape) * ITEM_BYTES[encoding] or begin < 0 or begin + count > size:
        raise wrong(f"tensor {name}: {count} bytes at {begin} of {file}, which has {size}")
    return name, Record(tuple(shape), encoding, file, begin, begin + count)


def _tensors(folder: Folder, records: Mapping[str, Record]) -> dict[str, Tensor]:
    """With codes and scales as one, and names as MLC has them."""
    tensors: dict[str, Tensor] = {}
    for name, record in records.items():
        if name.endswith(SCALES):
            continue
        read = functools.partial(_read, folder, record)
        if not name.endswith(PACKED):
            if record.encoding not in ENCODINGS:
                raise UnsupportedEncoding(f"{folder}: tensor {name} is stored as {record.encoding}", HINT)
            tensors[name] = Tensor(name, record.shape, ENCODINGS[record.encoding], read)
            continue
        stem = name.removesuffix(PACKED)
        scales = records.get(stem + SCALES)
        words = record.shape[-1]
        if record.encoding != "uint32" or scales is None or scales.encoding not in ENCODINGS or words % (GROUP // CODES_A_WORD):
            raise malformed(folder.path / CONFIG, f"{name} is not 4 bits in groups of {GROUP}")
        if scales.shape != (*record.shape[:-1], words * CODES_A_WORD // GROUP):
            raise malformed(folder.path / CONFIG, f"{stem + SCALES} is {list(scales.shape)}, and {name} {list(record.shape)}")
        shape = (*record.shape[:-1], words * CODES_A_WORD)
        tensors[f"{stem}.weight"] = Tensor(f"{stem}.weight", shape, "q4_0", functools.partial(_as_q4_0, folder, record, scales))
    return tensors


def _read(folder: Folder, record: Record, first: int, end: int) -> Raw:
    folder.fetch([record.file])
    file = LocalFile(folder.existing(record.file, HINT))
    if record.end > file.size:
        raise malformed(file.path, f"it has {file.size} bytes: the file is truncated")
    row = (record.end - record.begin) // math.prod(record.shape[:-1])
    return file.read(record.begin + first * row, record.begin + end * row).reshape(end - first, row)


def _as_q4_0(folder: Folder, codes: Record, scales: Record, first: int, end: int) -> Raw:
    """Rows of Q4_0 blocks: a float16 scale, and 16 bytes, each with code i below and code i + 16 above."""
    packed = _read(folder, codes, first, end)
    nibbles = np.stack([packed & 15, packed >> 4], axis=-1).reshape(-1, GROUP) + 1
    if (nibbles > 15).any():
        raise malformed(folder.path / codes.file, "a code is 15: those of MLC go up to 14")
    halves = decode_rows(_read(folder, scales, first, end), ENCODINGS[scales.encoding], "")
    blocks = np.empty((len(nibbles), BLOCK_BYTES), np.uint8)
    with np.errstate(over="ignore"):  # what is not finite is told when it is packed
        blocks[:, :2] = halves.astype("<f2").reshape(-1, 1).view(np.uint8)
    blocks[:, 2:] = nibbles[:, : GROUP // 2] | nibbles[:, GROUP // 2 :] << 4
    return blocks.reshape(len(packed), -1)


def _as_stored(tensor: Tensor, kind: Kind) -> Tensor:
    """As Hugging Face has it: under its name, and where MLC has added to norms without that."""
    name = functools.reduce(lambda name, part: name.replace(*part), kind.names.items(), tensor.name)
    if not kind.added or not name.endswith("norm.weight"):
        return replace(tensor, name=name)

    def rows(first: int, end: int) -> Raw:
        values = decode_rows(tensor.rows(first, end), tensor.encoding, name) - np.float32(kind.added)
        return np.ascontiguousarray(values, np.float32).view(np.uint8)

    return replace(tensor, name=name, encoding="f32", rows=rows)


def _separate(tensors: Mapping[str, Tensor], qkv: str | None, config: Mapping[str, object]) -> Iterator[Tensor]:
    """Rows of what MLC has joined, by the names of its parts."""
    if qkv is None:
        yield from tensors.values()
        return
    heads, kv_heads, head_dim = (config.get(key) for key in ("num_attention_heads", "num_key_value_heads", "head_dim"))
    hidden, inner = config.get("hidden_size"), config.get("intermediate_size")
    if head_dim is None and isinstance(hidden, int) and isinstance(heads, int) and heads > 0:
        head_dim = hidden // heads
    if not all(type(number) is int and 0 < number < 1 << 24 for number in (heads, head_dim, inner)):
        return  # the architecture says what is wrong with its config
    assert isinstance(heads, int) and isinstance(head_dim, int) and isinstance(inner, int)
    kv = head_dim * (kv_heads if isinstance(kv_heads, int) else heads)
    joined = {
        f".self_attn.{qkv}.": {"self_attn.q_proj": heads * head_dim, "self_attn.k_proj": kv, "self_attn.v_proj": kv},
        ".mlp.gate_up_proj.": {"mlp.gate_proj": inner, "mlp.up_proj": inner},
    }
    for name, tensor in tensors.items():
        whole = next((part for part in joined if part in name), None)
        if whole is None or sum(joined[whole].values()) != tensor.shape[0]:
            yield tensor
            continue
        layer, _, suffix = name.partition(whole)
        first = 0
        for part, rows in joined[whole].items():
            yield replace(tensor.taken(range(first, first + rows)), name=f"{layer}.{part}.{suffix}")
            first += rows
