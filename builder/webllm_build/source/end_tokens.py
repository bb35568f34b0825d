"""Tokens that end an answer, or mark a gap to fill in, by their text, whatever else a file says of them."""

from __future__ import annotations

from collections.abc import Container

# What llama.cpp takes for the end of a turn or a message (llama-vocab.cpp): fine-tunes add one of these and forget to name it. The last
# line is of coders, whose answer is at its end where another file or repository begins.
END_TEXTS = frozenset(
    {"<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>", "<|endoftext|>"}
    | {"<|end_of_text|>", "<end_of_turn>", "<end_of_utterance>", "</s>", "<eos>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]"}
    | {"<turn|>", "<|tool_response>", "<\uff5cend\u2581of\u2581sentence\uff5c>", "[e~["}
    | {"<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"}
)
# Gemma's, whose vocabulary has tags of HTML: in it "</s>" is the end of what is struck out.
BESIDE_TAGS = ("<end_of_turn>", "<turn|>")

# Code Llama's marks of a gap, which its vocabulary has as words (runtime_js/src/tokenizer/infill.ts finds marks by their text).
INFILL_TEXTS = frozenset({"▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>"})


def end_texts(vocabulary: Container[str]) -> frozenset[str]:
    """Those that end an answer of a model with these tokens."""
    return END_TEXTS - {"</s>"} if any(token in vocabulary for token in BESIDE_TAGS) else END_TEXTS
