"""Gemma 4 12B, text: as Gemma 4, without layers' own vectors, and wherever a config.json is silent with a longer window and context. Its
GGUF files are Gemma 4's."""

from __future__ import annotations

from webllm_build.model import gemma4_text

IGNORED, skipped, read = gemma4_text.IGNORED, gemma4_text.skipped, gemma4_text.read
DEFAULTS = {
    **gemma4_text.DEFAULTS,
    "sliding_window": 1024,
    "max_position_embeddings": 262144,
    "use_bidirectional_attention": "vision",
    "hidden_size_per_layer_input": 0,
}
