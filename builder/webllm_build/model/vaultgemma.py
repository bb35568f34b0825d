"""VaultGemma (https://arxiv.org/abs/2510.15001): as Gemma 2, with norms in front of blocks alone."""

from __future__ import annotations

from webllm_build.model import gemma2
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.names import HUGGING_FACE, FileNames, Names

_FILES = FileNames({**HUGGING_FACE, "mlp_norm": "model.layers.{}.pre_feedforward_layernorm"}, norm_offset=1.0)
NAMES = Names(hugging_face=_FILES, gguf=_FILES)
IGNORED, DEFAULTS = gemma2.IGNORED, gemma2.DEFAULTS


def read(config: Reader) -> Decoder:
    return gemma2.read_as(config, NAMES, "before")
