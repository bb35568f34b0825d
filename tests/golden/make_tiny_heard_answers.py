"""What transformers answers to chats with sounds, by tiny models that hear, their own feature extractors and templates, in float32.

Run by hand when the fixtures change, in an environment with transformers 5, torch, torchvision and Pillow:

    python tests/golden/make_tiny_heard_answers.py

tests/golden/reference/tiny-audio-gemma4-answers.json is as make_tiny_answers.py's, with {"sound": [samples, seed]} for a sound of 16,000
samples a second of 16 bits that follow from that (`samples`).
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from make_tiny_answers import COUNT, FAMILIES, pixels  # noqa: E402

from tiny_vision import write_tiny_gemma4  # noqa: E402

Message = dict[str, Any]


def samples(count: int, seed: int) -> np.ndarray:
    """int16[count]."""
    i = np.arange(count, dtype=np.int64)
    return ((((7 + seed) * i * i + 131 * i) % 2001 - 1000) * 16).astype(np.int16)


def said(role: str, *parts: str | dict[str, list[int]]) -> Message:
    return {"role": role, "content": [{"text": part} if isinstance(part, str) else part for part in parts]}


def heard(count: int, seed: int) -> dict[str, list[int]]:
    return {"sound": [count, seed]}


CHATS: dict[str, list[Message]] = {
    "a sound and a question": [said("user", heard(16000, 1), "What is said?")],
    "a question and two sounds of odd lengths": [said("user", "Compare", heard(4321, 2), " and ", heard(9999, 3))],
    "a picture and a sound": [said("user", {"picture": [40, 24, 1]}, "What is", heard(2500, 4), "here?")],
    "in two turns": [
        *(said("user", heard(5000, 5), "What?"), said("assistant", "a thing")),
        said("user", "And here?", heard(7777, 6)),
    ],
}


def templated(message: Message) -> Message:
    kinds = {"picture": "image", "sound": "audio"}
    parts = [{"type": "text", "text": part["text"]} if "text" in part else {"type": kinds[min(part)]} for part in message["content"]]
    return {"role": message["role"], "content": parts}


def main() -> None:
    torch.set_grad_enabled(False)
    with tempfile.TemporaryDirectory() as name:
        folder = write_tiny_gemma4(Path(name))
        kind, inputs_of, template = FAMILIES["gemma4"](folder)
        settings = json.loads((folder / "processor_config.json").read_text("utf-8"))["feature_extractor"]
        extractor = transformers.Gemma4AudioFeatureExtractor(**settings)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        model = kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        chats = {}
        for title, chat in CHATS.items():
            prompt = template([templated(message) for message in chat], add_generation_prompt=True, tokenize=False)
            parts = [part for message in chat for part in message["content"]]
            waves = [samples(*part["sound"]) / np.float32(32768) for part in parts if "sound" in part]
            given = extractor(waves, return_tensors="pt")
            for mask in given["input_features_mask"]:
                prompt = prompt.replace("<|audio|>", "<|audio>" + "<|sound|>" * int(mask[::2][::2].sum()) + "<audio|>", 1)
            images = [Image.fromarray(pixels(*part["picture"])) for part in parts if "picture" in part]
            inputs = inputs_of(prompt.replace("<|sound|>", "<|audio|>"), images)
            assert tokenizer.convert_tokens_to_ids("<|audio|>") in inputs["input_ids"]
            found = model.generate(**inputs, **given, max_new_tokens=COUNT, do_sample=False, eos_token_id=None, pad_token_id=0)
            length = inputs["input_ids"].shape[1]
            chats[title] = {"messages": chat, "prompt": inputs["input_ids"][0].tolist(), "answer": found[0, length:].tolist()}
            print(f"{title}: {length} tokens, {chats[title]['answer']}")
    (HERE / "reference" / "tiny-audio-gemma4-answers.json").write_text(json.dumps(chats) + "\n", "utf-8")


if __name__ == "__main__":
    main()
