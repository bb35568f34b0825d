"""A model as MLC LLM stores it for WebLLM: mlc-chat-config.json, and shards of tensors that tensor-cache.json lists."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from reprlib import repr as shown
from typing import get_args

from webllm_build.errors import MissingFile, UnsupportedArchitecture, UnsupportedEncoding
from webllm_build.source.checkpoint import Checkpoint, Tensor
from webllm_build.source.embedding import Embedding, Pooling
from webllm_build.source.files import MAX_INDEX_BYTES, malformed, read_json
from webllm_build.source.folder import Folder, LocalFile
from webllm_build.source.local import MAX_FILES, license_of
from webllm_build.source.local_tokenizer import eos_token_ids, read_tokenizer
from webllm_build.source.mlc_kinds import KINDS, named, separated
from webllm_build.source.mlc_shards import FOUR_BITS, HINT, THREE_BITS, Groups, Record, grouped, plain
from webllm_build.source.names import one_line
from webllm_build.source.sampling_defaults import of_generation_config

CONFIG = "mlc-chat-config.json"
CACHES = ("tensor-cache.json", "ndarray-cache.json")  # the newer name first
SMALL_FILES = (CONFIG, *CACHES)
# And what codes they have. Those that end as _0 have rows where others have columns.
QUANTIZATIONS: Mapping[str, Groups] = {
    **dict.fromkeys(("q0f16", "q0f32", "q0bf16", "q4f16_1", "q4f32_1", "q4bf16_1", "q4f16_2"), FOUR_BITS),
    "q3f16_1": THREE_BITS,
}
ITEM_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "uint32": 4}
AS_BFLOAT16 = "f32-to-bf16"  # how float32 tensors may be written
RENAMED = {"position_embedding_base": "rope_theta", "context_window_size": "max_position_embeddings"}
# Of MLC's compiler and server.
IGNORED = frozenset(
    {"attention_sink_size", "disaggregation", "dtype", "max_batch_size", "pipeline_parallel_stages", "prefill_chunk_size"}
    | {"ffn_out_dtype", "is_text_model", "kwargs", "modules_to_not_convert", "n_positions", "rotary_dim", "sliding_window_size"}
    | {"tensor_parallel_shards", "text_config", "weight_block_size"}
)
# What a model has that has no such length, scaling or experts, or of which the config says it otherwise.
NOT_SAID = (
    *((key, 0) for key in ("original_max_position_embeddings", "rope_scaling", "num_experts", "num_experts_per_tok", "position_offset")),
    ("context_window_size", -1),
)
POOLINGS: tuple[Pooling, ...] = get_args(Pooling)
PACKED, SCALES = ".q_weight", ".q_scale"


def is_mlc(folder: Folder) -> bool:
    return folder.find(CONFIG) is not None and folder.find("config.json") is None


def open_mlc(folder: Folder, name: str) -> Checkpoint:
    """The model as Hugging Face would call its parts. Raises MissingFile, MalformedFile, UnsupportedArchitecture, UnsupportedEncoding."""
    path = folder.existing(CONFIG, HINT)
    chat = read_json(path)
    kind, quantization, model = chat.get("model_type"), chat.get("quantization"), chat.get("model_config")
    if not isinstance(quantization, str) or quantization not in QUANTIZATIONS:
        raise UnsupportedEncoding(f"{path}: the quantization {shown(quantization)} is not one of {', '.join(QUANTIZATIONS)}", HINT)
    if not isinstance(kind, str) or kind not in KINDS:
        raise UnsupportedArchitecture(f"{path}: of MLC's models {', '.join(KINDS)} are read, and not {shown(kind)}", HINT)
    if not isinstance(model, dict):
        raise malformed(path, f"model_config is {shown(model)}")
    model, records = _flat(model), _records(folder)
    tensors = named(_tensors(folder, records, QUANTIZATIONS[quantization], _sizes(model)), KINDS[kind])
    config = _config(model, kind, tensors)
    tokenizer = read_tokenizer(folder)
    template = chat.get("conv_template")
    stops = template.get("stop_token_ids") if isinstance(template, dict) else None
    said = {"eos_token_id": [*_ids(chat.get("eos_token_id")), *_ids(stops)]}
    files = sorted({record.file for record in records.values()})
    return Checkpoint(
        name=one_line(re.sub(rf"-({'|'.join(QUANTIZATIONS)})-MLC$", "", name), "model"),
        config=config,
        tensors=separated(tensors, KINDS[kind], config),
        tokenizer=tokenizer,
        eos_token_ids=eos_token_ids(folder, said, tokenizer),
        sampling=of_generation_config(chat),
        license=license_of(folder),
        embedding=_embedding(path, chat.get("embedding_metadata"), KINDS[kind].pooling),
        fetch=lambda: folder.fetch(files),
        origin=folder.origin,
        identify=functools.cache(lambda: folder.identity([*SMALL_FILES, *files])),
    )


def _flat(model: Mapping[str, object]) -> Mapping[str, object]:
    """With what it says of a text with others around it; what MLC has no field for is there, too."""
    inner = model.get("text_config")
    left_over = inner.get("kwargs") if isinstance(inner, dict) else None
    return {**model, **(inner if isinstance(inner, dict) else {}), **(left_over if isinstance(left_over, dict) else {})}


def _config(model: Mapping[str, object], kind: str, tensors: Mapping[str, Tensor]) -> dict[str, object]:
    """What MLC says of the model, as a config.json says it. tensors: under Hugging Face's names."""
    of_kind = KINDS[kind]
    renamed = {**RENAMED, **of_kind.keys}
    kept = {
        key: value for key, value in model.items() if key not in {*IGNORED, *of_kind.ignored, *renamed} and (key, value) not in NOT_SAID
    }
    config = {renamed[key]: value for key, value in model.items() if key in renamed and (key, value) not in NOT_SAID} | kept
    scaling = config.get("rope_scaling")
    if isinstance(scaling, dict):  # Phi-3's
        config["rope_scaling"] = {key: value for key, value in scaling.items() if key != "max_position_embeddings"}
    config["model_type"] = of_kind.architecture or kind
    config["tie_word_embeddings"] = of_kind.tied or not {"lm_head.weight", "embed_out.weight"} & {*tensors}
    window, turned, heads, hidden = (model.get(key) for key in ("sliding_window_size", "rotary_dim", "n_head", "n_embd"))
    if isinstance(window, int) and window > 0:
        config["sliding_window"] = window
    # Phi's makers count numbers of a head.
    if isinstance(turned, int) and isinstance(heads, int) and isinstance(hidden, int) and hidden > 0:
        config["partial_rotary_factor"] = turned * heads / hidden
    if of_kind.positions is not None and of_kind.positions in tensors:  # a window of WebLLM's may be shorter
        config["max_position_embeddings"] = tensors[of_kind.positions].shape[0]
    return config


def _embedding(path: Path, metadata: object, usual: Pooling | None) -> Embedding | None:
    """How a model makes vectors of texts, if it does."""
    if usual is None:
        return None
    given = metadata.get("pooling_strategy", usual) if isinstance(metadata, dict) else usual
    pooling = next((each for each in POOLINGS if each == given), None)
    if pooling is None:
        raise UnsupportedArchitecture(f"{path} pools by {shown(given)}, and not by {', '.join(POOLINGS)}", HINT)
    return Embedding(pooling)


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
    if not isinstance(shape, list) or not 0 < len(shape) <= 3 or not all(type(extent) is int and 0 < extent < 1 << 31 for extent in shape):
        raise wrong(f"tensor {name} has the shape {shown(shape)}")
    if not isinstance(dtype, str) or dtype not in ITEM_BYTES or type(begin) is not int or type(count) is not int:
        raise wrong(f"tensor {name}: {shown(dtype)} of the shape {shown(shape)}")
    encoding = "bfloat16" if record.get("format") == AS_BFLOAT16 and dtype == "float32" else dtype
    if count != math.prod(shape) * ITEM_BYTES[encoding] or begin < 0 or begin + count > size:
        raise wrong(f"tensor {name}: {count} bytes at {begin} of {file}, which has {size}")
    return name, Record(tuple(shape), encoding, file, begin, begin + count)


def _tensors(folder: Folder, records: Mapping[str, Record], groups: Groups, sizes: Collection[int]) -> dict[str, Tensor]:
    """With codes and scales as one, and names as MLC has them."""
    stems = [name.removesuffix(PACKED) for name in records if name.endswith(PACKED)]
    numbers = [plain(folder, name, record) for name, record in records.items() if not name.endswith((PACKED, SCALES))]
    of_codes = [grouped(folder, f"{stem}.weight", records[stem + PACKED], records.get(stem + SCALES), groups, sizes) for stem in stems]
    return {tensor.name: tensor for tensor in (*numbers, *of_codes)}


def _sizes(model: Mapping[str, object]) -> set[int]:
    """What matrices' rows may have: the config's numbers, and what all heads have."""
    numbers = {value for value in model.values() if type(value) is int}
    heads, head_dim = model.get("num_attention_heads"), model.get("head_dim")
    return {*numbers, heads * head_dim} if isinstance(heads, int) and isinstance(head_dim, int) else numbers
