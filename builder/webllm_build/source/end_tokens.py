"""Tokens that end an answer, or mark a gap to fill in, by their text, whatever else a file says of them."""

from __future__ import annotations

# What llama.cpp takes for the end of a turn or a message (llama-vocab.cpp): fine-tunes add one of these and forget to name it.
END_TEXTS = frozenset(
    {"<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>", "<|endoftext|>"}
    | {"<|end_of_text|>", "<end_of_turn>", "<end_of_utterance>", "</s>", "<eos>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]"}
)

# Code Llama's marks of a gap, which its vocabulary has as words (runtime_js/src/tokenizer/infill.ts finds marks by their text).
INFILL_TEXTS = frozenset({"▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>"})
