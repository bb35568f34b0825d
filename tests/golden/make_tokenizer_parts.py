"""What every part of a tokenizer.json does, by the tokenizers library: runtime_js/test/golden/tokenizer_parts.json.

    .venv/bin/python tests/golden/make_tokenizer_parts.py

A part is tried in a tokenizer whose ids show what it did: they are the bytes of each piece, with a mark behind its end. Of the ids only a
digest is kept.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import runpy
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "runtime_js" / "test" / "golden" / "tokenizer_parts.json"
TEXTS: list[str] = runpy.run_path(str(Path(__file__).with_name("tokenizer_texts.py")))["TEXTS"]
CHARSMAP = "nmt_nfkc.charsmap.gz"  # stands in the result for the file's content
MARK = "\x01"
# Their categories have changed since; these are many, and alike.
CHANGED = (0x295, 0x166D, 0x1734, 0x1885, 0x1886)
ALIKE = (
    (0x3401, 0x4DB0),
    (0x4E01, 0x9FA0),
    (0xAC01, 0xD7A0),
    (0x17001, 0x18CD0),
    (0x13001, 0x14640),
    (0x1B001, 0x1B2FA),
    (0x20001, 0x3FFFD),
)
VOCABULARY = {f"<0x{byte:02X}>": byte for byte in range(256)}
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
BEHAVIORS = ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")
PATTERNS = (
    r"\s",
    r"\S+",
    r"\w+",
    r"\W",
    r"\d+",
    r"\D+",
    r"\h",
    r"\H+",
    r"\b",
    r"\bw",
    r"o\B",
    r"^.",
    r".$",
    r"\A.",
    r".\z",
    r"\s+$",
    r"[^\s\S]|a",
    r"[[:alpha:]]+",
    r"[[:^alpha:]]+",
    r"[[:punct:]]",
    r"[[:space:]]",
    r"[[:upper:]]",
    r"[[:lower:]]+",
    r"[[:digit:]]",
    r"[[:alnum:]]+",
    r"[[:cntrl:]]",
    r"[[:blank:]]+",
    r"[[:graph:]]+",
    r"[[:print:]]+",
    r"[[:xdigit:]]",
    r"[[:word:]]+",
    r"\p{Alpha}+",
    r"\p{^L}",
    r"\P{L}+",
    r"\p{Han}+",
    r"\p{Greek}",
    r"[\p{L}&&[^\p{Lu}]]+",
    r"[^\p{L}&&[^a-c]]",
    r"[a-e[x-z]]+",
    r"[]a]",
    r"[a\-z]",
    r"[\]\[^-]",
    r"[\w&&\d]+",
    r"(?i:'s|'ll|K)",
    r"(?i)str",
    r"(?i:[sdmt]|ll|[a-c]+)",
    r"\p{L}++\p{N}?",
    r"(?>a+|b)b",
    r"\s?+x",
    r"a{2}",
    r"a{,2}b",
    r"a{2,}",
    r"a{1,2}?",
    r"(?:ab)+",
    r"(o)(?=\w)",
    r"(?<=\s)\w",
    r"(?<!\S)\w+",
    r"(?#note)x",
    r"\x41|\x{e9}|\u00df",
    r"\n|\t|\r",
    r"\.|\/|\-|\#",
    r"a|",
    "\u00e9+",
    r"{|}",
    r".",
    r"[^a]",
    r"(?<n>l)l",
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
    r"\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N}))",
    r"(?=(\d{3})+(?!\d))",
    r"\d{1,3}(?=(?:\d{3})*\b)",
    r"[^\n]+|[\n]+",
    " ?[^(\\s|[.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c])]+",
)
SETS = PATTERNS[:6] + tuple(pattern for pattern in PATTERNS if pattern.startswith(("[[:", r"\p", r"\P")))
PROPERTIES = ("BertPreTokenizer", "Punctuation", "Digits", "Whitespace")
NORMALIZERS: list[dict[str, Any]] = [
    *({"type": kind} for kind in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt", "ByteLevel")),
    {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"}]},
    {"type": "Sequence", "normalizers": []},
    *({"type": "Strip", "strip_left": left, "strip_right": right} for left in (True, False) for right in (True, False)),
    {"type": "Prepend", "prepend": "\u2581"},
    {"type": "Replace", "pattern": {"String": "o"}, "content": "$&$1"},
    {"type": "Replace", "pattern": {"String": "."}, "content": ""},
    {"type": "Replace", "pattern": {"Regex": r" {2,}|\s$"}, "content": "\u2581"},
    *(
        {"type": "BertNormalizer", "clean_text": clean, "handle_chinese_chars": chinese, "strip_accents": accents, "lowercase": lower}
        for clean, chinese, accents, lower in (
            (True, True, None, True),
            (False, False, False, True),
            (True, False, True, False),
            (False, True, None, False),
        )
    ),
    {"type": "Precompiled", "precompiled_charsmap": CHARSMAP},
]
PRE_TOKENIZERS: list[dict[str, Any]] = [
    *({"type": kind} for kind in ("BertPreTokenizer", "Whitespace", "WhitespaceSplit")),
    *({"type": "Punctuation", "behavior": behavior} for behavior in BEHAVIORS),
    *({"type": "Digits", "individual_digits": each} for each in (True, False)),
    *({"type": "FixedLength", "length": length} for length in (1, 5)),
    {"type": "CharDelimiterSplit", "delimiter": "o"},
    *(
        {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": regex}
        for prefix in (True, False)
        for regex in (True, False)
    ),
    *(
        {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": scheme, "split": split}
        for scheme in ("always", "first", "never")
        for split in (True, False)
    ),
    *(
        {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert}
        for pattern in ({"String": " "}, {"String": "ll"}, {"Regex": r"\d|\s+"})
        for behavior in BEHAVIORS
        for invert in (True, False)
    ),
    *({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False} for pattern in (GPT2, *PATTERNS)),
    {
        "type": "Sequence",
        "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "_", "prepend_scheme": "first", "split": True}],
    },
    {
        "type": "Sequence",
        "pretokenizers": [
            {"type": "Digits", "individual_digits": True},
            {"type": "Punctuation", "behavior": "Isolated"},
            {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        ],
    },
]
ADDED: list[dict[str, Any]] = [
    {"content": "<a>", "normalized": False},
    {"content": "<l>", "normalized": False, "lstrip": True},
    {"content": "<r>", "normalized": False, "rstrip": True},
    {"content": "<w>", "normalized": False, "single_word": True},
    {"content": "Big", "normalized": True},
    {"content": "<a><a>", "normalized": False},
]
ADDED_TEXTS = [
    "x<a>y",
    "x <l> y",
    "x \n<r>\t\u00a0y",
    "a<w>b <w> c<w>",
    "\u00e9<w>",
    "bIG Big big",
    "<a><a><a>",
    "",
    " <l><r> ",
    "\ufeff<l>\u0085<l>x",
]
KINDS = runpy.run_path(str(ROOT / "builder" / "webllm_build" / "source" / "gguf_pre_tokenizers.py"))["_KINDS"]
PRE_TOKENIZERS += [
    {
        "type": "Sequence",
        "pretokenizers": [{"type": "Split", "pattern": {"Regex": one}, "behavior": "Isolated", "invert": False} for one in kind.patterns],
    }
    for kind, _ in KINDS.values()
]
# id of the processor's tokens: 300 and 301
POST_PROCESSORS: list[dict[str, Any]] = [
    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
    *(
        {"type": kind, "sep": ["</s>", 301], "cls": ["<s>", 300], **extra}
        for kind, extra in (("BertProcessing", {}), ("RobertaProcessing", {"trim_offsets": True, "add_prefix_space": False}))
    ),
]
for single in ("<s> $A", "$A </s>", "<s> <s> $A </s>", "$A"):
    parts = [
        {"Sequence": {"id": "A", "type_id": 0}} if word == "$A" else {"SpecialToken": {"id": word, "type_id": 0}} for word in single.split()
    ]
    ids = {word: {"id": word, "ids": [300 if word == "<s>" else 301], "tokens": [word]} for word in ("<s>", "</s>")}
    POST_PROCESSORS.append(
        {"type": "TemplateProcessing", "single": parts, "pair": [*parts, {"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": ids}
    )
POST_PROCESSORS.append({"type": "Sequence", "processors": [POST_PROCESSORS[0], POST_PROCESSORS[3]]})

REPLACE, FALLBACK, FUSE = {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}
STRIP = {"type": "Strip", "content": " ", "start": 1, "stop": 0}
DECODERS: list[dict[str, Any]] = [
    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
    *({"type": "Sequence", "decoders": parts} for parts in ([REPLACE, FALLBACK, FUSE], [REPLACE, FALLBACK, FUSE, STRIP], [FALLBACK, FUSE])),
    *({"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": scheme, "split": True} for scheme in ("always", "first", "never")),
    *({"type": "WordPiece", "prefix": "##", "cleanup": clean} for clean in (True, False)),
    {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "_"}, "content": "--"}, FALLBACK, FUSE]},
]
TOKENS = [
    "\u2581",
    "\u2581\u2581",
    "\u2581Hello",
    "##s",
    "s",
    "_a_",
    "\u0120wor",
    "ld",
    "\u00c3",
    "\u00a9",
    "<0xC3>",
    "<0xA9>",
    "<0xFF>",
    "<0x20>",
    ".",
    "n't",
    "'s",
    "\u4f60",
    "x\u2581y",
    "!",
]
DECODED = [
    [2, 3, 4],
    [0, 2],
    [1, 2],
    [3, 4, 3],
    [6, 7, 14],
    [8, 9],
    [10, 11, 4],
    [10, 4],
    [12, 3],
    [4, 15, 14, 4, 16, 19],
    [5, 5],
    [18, 17],
    [13, 4],
    [13, 13, 4],
    [],
    [0],
    [20, 2],
    [2, 20, 2],
    [20, 3],
]


def tokenizer(**parts: Any) -> dict[str, Any]:
    model: dict[str, Any] = {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": MARK,
        "fuse_unk": False,
        "byte_fallback": True,
        "ignore_merges": False,
        "vocab": VOCABULARY,
        "merges": [],
    }
    empty = dict.fromkeys(("normalizer", "pre_tokenizer", "post_processor", "decoder", "truncation", "padding"))
    return {"version": "1.0", **empty, "added_tokens": [], "model": model, **parts}


def added(id: int, content: str, **flags: bool) -> dict[str, Any]:
    return {
        "id": id,
        "content": content,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": False,
        **flags,
    }


def ranges(known: Callable[[str], str]) -> list[tuple[int, int]]:
    """Of all characters that are assigned, but for those of private use, by their categories; whole blocks of ideographs by their ends."""
    result: list[tuple[int, int]] = []
    for code in range(0x110000):
        if known(chr(code)) in ("Cn", "Cs", "Co") or code in CHANGED or any(first < code < last for first, last in ALIKE):
            continue
        if result and result[-1][1] == code - 1:
            result[-1] = (result[-1][0], code)
        else:
            result.append((code, code))
    return result


def texts_of(every: list[tuple[int, int]]) -> list[str]:
    """A thousand characters in each, with a letter behind each, so that none joins the next."""
    characters = [chr(code) for first, last in every for code in range(first, last + 1)]
    return ["".join(f"{character}a" for character in characters[at : at + 1000]) for at in range(0, len(characters), 1000)]


def digest(ids: list[int]) -> str:
    return hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()[:12]


def case(name: str, document: dict[str, Any], texts: list[str], **every: list[str]) -> dict[str, Any]:
    table = gzip.decompress((ROOT / "tests" / "fixtures" / "sentencepiece" / CHARSMAP).read_bytes())
    library = Tokenizer.from_str(json.dumps(document).replace(CHARSMAP, base64.b64encode(table).decode()))
    ids = [library.encode(text, add_special_tokens=True).ids for text in texts]
    parts = {key: value for key, value in document.items() if key not in ("model", "version", "truncation", "padding") and value}
    characters = {key: [digest(library.encode(text, add_special_tokens=False).ids) for text in found] for key, found in every.items()}
    return {"name": name, "parts": parts, "ids": [digest(row) for row in ids], **characters}


def decoded(document: dict[str, Any]) -> list[str]:
    library = Tokenizer.from_str(json.dumps(document))
    return [library.decode(row, skip_special_tokens=True) for row in DECODED]


def main() -> None:
    # The library's tables of properties are those of old versions of Unicode; its regular expressions and charsmaps know all.
    old, new = ranges(unicodedata.ucd_3_2_0.category), ranges(unicodedata.category)
    cases = [
        case(
            f"normalizer {json.dumps(part)[:120]}",
            tokenizer(normalizer=part),
            TEXTS,
            **({"new": texts_of(new)} if part["type"] == "Precompiled" else {"old": texts_of(old)}),
        )
        for part in NORMALIZERS
    ]
    for part in PRE_TOKENIZERS:
        pattern = part.get("pattern", {}).get("Regex", "")
        every = {"new": texts_of(new)} if pattern in SETS else {"old": texts_of(old)} if part["type"] in PROPERTIES else {}
        cases.append(case(f"pre_tokenizer {json.dumps(part, ensure_ascii=False)[:160]}", tokenizer(pre_tokenizer=part), TEXTS, **every))
    tokens = [added(256 + i, **flags) for i, flags in enumerate(ADDED)]
    cases += [
        case(f"added tokens behind {part and part['type']}", tokenizer(added_tokens=tokens, normalizer=part), ADDED_TEXTS)
        for part in (None, {"type": "Lowercase"}, {"type": "Prepend", "prepend": "\u2581"})
    ]
    ends = [added(300, "<s>", special=True), added(301, "</s>", special=True)]
    cases += [
        case(f"post_processor {json.dumps(part)[:80]}", tokenizer(added_tokens=ends, post_processor=part), ["", "abc"])
        for part in POST_PROCESSORS
    ]
    vocabulary = {token: i for i, token in enumerate(TOKENS)}
    model = {**tokenizer()["model"], "vocab": vocabulary, "byte_fallback": False, "end_of_word_suffix": None}
    decoders = [
        {"decoder": part, "texts": decoded(tokenizer(model=model, decoder=part, added_tokens=[added(20, "<e>", special=True)]))}
        for part in DECODERS
    ]
    result = {
        "mark": MARK,
        "old": old,
        "new": new,
        "texts": TEXTS,
        "added_texts": ADDED_TEXTS,
        "cases": cases,
        "tokens": TOKENS,
        "decoded": DECODED,
        "decoders": decoders,
    }
    OUT.write_text(json.dumps(result, separators=(",", ":")) + "\n", "utf-8")


if __name__ == "__main__":
    main()
