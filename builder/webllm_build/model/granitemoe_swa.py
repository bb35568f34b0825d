"""Granite Swash with experts: windows, sinks and ropes of granite_swa.py, and the feed-forward blocks of granitemoe.py."""

from __future__ import annotations

from dataclasses import replace

from webllm_build.model import granite, granite_swa, granitemoe
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.names import Names

_FILES = granitemoe.NAMES.hugging_face
_OWN = {"sinks": granite_swa.SINKS["hugging_face"], "router": "model.layers.{}.block_sparse_moe.router"}
_FILES = replace(_FILES, tensors={**_FILES.tensors, **_OWN})
NAMES = Names(hugging_face=_FILES, gguf=_FILES)
IGNORED = granitemoe.IGNORED
DEFAULTS = granitemoe.DEFAULTS


def read(config: Reader) -> Decoder:
    feed_forward = granitemoe.read_feed_forward(config)
    return granite.read_decoder(config, NAMES, [Layer(mixer, feed_forward) for mixer in granite_swa.read_mixers(config)])
