"""Makes a tiny random model of each family beside Llama, as a folder and as a GGUF file, and what transformers computes from it in float32.

Run by hand when the fixtures change, in an environment with transformers 5, torch and gguf:

    python tests/golden/make_tiny_models.py

Weights are numbers that bfloat16 and float16 both hold exactly. The GGUF file has the conventions of llama.cpp's converter: names, keys,
and norms as the model multiplies by them. Its tokenizer is that of the fixture tiny-llama; the folder has none.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM

HERE = Path(__file__).parent
FIXTURES = HERE.parent / "fixtures"
TOKENS = 48
SHORT = 24  # of a sequence up to the original length, of models whose rotary frequencies change with it
VOCABULARY = 300
COMMON: Mapping[str, Any] = {
    "vocab_size": VOCABULARY,
    "intermediate_size": 64,
    "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
    "torch_dtype": "float16",
}
# As config.json; shapes are awkward on purpose.
MODELS: Mapping[str, Mapping[str, Any]] = {
    "qwen2": {
        "architectures": ["Qwen2ForCausalLM"],
        "hidden_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "num_key_value_heads": 1,
        "rope_theta": 1000000.0,
        "tie_word_embeddings": False,
        "use_sliding_window": False,
        "sliding_window": 32768,
        "max_window_layers": 2,
    },
    "qwen3": {
        "architectures": ["Qwen3ForCausalLM"],
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 40,
        "rope_theta": 1000000.0,
        "tie_word_embeddings": True,
        "attention_bias": False,
        "sliding_window": None,
    },
    "mistral": {
        "architectures": ["MistralForCausalLM"],
        "hidden_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 32,
        "rope_theta": 1000000.0,
        "sliding_window": 8,
        "tie_word_embeddings": False,
    },
    "phi3": {
        "architectures": ["Phi3ForCausalLM"],
        "hidden_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "num_key_value_heads": 1,
        "rope_theta": 10000.0,
        "partial_rotary_factor": 0.75,
        "original_max_position_embeddings": 32,  # fewer than TOKENS
        "rope_scaling": {
            "type": "longrope",
            "short_factor": [1.0, 1.0, 1.125, 1.25, 1.25, 1.25, 1.5, 1.5, 1.5, 1.5, 1.5, 1.75],
            "long_factor": [1.0, 1.125, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0],
        },
        "sliding_window": 12,
        "intermediate_size": 128,
        "tie_word_embeddings": False,
    },
    "gemma3_text": {
        "architectures": ["Gemma3ForCausalLM"],
        "hidden_size": 64,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 48,
        "query_pre_attn_scalar": 48,
        "rope_theta": 1000000.0,
        "rope_local_base_freq": 10000.0,
        "rope_scaling": {"rope_type": "linear", "factor": 8.0},
        "sliding_window": 8,
        "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
        "hidden_activation": "gelu_pytorch_tanh",
    },
}
ONLY_FOLDERS = ("mistral",)  # whose GGUF files are llamas without a window
GGUF_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "self_attn.qkv_proj": "attn_qkv",
    "mlp.gate_up_proj": "ffn_up",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
GEMMA_NAMES = {
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}


def random_state(model: torch.nn.Module, kind: str) -> None:
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape)
        if "norm" in name:  # near 1, in Gemma's files near 0; far enough from it that a wrong one is seen
            value = 0.3 * noise + (0 if kind.startswith("gemma") else 1)
        else:
            value = noise if name.endswith("bias") else 1.5 * noise / parameter.shape[-1] ** 0.5
        if "embed" in name and kind.startswith("gemma"):
            value = value / 4
        parameter.data.copy_(value.bfloat16().half())


def write_gguf(path: Path, kind: str, config: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> None:
    gemma = kind.startswith("gemma")
    writer = gguf.GGUFWriter(path, "gemma3" if gemma else kind)
    writer.add_name(f"tiny {kind}")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    if "head_dim" in config:
        writer.add_key_length(config["head_dim"])
        writer.add_value_length(config["head_dim"])
    if gemma:
        writer.add_sliding_window(config["sliding_window"])
        writer.add_uint32("gemma3.attention.sliding_window_pattern", 2)
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(config["rope_scaling"]["factor"])
    if kind == "phi3":
        heads, original = config["hidden_size"] // config["num_attention_heads"], config["original_max_position_embeddings"]
        factor = config["max_position_embeddings"] / original
        writer.add_sliding_window(config["sliding_window"])
        writer.add_rope_dimension_count(int(heads * config["partial_rotary_factor"]))
        writer.add_rope_scaling_orig_ctx_len(original)
        writer.add_rope_scaling_attn_factors(math.sqrt(1 + math.log(factor) / math.log(original)))
        for length in ("long", "short"):
            writer.add_tensor(f"rope_factors_{length}.weight", np.array(config["rope_scaling"][f"{length}_factor"], np.float32))
    tokenizer = json.loads((FIXTURES / "tiny-llama" / "tokenizer.json").read_text("utf-8"))["model"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(sorted(tokenizer["vocab"], key=tokenizer["vocab"].get))
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in tokenizer["merges"]])
    writer.add_eos_token_id(config["eos_token_id"])
    names = GGUF_NAMES | (GEMMA_NAMES if gemma else {})
    for name, tensor in tensors.items():
        stem, _, suffix = name.rpartition(".")
        layer, _, part = stem.removeprefix("model.layers.").partition(".")
        gguf_name = f"{f'blk.{layer}.{names[part]}' if layer.isdigit() else names[stem]}.{suffix}"
        values = tensor.float().numpy()
        if values.ndim == 1:
            writer.add_tensor(gguf_name, values + 1 if gemma and "norm" in name else values)
        else:
            writer.add_tensor(gguf_name, values.astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    torch.set_grad_enabled(False)
    tokens = torch.randint(6, VOCABULARY, (1, TOKENS), generator=torch.Generator().manual_seed(21))
    for kind, own in MODELS.items():
        config, folder = {"model_type": kind, **COMMON, **own}, FIXTURES / f"tiny-{kind}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        torch.manual_seed(20)
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**config)).float().eval()
        random_state(model, kind)
        model.half().save_pretrained(folder)
        (folder / "generation_config.json").unlink(missing_ok=True)
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
        loaded = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        tied = {"lm_head.weight"} if loaded.config.tie_word_embeddings else set()
        tensors = {name: tensor for name, tensor in loaded.state_dict().items() if name not in tied}
        if kind not in ONLY_FOLDERS:
            write_gguf(folder / "model.gguf", kind, config, tensors)
        logits = loaded(tokens).logits[0]
        np.save(HERE / "reference" / f"tiny-{kind}.npy", logits.numpy())  # float32 [TOKENS, VOCABULARY]
        if kind == "phi3":
            np.save(HERE / "reference" / f"tiny-{kind}-short.npy", loaded(tokens[:, :SHORT]).logits[0].numpy())
        print(f"{kind}: standard deviation of the logits {logits.std():.2f}")
    (HERE / "reference" / "tiny-models.json").write_text(json.dumps({"tokens": tokens[0].tolist()}) + "\n", "utf-8")


if __name__ == "__main__":
    main()
