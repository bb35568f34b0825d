"""Makes the fixtures tiny-llama and tiny-llama-sharded, and what transformers computes from them in float32.

Run by hand, in the environment of make_reference.py, when the fixtures change:

    python tests/golden/make_tiny_llama.py

Both folders hold the same random weights and tokenizer. tiny-llama: one float16 file and a config.json in the older style
(rope_theta, rope_scaling), as Llama 3 was published. tiny-llama-sharded: bfloat16 shards with an index, config.json as written
by the library. Every weight is a number that both types hold exactly. Shapes are chosen to be awkward: the heads together are
wider than the hidden state, the vocabulary is no multiple of 32, input and output embeddings differ.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import tokenizers
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

HERE = Path(__file__).parent
FIXTURES = HERE.parent / "fixtures"
PROMPT = 100
STEPS = 16
QUESTION = "Why is the sky blue?"
ANSWER = 8
VOCABULARY = 300
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "attention_bias": False,
    "attention_dropout": 0.0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "head_dim": 32,
    "hidden_act": "silu",
    "hidden_size": 96,
    "initializer_range": 0.02,
    "intermediate_size": 128,
    "max_position_embeddings": 512,
    "mlp_bias": False,
    "model_type": "llama",
    "num_attention_heads": 6,
    "num_hidden_layers": 2,
    "num_key_value_heads": 2,
    "pretraining_tp": 1,
    "rms_norm_eps": 1e-05,
    # with 64 original positions the pairs fall into all three ranges of the scaling
    "rope_scaling": {
        "factor": 8.0,
        "high_freq_factor": 4.0,
        "low_freq_factor": 1.0,
        "original_max_position_embeddings": 64,
        "rope_type": "llama3",
    },
    "rope_theta": 10000.0,
    "tie_word_embeddings": False,
    "torch_dtype": "float16",
    "use_cache": True,
    "vocab_size": VOCABULARY,
}
TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def make_tokenizer() -> PreTrainedTokenizerFast:
    backend = tokenizers.Tokenizer(tokenizers.models.BPE())
    backend.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<unk>", "<s>", "</s>", "<|system|>", "<|user|>", "<|assistant|>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    prompts = json.loads((HERE / "prompts.json").read_text("utf-8"))
    backend.train_from_iterator([message["content"] for prompt in prompts for message in prompt["messages"]], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="</s>", unk_token="<unk>", chat_template=TEMPLATE)


def make_model() -> LlamaForCausalLM:
    torch.manual_seed(20)
    model = LlamaForCausalLM(LlamaConfig.from_dict(CONFIG)).float().eval()
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape)
        # norm weights near 1; the rest large enough that attention is far from uniform
        value = 1 + 0.1 * noise if "norm" in name else 1.5 * noise / parameter.shape[-1] ** 0.5
        parameter.data.copy_(value.bfloat16().half())
    return model


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> None:
    single, sharded = FIXTURES / "tiny-llama", FIXTURES / "tiny-llama-sharded"
    for folder in (single, sharded):
        shutil.rmtree(folder, ignore_errors=True)
        tokenizer.save_pretrained(folder, save_jinja_files=False)
    model.half().save_pretrained(single)
    (single / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n", "utf-8")
    model.bfloat16().save_pretrained(sharded, max_shard_size="200KB")


def chat(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> dict[str, object]:
    """The greedy answer to a question, and the smallest gap between a token's logit and the next one's."""
    messages = [{"role": "user", "content": QUESTION}]
    prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    ids, gaps = prompt["input_ids"], []
    for _ in range(ANSWER):
        best = model(ids).logits[0, -1].topk(2)
        gaps.append(float(best.values[0] - best.values[1]))
        ids = torch.cat([ids, best.indices[:1, None]], dim=1)
    text = tokenizer.decode(ids[0, -ANSWER:], skip_special_tokens=True)
    return {"question": QUESTION, "tokens": ANSWER, "text": text, "gap": round(min(gaps), 5)}


def main() -> None:
    model, tokenizer = make_model(), make_tokenizer()
    save(model, tokenizer)
    torch.set_grad_enabled(False)
    folders = [FIXTURES / "tiny-llama", FIXTURES / "tiny-llama-sharded"]
    prompt = torch.randint(6, VOCABULARY, (1, PROMPT), generator=torch.Generator().manual_seed(21))
    first, second = (LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()(prompt).logits for folder in folders)
    if not torch.equal(first, second):
        raise SystemExit("the two fixtures do not hold the same weights")
    model = LlamaForCausalLM.from_pretrained(folders[0], dtype=torch.float32).eval()
    ids: list[int] = []
    best_two: list[tuple[float, float]] = []
    for _ in range(STEPS):
        logits = model(torch.cat([prompt, torch.tensor([ids], dtype=prompt.dtype)], dim=1)).logits[0, -1]
        values, indices = logits.topk(2)
        ids.append(int(indices[0]))
        best_two.append((round(float(values[0]), 5), round(float(values[1]), 5)))
    np.save(HERE / "reference" / "tiny-llama.npy", first[0].numpy())  # float32 [PROMPT, VOCABULARY]
    result = {"prompt_ids": prompt[0].tolist(), "ids": ids, "best_two": best_two, "chat": chat(model, tokenizer)}
    (HERE / "reference" / "tiny-llama.json").write_text(json.dumps(result) + "\n", "utf-8")
    print(f"standard deviation of the logits {first.std():.2f}, {ids}, smallest gap {min(a - b for a, b in best_two):.4f}")


if __name__ == "__main__":
    main()
