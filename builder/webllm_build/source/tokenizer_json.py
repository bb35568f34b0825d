"""What a tokenizer.json says of itself, and whether the page can run it.

The page normalizes, cuts, encodes and decodes by itself (runtime_js/src/tokenizer). What it lacks is refused here, by name, before a
visitor finds out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as shown

from webllm_build.errors import MalformedFile, UnsupportedTokenizer
from webllm_build.limits_generated import MAX_VOCABULARY
from webllm_build.source.checkpoint import Tokenizer
from webllm_build.source.files import REDOWNLOAD, parse_json
from webllm_build.source.tokenizer_patterns import untranslated

MODELS = frozenset({"BPE", "Unigram", "WordPiece"})
NORMALIZERS = frozenset(
    {
        "BertNormalizer",
        "ByteLevel",
        "Lowercase",
        "NFC",
        "NFD",
        "NFKC",
        "NFKD",
        "Nmt",
        "Precompiled",
        "Prepend",
        "Replace",
        "Sequence",
        "Strip",
    }
    | {"StripAccents"}
)
PRE_TOKENIZERS = frozenset(
    {"BertPreTokenizer", "ByteLevel", "CharDelimiterSplit", "Digits", "FixedLength", "Metaspace", "Punctuation", "Sequence", "Split"}
    | {"Whitespace", "WhitespaceSplit"}
)
POST_PROCESSORS = frozenset({"BertProcessing", "ByteLevel", "RobertaProcessing", "Sequence", "TemplateProcessing"})
# Kinds of a decoder's parts in order: one of them says how a token spells text.
DECODERS = re.compile("ByteLevel|WordPiece|Metaspace|(Replace )*(ByteFallback Fuse|ByteFallback|Fuse)( Strip)?")
PARTS = ("normalizers", "pretokenizers", "processors", "decoders")
HINT = "Take another model, or the same as a GGUF file, whose tokenizer is converted."


@dataclass(frozen=True)
class TokenizerFacts:
    """ids: of the vocabulary and the added tokens. added: ids of the added tokens alone. expressions: that texts are cut and changed by."""

    ids: Mapping[str, int]
    added: Mapping[str, int]
    expressions: tuple[str, ...]


def text_of_token(tokenizer: Tokenizer) -> Callable[[int], str]:
    """Gives the text of a token as the file spells it. Raises as `read_facts` does, MalformedFile for an id that is not there."""
    texts: dict[int, str] = {}

    def text(token: int) -> str:
        if not texts:
            texts.update({number: spelt for spelt, number in read_facts(tokenizer).ids.items()})
        if token not in texts:
            raise MalformedFile(f"tokenizer.json has no token {token}, which config.json names", REDOWNLOAD)
        return texts[token]

    return text


def read_facts(tokenizer: Tokenizer) -> TokenizerFacts:
    """Raises MalformedFile for what is not a tokenizer, UnsupportedTokenizer for what the page cannot run."""
    document = parse_json(Path("tokenizer.json"), tokenizer.tokenizer_json)
    model = document.get("model")
    if not isinstance(model, dict):
        raise _malformed("it has no model")
    expressions = _check(document, model)
    vocabulary = _vocabulary(model.get("vocab"))
    added = {}
    for token in _list(document.get("added_tokens"), "added_tokens"):
        if not isinstance(token, dict) or not isinstance(token.get("content"), str) or not _is_id(token.get("id")):
            raise _malformed(f"{shown(token)} is not an added token")
        added[token["content"]] = token["id"]
    return TokenizerFacts({**vocabulary, **added}, added, expressions)


def _vocabulary(vocabulary: object) -> dict[str, int]:
    if isinstance(vocabulary, dict) and vocabulary and all(map(_is_id, vocabulary.values())):
        return vocabulary
    # Unigram has a list of (token, score).
    if isinstance(vocabulary, list) and vocabulary:
        tokens = [entry[0] if isinstance(entry, list) and len(entry) == 2 else None for entry in vocabulary]
        if all(isinstance(token, str) for token in tokens):
            return {str(token): index for index, token in enumerate(tokens)}
    raise _malformed("model.vocab does not map tokens to ids")


def _check(document: Mapping[str, object], model: Mapping[str, object]) -> tuple[str, ...]:
    """Its regular expressions."""
    kind = _kind(model) or ("BPE" if "merges" in model else None)
    if kind not in MODELS:
        raise _unsupported("model", kind)
    if kind == "BPE":
        if model.get("continuing_subword_prefix"):
            raise _unsupported("continuing_subword_prefix", model["continuing_subword_prefix"])
        _list(model.get("merges"), "model.merges")
    expressions: list[str] = []
    for name, known in (("normalizer", NORMALIZERS), ("pre_tokenizer", PRE_TOKENIZERS), ("post_processor", POST_PROCESSORS)):
        for part in _parts(document.get(name), name):
            if _kind(part) not in known:
                raise _unsupported(name, _kind(part))
            expressions += _expressions(part, name)
    parts = [*_parts(document.get("decoder"), "decoder")]
    for part in parts:
        expressions += _expressions(part, "decoder")
    decoders = [_kind(part) for part in parts]
    spelled = " ".join(kind or "" for kind in decoders).removeprefix("Sequence ")
    if not DECODERS.fullmatch(spelled):
        raise _unsupported("decoder", spelled or None)
    return tuple(dict.fromkeys(expressions))


def _expressions(part: Mapping[str, object], name: str) -> list[str]:
    """Of a part its own, where it has one. Raises UnsupportedTokenizer for one that the page cannot run."""
    pattern = part.get("pattern")
    expression = pattern.get("Regex") if isinstance(pattern, dict) else None
    rest = untranslated(expression) if isinstance(expression, str) else None
    if rest is not None:
        raise UnsupportedTokenizer(f"a web page cannot run what begins with {shown(rest)} in the {name} {shown(expression)}", HINT)
    return [expression] if isinstance(expression, str) else []


def _parts(value: object, name: str, depth: int = 0) -> Iterator[Mapping[str, object]]:
    """A component and, where it is a sequence, its parts."""
    if value is None:
        return
    if not isinstance(value, dict) or depth > 4:
        raise _malformed(f"{name} is {shown(value)}")
    inner = next((value[key] for key in PARTS if key in value), None) if value.get("type") == "Sequence" else None
    yield value
    for part in _list(inner, name) if inner is not None else ():
        yield from _parts(part, name, depth + 1)


def _kind(part: Mapping[str, object]) -> str | None:
    value = part.get("type")
    if value is not None and not isinstance(value, str):
        raise _malformed(f"the type of a part is {shown(value)}")
    return value


def _list(value: object, name: str) -> list[object]:
    if value is not None and not isinstance(value, list):
        raise _malformed(f"{name} is {shown(value)}")
    return value or []


def _is_id(value: object) -> bool:
    return type(value) is int and 0 <= value < MAX_VOCABULARY


def _malformed(what: str) -> MalformedFile:
    return MalformedFile(f"tokenizer.json: {what}", REDOWNLOAD)


def _unsupported(what: str, kind: object) -> UnsupportedTokenizer:
    return UnsupportedTokenizer(f"tokenizer.json has the {what} {shown(kind)}, which a web page cannot run", HINT)
