"""The tokenizer of a Hugging Face model folder, and the tokens that end an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from webllm_build.errors import SourceError
from webllm_build.limits_generated import MAX_TOKENIZER_BYTES
from webllm_build.source.checkpoint import Tokenizer
from webllm_build.source.files import MAX_INDEX_BYTES, malformed, parse_json, read_bytes, read_json
from webllm_build.source.folder import Folder
from webllm_build.source.tokenizer_json import read_facts

TOKENIZER = "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
GENERATION_CONFIG = "generation_config.json"
CHAT_TEMPLATE = "chat_template.jinja"
MAX_TEXT_BYTES = 1 << 20
SPECIAL_TOKENS = ("bos_token", "eos_token", "unk_token", "pad_token")
FLAGS = ("add_bos_token", "add_eos_token", "clean_up_tokenization_spaces")


def read_tokenizer(folder: Folder) -> Tokenizer:
    """Raises MissingFile, MalformedFile, SourceError."""
    path = folder.existing(TOKENIZER, "Save it with transformers: AutoTokenizer.from_pretrained(...).save_pretrained(...) writes it.")
    document = read_bytes(path, MAX_TOKENIZER_BYTES)
    parsed = parse_json(path, document)
    if not isinstance(parsed.get("model"), dict):
        raise malformed(path, "it has no model")
    if parsed.get("padding") or parsed.get("truncation"):  # left over from training: the page wants neither
        document = json.dumps({**parsed, "padding": None, "truncation": None}, ensure_ascii=False, separators=(",", ":")).encode()
    source_path = folder.find(TOKENIZER_CONFIG)
    source = read_json(source_path, MAX_INDEX_BYTES) if source_path is not None else {}  # some list all added tokens there
    config: dict[str, object] = {"clean_up_tokenization_spaces": False}
    config |= {key: value for key in FLAGS if isinstance(value := source.get(key), bool)}
    for key in SPECIAL_TOKENS:
        value = source.get(key)
        token = value.get("content") if isinstance(value, dict) else value
        if isinstance(token, str):
            config[key] = token
    template = _chat_template(folder, source)
    if template is not None:
        config["chat_template"] = template
    return Tokenizer(document, config)


def eos_token_ids(folder: Folder, config: Mapping[str, object], tokenizer: Tokenizer) -> tuple[int, ...]:
    """All that generation_config.json, config.json and the tokenizer's eos_token say: fine-tunes change one and leave the others."""
    path = folder.find(GENERATION_CONFIG)
    generation = read_json(path) if path is not None else {}
    said = [value for source in (generation, config) for value in _ids(source.get("eos_token_id"))]
    return tuple(dict.fromkeys([*said, *_ids(read_facts(tokenizer).ids.get(str(tokenizer.config.get("eos_token"))))]))


def _ids(value: object) -> list[int]:
    return [item for item in (value if isinstance(value, list) else [value]) if type(item) is int and 0 <= item < 1 << 31]


def _chat_template(folder: Folder, config: Mapping[str, object]) -> str | None:
    """chat_template.jinja wins over tokenizer_config.json, where several templates may be listed by name."""
    path = folder.find(CHAT_TEMPLATE)
    if path is not None:
        return _text(path)
    template = config.get("chat_template")
    if isinstance(template, list):
        template = next((item.get("template") for item in template if isinstance(item, dict) and item.get("name") == "default"), None)
    return template if isinstance(template, str) else None


def _text(path: Path) -> str:
    try:
        return read_bytes(path, MAX_TEXT_BYTES).decode("utf-8")
    except UnicodeDecodeError as error:
        raise SourceError(f"{path} is not UTF-8 text", "Save it as UTF-8.") from error
