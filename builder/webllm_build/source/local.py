"""A Hugging Face model folder as a Checkpoint: config.json, safetensors and their companions."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Mapping
from itertools import islice
from pathlib import Path

from webllm_build.errors import SourceError, UnsupportedArchitecture, warn
from webllm_build.source import processor, sentence_transformers
from webllm_build.source.checkpoint import Checkpoint, Tensor
from webllm_build.source.embedding import Embedding
from webllm_build.source.fast_vlm import as_transformers
from webllm_build.source.files import MAX_INDEX_BYTES, malformed, read_json
from webllm_build.source.float8 import check_quantization, scaled
from webllm_build.source.folder import Folder
from webllm_build.source.local_tokenizer import (
    ADDED_TOKENS,
    CHAT_TEMPLATES,
    GENERATION_CONFIG,
    OLD_CHAT_TEMPLATE,
    SENTENCEPIECE,
    SPECIAL_TOKENS_MAP,
    TOKENIZER,
    TOKENIZER_CONFIG,
    eos_token_ids,
    read_tokenizer,
    sampling,
    suppressed,
)
from webllm_build.source.names import license_id, one_line
from webllm_build.source.safetensors_header import Entry, read_safetensors
from webllm_build.source.ternary import unpacked

CONFIG = "config.json"
ADAPTER_CONFIG = "adapter_config.json"
INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
README = "README.md"
# All that is read of a repository but its weights, which are SINGLE, or the files that INDEX names.
SMALL_FILES = (
    *(CONFIG, ADAPTER_CONFIG, INDEX, TOKENIZER, *SENTENCEPIECE, TOKENIZER_CONFIG, SPECIAL_TOKENS_MAP, ADDED_TOKENS, GENERATION_CONFIG),
    *(*CHAT_TEMPLATES.values(), OLD_CHAT_TEMPLATE, README),
    *sentence_transformers.FILES,
    *processor.FILES,
)

ONLY_SAFETENSORS = (
    f"Weights are read from {SINGLE}, or from the files that {INDEX} names. "
    "Pickled ones (.bin, .pth) can run code: convert them with transformers' save_pretrained."
)
# transformers' prefix of a model within one that has a head: decoders are read with it, encoders without. By a tensor that shows that a
# file is the other way, what is to be taken off and what put before names.
PREFIXES = {
    "embed_tokens.weight": ("", "model."),
    "wte.weight": ("", "transformer."),
    "bert.embeddings.word_embeddings.weight": ("bert.", ""),
    "model.embeddings.tok_embeddings.weight": ("model.", ""),
}
OLD_NORMS = {".gamma": ".weight", ".beta": ".bias"}  # as the first checkpoints of BERT, from TensorFlow, call them
REPOSITORY = re.compile(r"[\w-][\w.-]*/[\w.-]+", re.ASCII)
FRONT_MATTER_LINES = 200
GGUFS_SHOWN = 8
MAX_FILES = 1024  # that an index names: each is asked for


def open_folder(folder: Path | Folder, name: str) -> Checkpoint:
    """Reads the small files, and of the weights what they are. Raises MissingFile, MalformedFile, UnsupportedEncoding, SourceError."""
    folder = folder if isinstance(folder, Folder) else Folder(folder)
    _check_adapter(folder)
    found = folder.find(CONFIG)
    config: Mapping[str, object] = read_json(folder.existing(CONFIG, _instead(folder)) if found is None else found)
    check_quantization(folder.path / CONFIG, config)
    tokenizer = read_tokenizer(folder)
    eos = eos_token_ids(folder, config, tokenizer)
    weight_files, stored = _weights(folder)
    config, floats = scaled(*unpacked(config, {_usual_name(name, stored): tensor for name, tensor in stored.items()}))
    tensors = dict(floats)
    embedding = sentence_transformers.read_embedding(folder)
    for file, prefix in _dense_files(embedding):
        weight_files.append(file)
        entries = read_safetensors(folder.weights(file, ONLY_SAFETENSORS))
        tensors |= {f"{prefix}.{name}": tensor_of(name, entry) for name, entry in entries.items()}

    checkpoint = Checkpoint(
        name=one_line(name, "model"),
        config=config,
        tensors=tensors,
        tokenizer=tokenizer,
        eos_token_ids=eos,
        sampling=sampling(folder),
        suppressed=suppressed(folder),
        license=license_of(folder),
        processor={name: read_json(path) for name in processor.FILES if (path := folder.find(name)) is not None},
        embedding=embedding,
        fetch=lambda: folder.fetch(weight_files),
        origin=folder.origin,
        identify=functools.cache(lambda: folder.identity(weight_files)),
    )
    return as_transformers(checkpoint)


def _instead(folder: Folder) -> str:
    """What to give where a folder is not a model's."""
    ggufs = folder.ggufs()
    if not ggufs:
        return "It is not a Hugging Face model folder."
    others = f" (or {', '.join(ggufs[1:GGUFS_SHOWN])})" if ggufs[1:] else ""
    return f"It holds a GGUF file: give that, --model {ggufs[0]}{others}"


def _check_adapter(folder: Folder) -> None:
    path = folder.find(ADAPTER_CONFIG)
    if path is None or folder.find(CONFIG) is not None:
        return
    base = one_line(str(read_json(path).get("base_model_name_or_path") or ""), "")
    model = f"hf:{base}" if REPOSITORY.fullmatch(base) else base or "MODEL"
    raise UnsupportedArchitecture(
        f"{folder} is an adapter (LoRA) for {base or 'a model that it does not name'}, and not a model",
        f"Give both: --model {model} --adapter {folder}",
    )


def _weights(folder: Folder) -> tuple[list[str], dict[str, Tensor]]:
    """(names of the files, tensors): all of the single file, or those that the index names."""
    index, single = folder.find(INDEX), folder.find(SINGLE)
    if index is not None and single is not None:
        warn(f"{folder} has {SINGLE} beside the files that {INDEX} names. The one file is read, as transformers does.")
        index = None
    placed = _weight_map(index) if index is not None else None
    files = [SINGLE] if placed is None else sorted(set(placed.values()))
    entries: dict[str, Entry] = {}
    for file in files:
        weights = folder.weights(file, ONLY_SAFETENSORS if placed is None else f"{INDEX} names it: the download is not complete.")
        entries |= {name: entry for name, entry in read_safetensors(weights).items() if placed is None or placed.get(name) == file}
    lost = sorted(set(placed or ()) - set(entries))
    if lost:
        raise malformed(folder.path / INDEX, f"{len(lost)} tensors are not where it says, such as {lost[0]!r}")
    return files, {name: tensor_of(name, entry) for name, entry in entries.items()}


def _usual_name(name: str, tensors: Collection[str]) -> str:
    for shown_by, (off, before) in PREFIXES.items():
        if shown_by in tensors:
            name = before + name.removeprefix(off)
    end = next((old for old in OLD_NORMS if name.endswith(f"LayerNorm{old}")), "")
    return name.removesuffix(end) + OLD_NORMS.get(end, "")


def _dense_files(embedding: Embedding | None) -> list[tuple[str, str]]:
    """Of the layers behind the pooling: (file, what its tensors' names get before them)."""
    folders = [dense.name.partition(".")[0] for dense in (embedding.dense if embedding is not None else ())]
    return [(f"{folder}/{SINGLE}", folder) for folder in folders]


def _weight_map(path: Path) -> dict[str, str]:
    weight_map = read_json(path, MAX_INDEX_BYTES).get("weight_map")
    if not isinstance(weight_map, dict):
        raise malformed(path, "weight_map is not an object")
    if len(set(map(str, weight_map.values()))) > MAX_FILES:
        raise malformed(path, f"weight_map names more than {MAX_FILES} files")
    for file in weight_map.values():
        # A plain name: an index must not reach outside its folder.
        if not isinstance(file, str) or not re.fullmatch(r"[\w][\w.-]{0,200}\.safetensors", file):
            raise malformed(path, f"weight_map names {file!r}, which is not a safetensors file of this folder")
    return weight_map


def tensor_of(name: str, entry: Entry) -> Tensor:
    """A tensor of a safetensors file."""
    return Tensor(name, entry.shape, entry.dtype.lower(), entry.read)


def license_of(folder: Folder) -> str | None:
    """The licence in the front matter of the model card, such as apache-2.0, by its own name where it is none of the usual ones."""
    try:
        path = folder.find(README)
    except SourceError:  # a link elsewhere: nothing that a build needs
        return None
    if path is None:
        return None
    with path.open("r", encoding="utf-8", errors="replace") as file:
        lines = (file.readline(1000) for _ in range(FRONT_MATTER_LINES))
        if next(lines).strip() != "---":
            return None
        said: dict[str, str] = {}
        for line in islice(lines, FRONT_MATTER_LINES):
            key, _, value = line.partition(":")
            if line.strip() == "---":
                break
            if key in ("license", "license_name") and value.strip():
                said.setdefault(key, value.strip().strip("'\""))
    license = said.get("license")
    return license_id(said.get("license_name", license) if license == "other" else license)
