"""Makes the fixture tiny-llama-adapter, and what the peft library computes with it in float32.

Run by hand, in the environment of make_reference.py with peft, when the fixture changes:

    python tests/golden/make_tiny_adapter.py

The adapter has all that LoRA may have: ranks and scales of their own by pattern, a scale by the root of the rank, an adapted embedding and
a head that was trained whole. The reference has two sets of logits: of tiny-llama, and of tiny-llama with the embedding as its head.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM

HERE = Path(__file__).parent
FIXTURES = HERE.parent / "fixtures"
ADAPTER = FIXTURES / "tiny-llama-adapter"
CONFIG = LoraConfig(
    r=4,
    lora_alpha=6,
    target_modules=["q_proj", "v_proj", "gate_proj", "down_proj", "embed_tokens"],
    modules_to_save=["lm_head"],
    rank_pattern={"layers.1.self_attn.q_proj": 8, r"model\.layers\.\d+\.mlp\.down_proj": 2},
    alpha_pattern={"v_proj": 3, "^model.layers.0.mlp.gate_proj": 9},
    use_rslora=True,
    bias="none",
    task_type="CAUSAL_LM",
)


def load(tied: bool) -> LlamaForCausalLM:
    model = LlamaForCausalLM(LlamaConfig.from_pretrained(FIXTURES / "tiny-llama", tie_word_embeddings=tied)).float().eval()
    weights = load_file(FIXTURES / "tiny-llama" / "model.safetensors")
    model.load_state_dict({name: tensor for name, tensor in weights.items() if not (tied and name == "lm_head.weight")}, strict=not tied)
    return model


def main() -> None:
    torch.manual_seed(3)
    model = get_peft_model(load(tied=False), CONFIG)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            parameter.data = (torch.randn_like(parameter) * 0.1).half().float()
        elif "modules_to_save" in name:
            parameter.data = (parameter.data + torch.randn_like(parameter) * 0.02).half().float()
    model.half().save_pretrained(ADAPTER)
    (ADAPTER / "README.md").unlink()
    path = ADAPTER / "adapter_config.json"
    config = json.loads(path.read_text("utf-8")) | {"base_model_name_or_path": "tests/tiny-llama"}
    path.write_text(json.dumps(config, indent=2) + "\n", "utf-8")

    ids = torch.tensor([json.loads((HERE / "reference" / "tiny-llama.json").read_text("utf-8"))["prompt_ids"][:24]])
    with torch.no_grad():
        logits = [PeftModel.from_pretrained(load(tied), ADAPTER).eval()(ids).logits[0, -4:].numpy() for tied in (False, True)]
    np.save(HERE / "reference" / "tiny-llama-adapter.npy", np.stack(logits))


if __name__ == "__main__":
    main()
