"""What transformers answers to chats with pictures, by the tiny model that sees, its own processor and its own template, in float32.

Run by hand when the fixtures change, in an environment with transformers 5, torch, torchvision and Pillow:

    python tests/golden/make_tiny_answers.py

tests/golden/reference/tiny-vision-smolvlm-answers.json has chats, in which {"picture": [width, height, seed]} is a picture whose pixels
follow from that (`pixels`), the prompts' tokens with the image token for pictures, and the greedy answers' tokens.
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

from tiny_vision import write_tiny_smolvlm  # noqa: E402

COUNT = 12
Message = dict[str, Any]


def pixels(width: int, height: int, seed: int) -> np.ndarray:
    """uint8[height, width, 3]."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    return ((7 * x + 13 * y + 50 * c + 31 * seed + 9 * ((x * y) % 11)) % 256).astype(np.uint8)


def said(role: str, *parts: str | list[int]) -> Message:
    return {"role": role, "content": [{"text": part} if isinstance(part, str) else {"picture": part} for part in parts]}


CHATS: dict[str, list[Message]] = {
    "text alone": [said("user", "hello there")],
    "a picture and a question": [said("user", [40, 24, 1], "What is this?")],
    "a question and a picture": [said("user", "What is this?", [16, 16, 2])],
    "several pictures of odd sizes": [said("user", "First", [33, 7, 3], " then ", [9, 61, 4], "and?")],
    "in two turns, and again": [
        *(said("user", [21, 21, 5], "What?"), said("assistant", "a thing")),
        *(said("user", "And here?", [50, 13, 6]), said("assistant", "another"), said("user", "Which is larger?", [21, 21, 5])),
    ],
}


def templated(message: Message) -> Message:
    parts = [{"type": "text", "text": part["text"]} if "text" in part else {"type": "image"} for part in message["content"]]
    return {"role": message["role"], "content": parts}


def answer(model: Any, processor: Any, chat: list[Message]) -> dict[str, Any]:
    prompt = processor.apply_chat_template([templated(message) for message in chat], add_generation_prompt=True)
    sizes = [part["picture"] for message in chat for part in message["content"] if "picture" in part]
    images = [Image.fromarray(pixels(*size)) for size in sizes]
    inputs = processor(text=prompt, images=images or None, return_tensors="pt", add_special_tokens=False)
    tokens = model.generate(**inputs, max_new_tokens=COUNT, do_sample=False, eos_token_id=None, pad_token_id=0)
    length = inputs["input_ids"].shape[1]
    return {"messages": chat, "prompt": inputs["input_ids"][0].tolist(), "answer": tokens[0, length:].tolist()}


def main() -> None:
    torch.set_grad_enabled(False)
    with tempfile.TemporaryDirectory() as name:
        folder = write_tiny_smolvlm(Path(name))
        tokenizer = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
        processor = transformers.AutoProcessor.from_pretrained(folder, chat_template=tokenizer["chat_template"])
        kind = transformers.SmolVLMForConditionalGeneration
        model = kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        chats = {name: answer(model, processor, chat) for name, chat in CHATS.items()}
    (HERE / "reference" / "tiny-vision-smolvlm-answers.json").write_text(json.dumps(chats) + "\n", "utf-8")
    for name, chat in chats.items():
        print(f"{name}: {len(chat['prompt'])} tokens, {chat['answer']}")


if __name__ == "__main__":
    main()
