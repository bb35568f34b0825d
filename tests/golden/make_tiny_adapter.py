"""Makes the fixtures tiny-llama-adapter and tiny-phi3-adapter, and what the peft library computes with them in float32.

Run by hand, in the environment of make_reference.py with peft, when the fixture changes:

    python tests/golden/make_tiny_adapter.py

Llama's has all that LoRA may have: ranks and scales of their own by pattern, a scale by the root of the rank, an adapted embedding and
a head that was trained whole. Its reference has two sets of logits: of tiny-llama, and of tiny-llama with the embedding as its head.
Phi-3's is of projections that are one matrix in the file, and says fan_in_fan_out, which peft takes back for them.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

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

FUSED = LoraConfig(
    r=3,
    lora_alpha=5,
    target_modules=["qkv_proj", "gate_up_proj", "o_proj"],
    alpha_pattern={"layers.0.*.qkv_proj": 2},
    fan_in_fan_out=True,
    bias="none",
    task_type="CAUSAL_LM",
)


def load(tied: bool) -> LlamaForCausalLM:
    model = LlamaForCausalLM(LlamaConfig.from_pretrained(FIXTURES / "tiny-llama", tie_word_embeddings=tied)).float().eval()
    weights = load_file(FIXTURES / "tiny-llama" / "model.safetensors")
    model.load_state_dict({name: tensor for name, tensor in weights.items() if not (tied and name == "lm_head.weight")}, strict=not tied)
    return model


def save(model: torch.nn.Module, config: LoraConfig, base: str) -> Path:
    """An adapter with random numbers in the place of trained ones."""
    folder, asked = FIXTURES / f"{base}-adapter", config.fan_in_fan_out
    adapted = get_peft_model(model, config)
    for name, parameter in adapted.named_parameters():
        if "lora_" in name:
            parameter.data = (torch.randn_like(parameter) * 0.1).half().float()
        elif "modules_to_save" in name:
            parameter.data = (parameter.data + torch.randn_like(parameter) * 0.02).half().float()
    adapted.half().save_pretrained(folder)
    (folder / "README.md").unlink()
    path = folder / "adapter_config.json"
    written = json.loads(path.read_text("utf-8")) | {"base_model_name_or_path": f"tests/{base}", "fan_in_fan_out": asked}
    path.write_text(json.dumps(written, indent=2) + "\n", "utf-8")
    return folder


def main() -> None:
    torch.manual_seed(3)
    ids = torch.tensor([json.loads((HERE / "reference" / "tiny-llama.json").read_text("utf-8"))["prompt_ids"][:24]])

    def logits(model: torch.nn.Module, folder: Path) -> np.ndarray:
        with torch.no_grad():
            found: np.ndarray = PeftModel.from_pretrained(model, folder).eval()(ids).logits[0, -4:].numpy()
            return found

    folder = save(load(tied=False), CONFIG, "tiny-llama")
    np.save(HERE / "reference" / "tiny-llama-adapter.npy", np.stack([logits(load(tied), folder) for tied in (False, True)]))

    def phi3() -> torch.nn.Module:
        return AutoModelForCausalLM.from_pretrained(FIXTURES / "tiny-phi3", dtype=torch.float32).eval()

    np.save(HERE / "reference" / "tiny-phi3-adapter.npy", logits(phi3(), save(phi3(), FUSED, "tiny-phi3")))


if __name__ == "__main__":
    main()
