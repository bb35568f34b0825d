"""The tiny encoder of tests/fixtures as a folder that a build takes: it has no tokenizer of its own, so it gets one of letters."""

from __future__ import annotations

import json
import shutil
import string
from pathlib import Path

TINY_BERT = Path(__file__).resolve().parent / "fixtures" / "tiny-bert"
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


def write_tiny_encoder(folder: Path) -> Path:
    """Writes the model with BERT's kind of tokenizer: WordPiece, lower case, texts between [CLS] and [SEP]."""
    folder.mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(TINY_BERT / name, folder / name)
    letters = [*string.ascii_lowercase, *string.digits, *".,?!"]
    tokens = [*SPECIAL, *letters, *(f"##{letter}" for letter in letters)]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    ends = {token: {"id": token, "ids": [vocabulary[token]], "tokens": [token]} for token in ("[CLS]", "[SEP]")}
    text, begin, end = ({"Sequence": {"id": "A", "type_id": 0}}, *({"SpecialToken": {"id": token, "type_id": 0}} for token in ends))
    pair = {"Sequence": {"id": "B", "type_id": 1}}
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": vocabulary[token], "content": token, **flags} for token in SPECIAL],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "lowercase": True, "handle_chinese_chars": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [begin, text, end],
            "pair": [begin, text, end, pair, end],
            "special_tokens": ends,
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": vocabulary,
        },
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), "utf-8")
    return folder
