"""Granite Swash with experts: windows, sinks and ropes of granite_swa.py, and the feed-forward blocks of granitemoe.py."""

from __future__ import annotations

from dataclasses import replace

from webllm_build.model import granite, granite_swa, granitemoe
from webllm_build.model.config import Reader
from webllm_build.model.decoder import Decoder
from webllm_build.model.layers import Layer
from webllm_build.model.names import Names

_FILES, _GGUF = granitemoe.NAMES.hugging_face, granitemoe.NAMES.gguf
_OWN = {"sinks": granite_swa.SINKS["hugging_face"], "router": "model.layers.{}.block_sparse_moe.router"}
_OWN_GGUF = {"sinks": granite_swa.SINKS["gguf"], **dict.fromkeys(("gate", "up"), "blk.{}.ffn_up_shexp")}
NAMES = Names(
    hugging_face=replace(_FILES, tensors={**_FILES.tensors, **_OWN}),
    gguf=replace(_GGUF, tensors={**_GGUF.tensors, **_OWN_GGUF}, halves={"gate": 0, "up": 1}),
)
GGUF_KEYS = {**granite_swa.GGUF_KEYS, **granitemoe.GGUF_KEYS}
of_gguf_keys = granite_swa.of_gguf_keys
IGNORED = granitemoe.IGNORED
DEFAULTS = granitemoe.DEFAULTS


def read(config: Reader) -> Decoder:
    feed_forward = granitemoe.read_feed_forward(config)
    return granite.read_decoder(config, NAMES, [Layer(mixer, feed_forward) for mixer in granite_swa.read_mixers(config)])
