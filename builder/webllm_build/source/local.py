"""A Hugging Face model folder as a Checkpoint: config.json, safetensors, tokenizer.json and their companions."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from webllm_build.errors import MissingFile, SourceError, UnsupportedEncoding
from webllm_build.limits_generated import MAX_TOKENIZER_BYTES
from webllm_build.source.checkpoint import Checkpoint, Tensor, Tokenizer
from webllm_build.source.files import malformed, parse_json, read_bytes, read_json, sha256_files
from webllm_build.source.safetensors_header import Entry, read_safetensors
from webllm_build.source.tokenizer_json import read_facts

CONFIG = "config.json"
INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
TOKENIZER = "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
GENERATION_CONFIG = "generation_config.json"
CHAT_TEMPLATE = "chat_template.jinja"
README = "README.md"
# What of a repository is read (and downloaded); weights are SINGLE, or INDEX and the files it names.
FILES = (CONFIG, TOKENIZER, TOKENIZER_CONFIG, GENERATION_CONFIG, CHAT_TEMPLATE, README, INDEX, "model*.safetensors")

MAX_TEXT_BYTES = 1 << 20
SPECIAL_TOKENS = ("bos_token", "eos_token", "unk_token", "pad_token")
TOKENIZER_FLAGS = ("add_bos_token", "add_eos_token", "clean_up_tokenization_spaces")


def open_folder(folder: Path, name: str) -> Checkpoint:
    """Raises MissingFile, MalformedFile, UnsupportedEncoding."""
    config = read_json(_existing(folder, CONFIG, "It is not a Hugging Face model folder."))
    if config.get("quantization_config"):
        raise UnsupportedEncoding(
            f"{folder / CONFIG}: the weights are already quantized (quantization_config)",
            "Use the original model, or a GGUF file in q4_0, q4_1 or q8_0.",
        )
    weight_files, tensors = _weights(folder)
    tokenizer = _tokenizer(folder)
    read = [CONFIG, TOKENIZER, *weight_files, *(n for n in (TOKENIZER_CONFIG, GENERATION_CONFIG, CHAT_TEMPLATE) if (folder / n).is_file())]
    return Checkpoint(
        name=name,
        config=config,
        tensors=tensors,
        tokenizer=tokenizer,
        eos_token_ids=_eos_token_ids(folder, config, tokenizer),
        license=_license(folder),
        digest=sha256_files((file, folder / file) for file in read),
    )


def _existing(folder: Path, name: str, otherwise: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise MissingFile(f"{folder} has no {name}", otherwise)
    return path


def _weights(folder: Path) -> tuple[list[str], dict[str, Tensor]]:
    """(names of the files, tensors): those that the index names, or all of the single file."""
    if (folder / INDEX).is_file():
        placed = _weight_map(folder / INDEX)
    elif (folder / SINGLE).is_file():
        placed = None
    else:
        raise MissingFile(
            f"{folder} has no {SINGLE} and no {INDEX}",
            "Only safetensors are read: pickled weights (.bin, .pth) can run code. Convert them with transformers' save_pretrained.",
        )
    files = [SINGLE] if placed is None else sorted(set(placed.values()))
    entries: dict[str, Entry] = {}
    for file in files:
        path = _existing(folder, file, f"{INDEX} names it: the download is not complete.")
        entries |= {name: entry for name, entry in read_safetensors(path).items() if placed is None or placed.get(name) == file}
    lost = sorted(set(placed or ()) - set(entries))
    if lost:
        raise malformed(folder / INDEX, f"{len(lost)} tensors are not where it says, such as {lost[0]}")
    return files, {name: _tensor(name, entry) for name, entry in entries.items()}


def _weight_map(path: Path) -> dict[str, str]:
    weight_map = read_json(path).get("weight_map")
    if not isinstance(weight_map, dict):
        raise malformed(path, "weight_map is not an object")
    for file in weight_map.values():
        # A plain name: an index must not reach outside its folder.
        if not isinstance(file, str) or not re.fullmatch(r"[\w][\w.-]*\.safetensors", file):
            raise malformed(path, f"weight_map names {file!r}, which is not a safetensors file of this folder")
    return weight_map


def _tensor(name: str, entry: Entry) -> Tensor:
    def read() -> npt.NDArray[np.uint8]:
        rows = 1
        for extent in entry.shape[:-1]:
            rows *= extent
        return entry.data.reshape(rows, entry.data.size // max(rows, 1))

    return Tensor(name, entry.shape, entry.dtype.lower(), read)


def _tokenizer(folder: Path) -> Tokenizer:
    path = _existing(folder, TOKENIZER, "Save it with transformers: AutoTokenizer.from_pretrained(...).save_pretrained(...) writes it.")
    document = read_bytes(path, MAX_TOKENIZER_BYTES)
    parsed = parse_json(path, document)
    if not isinstance(parsed.get("model"), dict):
        raise malformed(path, "it has no model")
    if parsed.get("padding") or parsed.get("truncation"):  # left over from training: the page wants neither
        document = json.dumps({**parsed, "padding": None, "truncation": None}, ensure_ascii=False, separators=(",", ":")).encode()
    source = read_json(folder / TOKENIZER_CONFIG) if (folder / TOKENIZER_CONFIG).is_file() else {}
    config: dict[str, object] = {"clean_up_tokenization_spaces": False}
    config |= {key: value for key in TOKENIZER_FLAGS if isinstance(value := source.get(key), bool)}
    for key in SPECIAL_TOKENS:
        value = source.get(key)
        token = value.get("content") if isinstance(value, dict) else value
        if isinstance(token, str):
            config[key] = token
    template = _chat_template(folder, source)
    if template is not None:
        config["chat_template"] = template
    return Tokenizer(document, config)


def _chat_template(folder: Path, config: Mapping[str, object]) -> str | None:
    """chat_template.jinja wins over tokenizer_config.json, where several templates may be listed by name."""
    path = folder / CHAT_TEMPLATE
    if path.is_file():
        return _text(path)
    template = config.get("chat_template")
    if isinstance(template, list):
        template = next((item.get("template") for item in template if isinstance(item, dict) and item.get("name") == "default"), None)
    return template if isinstance(template, str) else None


def _eos_token_ids(folder: Path, config: Mapping[str, object], tokenizer: Tokenizer) -> tuple[int, ...]:
    """All that generation_config.json, config.json and the tokenizer's eos_token say: fine-tunes change one and leave the others."""
    generation = read_json(folder / GENERATION_CONFIG) if (folder / GENERATION_CONFIG).is_file() else {}
    said = [value for source in (generation, config) for value in _ids(source.get("eos_token_id"))]
    return tuple(dict.fromkeys([*said, *_ids(read_facts(tokenizer).ids.get(str(tokenizer.config.get("eos_token"))))]))


def _ids(value: object) -> list[int]:
    return [item for item in (value if isinstance(value, list) else [value]) if type(item) is int and 0 <= item < 1 << 31]


def _license(folder: Path) -> str | None:
    """The licence in the front matter of the model card, such as apache-2.0."""
    path = folder / README
    if not path.is_file():
        return None
    with path.open("rb") as file:
        text = file.read(MAX_TEXT_BYTES).decode("utf-8", "replace")
    front = re.match(r"---\s*\n(.*?)\n---", text, re.DOTALL)
    found = re.search(r"^license:[ \t]*([\w.+-]+)[ \t]*$", front[1], re.MULTILINE) if front else None
    return found[1] if found else None


def _text(path: Path) -> str:
    try:
        return read_bytes(path, MAX_TEXT_BYTES).decode("utf-8")
    except UnicodeDecodeError as error:
        raise SourceError(f"{path} is not UTF-8 text", "Save it as UTF-8.") from error
