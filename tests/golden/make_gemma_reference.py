"""Makes reference/gemma3-270m.json: how Gemma 3 270M continues short texts, by the transformers library in float32 on the weights that a
page runs. K-quants are encoded again when the model is built, so the weights are read from a built site.

Run by hand, in an environment of its own with transformers 5 and torch:

    webllm-build site --model gemma3-270m --variant f32 --out gemma
    python tests/golden/make_gemma_reference.py gemma

Nothing of webllm_build is used here: the formats of the weights are those that ARCHITECTURE.md describes.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tokenizers
import torch
from transformers import Gemma3ForCausalLM, Gemma3TextConfig

HERE = Path(__file__).parent
STEPS = 16
NEAR_TIE = 0.01  # two best logits closer than this may change places with the order of a sum
TEXTS = {
    "capital": "The capital of France is",
    "story": "Once upon a time, in a village by the sea, there lived",
    "code": "def fibonacci(n: int) -> int:\n    ",
    "list": "Monday, Tuesday, Wednesday,",
    "german": "Der schnellste Weg von Berlin nach",
    "sum": "2 + 2 = 4\n3 + 3 = 6\n4 + 4 =",
    "recipe": "Ingredients for pancakes:\n- 2 eggs\n-",
    "unicode": "Привет, мир! 你好",
}
HIDDEN, LAYERS, HEADS, KV_HEADS, HEAD_DIM, INNER, VOCABULARY = 640, 18, 4, 1, 256, 2048, 262144

Values = npt.NDArray[np.float32]


class Site:
    """The packed weights of a built site."""

    def __init__(self, folder: Path) -> None:
        (path,) = folder.glob("model/manifest*.json")
        self.manifest: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
        self.stream = b"".join((path.parent / shard["file"]).read_bytes() for shard in self.manifest["weights"]["shards"])
        self.tensors = {tensor["name"]: tensor for tensor in self.manifest["tensors"]}
        self.tokenizer = tokenizers.Tokenizer.from_file(str(path.parent / self.manifest["tokenizer"]["file"]))

    def part(self, name: str, dtype: str) -> npt.NDArray[Any]:
        """A buffer of a weight; one that is larger than a binding lies in several, `<weight>.0.<suffix>` and so on."""
        weight, _, suffix = name.rpartition(".")
        parts = re.compile(rf"{re.escape(weight)}(\.\d+)?\.{suffix}")
        tensors = [tensor for name, tensor in self.tensors.items() if parts.fullmatch(name)]  # in their order
        return np.concatenate([np.frombuffer(self.stream, np.uint8, tensor["bytes"], tensor["offset"]) for tensor in tensors]).view(dtype)

    def matrix(self, name: str, rows: int, columns: int) -> Values:
        blocks = rows * columns // 32
        if self.manifest["schemes"][name] == "q8":
            scales = self.part(f"{name}.s", "<f2")[:blocks].astype(np.float32)
            return (self.part(f"{name}.q", "i1").reshape(blocks, 32) * scales[:, None]).reshape(rows, columns)
        assert self.manifest["schemes"][name] == "q4a"
        scales, minimums = self.part(f"{name}.s", "<f2").astype(np.float32).reshape(blocks, 2, 1).swapaxes(0, 1)
        # Byte i of word j: element 8j + i in its low half, element 8j + 4 + i in its high half.
        packed = self.part(f"{name}.q", "u1").reshape(blocks, 4, 4)
        codes = np.stack([packed & 15, packed >> 4], axis=2).reshape(blocks, 32)
        return (codes * scales + minimums).astype(np.float32).reshape(rows, columns)

    def norm(self, name: str) -> Values:
        """As Hugging Face keeps it: what is multiplied by, less 1."""
        return np.asarray(self.part(f"{name}.w", "<f4") - np.float32(1), np.float32)


def halves(rows: Values, heads: int) -> Values:
    """Packed heads have the elements of a rotation side by side; Hugging Face keeps the first of each in a head's first half."""
    return rows.reshape(heads, HEAD_DIM // 2, 2, -1).swapaxes(1, 2).reshape(rows.shape)


def state(site: Site) -> dict[str, torch.Tensor]:
    weights = {"model.embed_tokens.weight": site.matrix("embedding", VOCABULARY, HIDDEN), "model.norm.weight": site.norm("norm")}
    queries, keys = HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM
    for layer in range(LAYERS):
        packed, name = f"layers.{layer}", f"model.layers.{layer}"
        qkv = site.matrix(f"{packed}.qkv", queries + 2 * keys, HIDDEN)
        weights[f"{name}.self_attn.q_proj.weight"] = halves(qkv[:queries], HEADS)
        weights[f"{name}.self_attn.k_proj.weight"] = halves(qkv[queries : queries + keys], KV_HEADS)
        weights[f"{name}.self_attn.v_proj.weight"] = qkv[queries + keys :]
        weights[f"{name}.self_attn.o_proj.weight"] = site.matrix(f"{packed}.o", HIDDEN, queries)
        q_norm, k_norm = site.norm(f"{packed}.qk_norm").reshape(2, HEAD_DIM)
        weights[f"{name}.self_attn.q_norm.weight"], weights[f"{name}.self_attn.k_norm.weight"] = halves(q_norm, 1), halves(k_norm, 1)
        gate_up = site.matrix(f"{packed}.gate_up", 2 * INNER, HIDDEN)
        weights[f"{name}.mlp.gate_proj.weight"], weights[f"{name}.mlp.up_proj.weight"] = gate_up[0::2], gate_up[1::2]
        weights[f"{name}.mlp.down_proj.weight"] = site.matrix(f"{packed}.down", HIDDEN, INNER)
        weights[f"{name}.input_layernorm.weight"] = site.norm(f"{packed}.attention_norm")
        weights[f"{name}.post_attention_layernorm.weight"] = site.norm(f"{packed}.attention_out_norm")
        weights[f"{name}.pre_feedforward_layernorm.weight"] = site.norm(f"{packed}.mlp_norm")
        weights[f"{name}.post_feedforward_layernorm.weight"] = site.norm(f"{packed}.mlp_out_norm")
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in weights.items()}


def load_model(site: Site) -> Gemma3ForCausalLM:
    config = Gemma3TextConfig(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        intermediate_size=INNER,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=KV_HEADS,
        head_dim=HEAD_DIM,
        query_pre_attn_scalar=HEAD_DIM,
        sliding_window=512,
        attn_implementation="eager",
    )
    with torch.device("meta"):
        model = Gemma3ForCausalLM(config)
    model = model.to_empty(device="cpu").float()
    model.load_state_dict(state(site), strict=True)
    # What is not a weight was not made on the meta device.
    model.model.embed_tokens.embed_scale = torch.tensor(HIDDEN**0.5)
    model.model.rotary_emb = type(model.model.rotary_emb)(config)
    return model.eval()


def continued(model: Gemma3ForCausalLM, prompt: list[int]) -> tuple[list[int], list[tuple[float, float]]]:
    """Greedy ids and the two best logits of every step."""
    result = model(torch.tensor([prompt]), use_cache=True)
    ids: list[int] = []
    best_two: list[tuple[float, float]] = []
    while True:
        values, indices = result.logits[0, -1].topk(2)
        ids.append(int(indices[0]))
        best_two.append((round(float(values[0]), 5), round(float(values[1]), 5)))
        if len(ids) == STEPS or ids[-1] == model.config.eos_token_id:
            return ids, best_two
        result = model(torch.tensor([[ids[-1]]]), past_key_values=result.past_key_values, use_cache=True)


def main() -> None:
    torch.set_grad_enabled(False)
    site = Site(Path(sys.argv[1]))
    model = load_model(site)
    records = []
    for name, text in TEXTS.items():
        prompt: list[int] = site.tokenizer.encode(text).ids
        ids, best_two = continued(model, prompt)
        ties = [step for step, (first, second) in enumerate(best_two) if first - second < NEAR_TIE]
        records.append({
            "name": name,
            "text": text,
            "prompt_ids": prompt,
            "ids": ids,
            "continued": site.tokenizer.decode(ids),
            "exact_until": ties[0] if ties else len(ids),
            "best_two": best_two,
        })
        print(f"{name}: {len(prompt)} + {len(ids)} tokens, exact until {records[-1]['exact_until']}: {records[-1]['continued']!r}")
    made_with = {package: importlib.metadata.version(package) for package in ("torch", "transformers", "tokenizers")}
    head = {"model": "gemma3-270m", "schemes": sorted(set(site.manifest["schemes"].values())), "made_with": made_with, "near_tie": NEAR_TIE}
    lines = ",\n".join(json.dumps(record, ensure_ascii=False) for record in records)  # one text a line
    (HERE / "reference" / "gemma3-270m.json").write_text(f'{json.dumps(head)[:-1]}, "texts": [\n{lines}\n]}}\n', "utf-8")


if __name__ == "__main__":
    main()
