"""XLM-RoBERTa (https://arxiv.org/abs/1911.02116), and RoBERTa: as BERT, with positions that begin behind the number of the padding token.
In GGUF files, whose table of positions begins there, it is BERT."""

from __future__ import annotations

from webllm_build.model import bert
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder

IGNORED = bert.IGNORED
SKIPPED = (*bert.SKIPPED, "lm_head.")
DEFAULTS = bert.DEFAULTS


def read(config: Reader) -> Decoder:
    return bert.read_from(config, config.count("pad_token_id", default=1) + 1)
