"""Makes a tiny random model of each family beside Llama, as a folder and as a GGUF file, and what transformers computes from it in float32.

Run by hand when the fixtures change, in an environment with transformers 5 and torch:

    python tests/golden/make_tiny_models.py LLAMA_CPP [FAMILY...]

LLAMA_CPP is llama.cpp's folder with its converter, as vendor/llama.cpp of the sdist of llama-cpp-python on PyPI; without names all
families are made. tests/golden/tiny_models/FAMILY.json describes one, or FAMILY-SOMETHING.json another kind of its models:

    config      the folder's config.json; the first of its "architectures" is the class of transformers that computes,
                where transformers has it
    no_gguf     why llama.cpp's converter makes no GGUF file of it, where it does not
    renamed     parts of tensors' names → what the converter calls them
    like        another family, which it is to the compiler: it is compared on NumPy operators alone, on one text
    shorter     a length: there is another reference, FAMILY-short, of so many first tokens alone (frequencies follow the length)

Weights are numbers that bfloat16 and float16 both hold exactly. The GGUF file's tokenizer is that of the fixture tiny-llama; the folder
has none.
"""

from __future__ import annotations

import copy
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from convert_to_gguf import convert
from safetensors.torch import load_file, save_file

HERE = Path(__file__).parent
FIXTURES, REFERENCE, FAMILIES = HERE.parent / "fixtures", HERE / "reference", HERE / "tiny_models"
VOCABULARY = 300
TOKENS = 48
FORK, FORKED = 44, 8  # another text has the first 44 tokens, and then 8 others


def randomise(model: torch.nn.Module, kind: str) -> None:
    """All that is learnt, parameters and buffers, so far from where it starts that nothing can be left out unseen."""
    learnt = dict(model.named_parameters())
    learnt |= {name: buffer for name, buffer in model.state_dict(keep_vars=True).items() if not isinstance(buffer, torch.nn.Parameter)}
    for name, parameter in learnt.items():
        noise = torch.randn(parameter.shape)
        if kind == "fast_vlm" and "vision_tower" in name and name.endswith("bias"):
            value = 0.3 * noise  # so many larger ones, one behind the other, would drown what is seen
        elif name.endswith("bias") or "sinks" in name:
            value = noise
        elif name.endswith(("per_expert_scale", "gamma")):  # matrices take it as they are read, and are still numbers of float16
            value = 2.0 ** noise.round()
        elif name.endswith(("put_min", "put_max")):  # bounds, of which a few numbers are beyond
            value = (1.5 + 0.2 * noise.abs()) * (-1 if name.endswith("min") else 1)
        elif name.endswith("running_var"):
            value = 1 + 0.3 * noise.abs()
        elif parameter.ndim < 2:  # a norm's starts at 1 or 0, a recurrence's where its family says
            value = 0.3 * noise + parameter.data
        elif name.endswith("kv_b_proj.weight"):  # which others are multiplied by as they are read: one number of each column for 16 rows
            chosen = torch.nn.functional.one_hot(noise.reshape(-1, 16, noise.shape[-1]).argmax(1), 16).transpose(1, 2)
            value = noise.sign() * chosen.reshape(noise.shape)
        elif kind == "fast_vlm" and parameter.ndim > 2:  # convolutions, of any number of taps
            value = 1.3 * noise / parameter[0].numel() ** 0.5
        elif kind == "bitnet" and "_proj" in name:  # what llama.cpp's converter makes of it is then the same
            value = noise.sign() / 8
        else:
            value = 1.5 * noise / parameter.shape[-1] ** 0.5
        if ("embed" in name and kind.startswith("gemma")) or (name.endswith("q_norm.weight") and kind.startswith("gemma4")):
            value = value / (4 if "embed" in name else 8)  # Gemma 4 scales scores by nothing else
        if name.endswith("router.scale"):
            value = value * 8  # which it divides by the root of the hidden size
        parameter.data.copy_(value.bfloat16().half())


def computed(model: Any, tokens: torch.Tensor) -> np.ndarray:
    """Logits after each token, of a model without a head its last hidden states: float32[tokens, .]."""
    output = model(tokens)
    values: np.ndarray = (output.logits if "logits" in output else output.last_hidden_state)[0].numpy()
    return values


def write(model: Any, folder: Path, config: dict[str, Any]) -> None:
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")


def rename(file: Path, renamed: dict[str, str]) -> None:
    tensors = load_file(file)
    save_file({re.sub("|".join(renamed) or "$^", lambda part: renamed[part[0]], name): each for name, each in tensors.items()}, file)


def make(llama_cpp: Path, family: str, tokens: torch.Tensor, forked: torch.Tensor) -> None:
    recipe = json.loads((FAMILIES / f"{family}.json").read_text("utf-8"))
    config, folder = recipe["config"], FIXTURES / f"tiny-{family}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    torch.manual_seed(20)
    read = transformers.AutoConfig.for_model(**copy.deepcopy(config))
    kind = getattr(transformers, config["architectures"][0], None) or transformers.MODEL_FOR_CAUSAL_LM_MAPPING[type(read)]
    model = kind(read).float().eval()
    randomise(model, config["model_type"])
    write(model.half(), folder, config)
    if "no_gguf" not in recipe:
        with tempfile.TemporaryDirectory() as name:  # in a type that the converter computes with in float32
            write(model.bfloat16(), Path(name), config)
            rename(Path(name, "model.safetensors"), recipe.get("renamed", {}))
            convert(llama_cpp, Path(name), folder / "model.gguf", tokenizer=FIXTURES / "tiny-llama")
    written = transformers.AutoConfig.from_pretrained(folder)
    model = kind.from_pretrained(folder, config=written, dtype=torch.float32, attn_implementation="eager").eval()
    logits = computed(model, tokens)
    np.save(REFERENCE / f"tiny-{family}.npy", logits)  # float32[TOKENS, .]
    if "like" not in recipe:
        np.save(REFERENCE / f"tiny-{family}-fork.npy", computed(model, forked)[FORK:])  # float32[FORKED, .]
    if "shorter" in recipe:
        np.save(REFERENCE / f"tiny-{family}-short.npy", computed(model, tokens[:, : recipe["shorter"]]))
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{family}: standard deviation of what it computes {logits.std():.2f}, {size // 1000} kB")


def main() -> None:
    llama_cpp, *families = sys.argv[1:]
    torch.set_grad_enabled(False)
    tokens = torch.randint(6, VOCABULARY, (1, TOKENS), generator=torch.Generator().manual_seed(21))
    others = torch.randint(6, VOCABULARY, (1, FORKED), generator=torch.Generator().manual_seed(22))
    forked = torch.cat([tokens[:, :FORK], others], 1)
    for family in families or sorted(path.stem for path in FAMILIES.glob("*.json")):
        make(Path(llama_cpp), family, tokens, forked)
    texts = {"tokens": tokens[0].tolist(), "forked": forked[0].tolist()}
    (REFERENCE / "tiny-models.json").write_text(json.dumps(texts) + "\n", "utf-8")


if __name__ == "__main__":
    main()
