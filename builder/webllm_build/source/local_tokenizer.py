"""The tokenizer of a Hugging Face model folder, and the tokens that end an answer."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from webllm_build.errors import SourceError, warn
from webllm_build.limits_generated import MAX_TOKENIZER_BYTES
from webllm_build.source.checkpoint import Tokenizer
from webllm_build.source.files import MAX_CONFIG_BYTES, MAX_INDEX_BYTES, malformed, parse_json, read_bytes, read_json
from webllm_build.source.folder import Folder
from webllm_build.source.numbers import whole
from webllm_build.source.sampling_defaults import never_drawn, of_generation_config
from webllm_build.source.sentencepiece_model import FAIRSEQ_FILE, read_sentencepiece
from webllm_build.source.tokenizer_json import read_facts

TOKENIZER = "tokenizer.json"
SENTENCEPIECE = ("tokenizer.model", FAIRSEQ_FILE)
TOKENIZER_CONFIG = "tokenizer_config.json"
SPECIAL_TOKENS_MAP = "special_tokens_map.json"
ADDED_TOKENS = "added_tokens.json"
GENERATION_CONFIG = "generation_config.json"
CHAT_TEMPLATES = {"default": "chat_template.jinja", "tool_use": "additional_chat_templates/tool_use.jinja"}
OLD_CHAT_TEMPLATE = "chat_template.json"  # of models that see, by transformers before 4.50
MAX_TEXT_BYTES = 1 << 20
NAMED_SPECIAL = (
    *("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"),
    *("additional_special_tokens", "extra_special_tokens"),
)
SPECIAL_TOKENS = ("bos_token", "eos_token", "unk_token", "pad_token")
TOKEN_FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")
LEFTOVERS = ("padding", "truncation")  # of the training: the page wants neither
END_IDS = ("eos_token_id", "eos_token_ids", "eot_token_id", "eom_token_id")
END_TOKENS = ("eos_token", "eot_token", "eom_token")
NAMED_TOKENS = ("extra_special_tokens", "model_specific_special_tokens")  # which transformers 5 keeps in an object of their own
FLAGS = ("add_bos_token", "add_eos_token", "clean_up_tokenization_spaces")


def read_tokenizer(folder: Folder) -> Tokenizer:
    """Raises MissingFile, MalformedFile, SourceError."""
    found = (folder.find(name) for name in SENTENCEPIECE if folder.find(TOKENIZER) is None)
    only = next((path for path in found if path is not None), None)
    converted = read_sentencepiece(only, read_bytes(only, MAX_TOKENIZER_BYTES)) if only is not None else None
    path = only or folder.existing(TOKENIZER, f"transformers writes it: python -c {_save(folder)}")
    document = converted.tokenizer_json if converted is not None else read_bytes(path, MAX_TOKENIZER_BYTES)
    parsed = parse_json(path, document)
    if not isinstance(parsed.get("model"), dict):
        raise malformed(path, "it has no model")
    source, special = _small(folder, TOKENIZER_CONFIG, MAX_INDEX_BYTES), _small(folder, SPECIAL_TOKENS_MAP, MAX_INDEX_BYTES)
    changes: dict[str, object] = {key: None for key in LEFTOVERS if parsed.get(key)}
    added = _added_elsewhere(folder, document, parsed, source, special)
    if added:
        changes["added_tokens"] = [*_objects(parsed.get("added_tokens")), *added]
    if changes:
        document = json.dumps({**parsed, **changes}, ensure_ascii=False, separators=(",", ":")).encode()
    config: dict[str, object] = {"clean_up_tokenization_spaces": False}
    config |= {key: value for key in FLAGS if isinstance(value := source.get(key), bool)}
    tokens = {key: _token(source.get(key)) or _token(special.get(key)) for key in SPECIAL_TOKENS}
    config |= {**(converted.config if converted is not None else {}), **{key: token for key, token in tokens.items() if token is not None}}
    return Tokenizer(document, config | chat_templates(_named_templates(folder, source)))


def _added_elsewhere(
    folder: Folder, document: bytes, parsed: Mapping[str, object], source: Mapping[str, object], special: Mapping[str, object]
) -> list[dict[str, object]]:
    """Tokens that other files have beside tokenizer.json, which transformers adds: fine-tunes do not always save that anew.

    They are those of tokenizer_config.json, or of the older added_tokens.json, and what these files call special where the vocabulary has
    it as a word.
    """
    listed = {token.get("content") for token in _objects(parsed.get("added_tokens")) if isinstance(token.get("content"), str)}
    decoder = source.get("added_tokens_decoder")
    older = {} if isinstance(decoder, dict) else special  # which says nothing then
    named = [value for file in (source, older) for key in NAMED_SPECIAL for value in _items(file.get(key))]
    texts = {text for text in map(_token, named) if text}
    if isinstance(decoder, dict):
        numbered = {number: token for number, token in decoder.items() if re.fullmatch("[0-9]{1,8}", number)}
    else:
        old = {text: number for text, number in _small(folder, ADDED_TOKENS, MAX_INDEX_BYTES).items() if _ids(number) == [number]}
        flags = {text: {"special": text in texts, "normalized": text not in texts} for text in old}
        numbered = {str(number): {"content": text, **flags[text]} for text, number in old.items()}
    missing = {number: token for number, token in numbered.items() if _token(token) not in (None, *listed)}
    if not missing and texts <= listed:
        return []
    ids = read_facts(Tokenizer(document, {})).ids
    taken, added = set(ids.values()), []
    for number, token in missing.items():
        content = _token(token)
        if isinstance(token, dict) and content and (content in ids or int(number) not in taken):
            added.append(_added(ids.get(content, int(number)), content, token))
    known = {*listed, *(token["content"] for token in added)}
    return added + [_added(ids[text], text, {"special": True}) for text in sorted(texts - known) if text in ids]


def _added(index: int, content: str, flags: Mapping[str, object]) -> dict[str, object]:
    return {"id": index, "content": content, **{flag: flags.get(flag) is True for flag in TOKEN_FLAGS}}


def _objects(value: object) -> list[dict[str, object]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _items(value: object) -> list[object]:
    """Of one token, or of several by their names or without."""
    if isinstance(value, dict) and "content" not in value:
        return [*value.values()]
    return value if isinstance(value, list) else [value]


def _save(folder: Folder) -> str:
    place = str(folder.path)
    return shlex.quote(f"from transformers import AutoTokenizer; AutoTokenizer.from_pretrained({place!r}).save_pretrained({place!r})")


def eos_token_ids(folder: Folder, config: Mapping[str, object], tokenizer: Tokenizer) -> tuple[int, ...]:
    """All that any file says, as an id or as a token: fine-tunes change one and leave the others."""
    generation = _small(folder, GENERATION_CONFIG)
    own = [_small(folder, name, MAX_INDEX_BYTES) for name in (TOKENIZER_CONFIG, SPECIAL_TOKENS_MAP)]
    named = [_object(file.get(key)) for file in own for key in NAMED_TOKENS]
    files = [generation, config, _object(config.get("text_config")), *own, *named]
    said = [value for file in files for key in END_IDS for value in _ids(file.get(key))]
    stops = generation.get("stop_strings")
    texts = [*(_token(file.get(key)) for file in files for key in END_TOKENS), *(stops if isinstance(stops, list) else [stops])]
    known = read_facts(tokenizer).ids
    return tuple(dict.fromkeys([*said, *(known[text] for text in texts if isinstance(text, str) and text in known)]))


def sampling(folder: Folder) -> dict[str, float]:
    """What the model's makers recommend: as Checkpoint.sampling."""
    return of_generation_config(_small(folder, GENERATION_CONFIG))


def suppressed(folder: Folder) -> tuple[int, ...]:
    """As Checkpoint.suppressed."""
    return never_drawn(_small(folder, GENERATION_CONFIG))


def _small(folder: Folder, name: str, limit: int = MAX_CONFIG_BYTES) -> dict[str, object]:
    """A companion of the model, empty where there is none. Some list all added tokens in theirs."""
    path = folder.find(name)
    return {} if path is None else read_json(path, limit)


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _token(value: object) -> str | None:
    """A token, given as text or as an object with its content."""
    content = value.get("content") if isinstance(value, dict) else value
    return content if isinstance(content, str) else None


def _ids(value: object) -> list[int]:
    found = [whole(item) for item in (value if isinstance(value, list) else [value])]
    return [item for item in found if item is not None and 0 <= item < 1 << 31]


def _named_templates(folder: Folder, config: Mapping[str, object]) -> dict[str, str]:
    """Files of their own win over tokenizer_config.json, where several templates may be listed by name."""
    found = {name: folder.find(file) for name, file in CHAT_TEMPLATES.items()}
    if any(found.values()):
        return {name: _text(path) for name, path in found.items() if path is not None}
    template = config.get("chat_template") or _small(folder, OLD_CHAT_TEMPLATE, MAX_INDEX_BYTES).get("chat_template")
    if isinstance(template, list):
        pairs = [(item.get("name"), item.get("template")) for item in template if isinstance(item, dict)]
        return {name: text for name, text in pairs if isinstance(name, str) and isinstance(text, str)}
    return {"default": template} if isinstance(template, str) else {}


def chat_templates(templates: Mapping[str, str]) -> dict[str, object]:
    """chat_template: that called default, or the first, with a warning; tool_template: another for conversations with tools, if any."""
    name = next((name for name in ("default", *templates) if name in templates), None)
    if name is None:
        return {}
    if name != "default":
        warn(f"The model has no default chat template. Taken: the one called {name!r}. For another: --chat-template FILE.")
    tools = templates.get("tool_use", templates[name])
    return {"chat_template": templates[name], **({} if tools == templates[name] else {"tool_template": tools})}


def _text(path: Path) -> str:
    try:
        return read_bytes(path, MAX_TEXT_BYTES).decode("utf-8")
    except UnicodeDecodeError as error:
        raise SourceError(f"{path} is not UTF-8 text", "Save it as UTF-8.") from error
