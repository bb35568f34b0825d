"""What transformers answers to chats with pictures, by tiny models that see, their own processors and templates, in float32.

Run by hand when the fixtures change, in an environment with transformers 5, torch, torchvision and Pillow:

    python tests/golden/make_tiny_answers.py [FAMILY...]

tests/golden/reference/tiny-vision-FAMILY-answers.json has chats, in which {"picture": [width, height, seed]} is a picture whose pixels
follow from that (`pixels`), the prompts' tokens with the image token for pictures, and the greedy answers' tokens.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from tiny_vision import WRITERS  # noqa: E402

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


def qwen_inputs(processor: Any, tokenizer: Any, text: str, images: list[Image.Image]) -> dict[str, torch.Tensor]:
    """As Qwen3VLProcessor and Lfm3VlProcessor make them, which want a processor of films beside."""
    given = processor(images, return_tensors="pt") if images else {}
    for grid in given.get("image_grid_thw", []):
        text = text.replace("<|image_pad|>", "<|placeholder|>" * (int(grid.prod()) // processor.merge_size**2), 1)
    ids = tokenizer(text.replace("<|placeholder|>", "<|image_pad|>"), return_tensors="pt", add_special_tokens=False)
    is_picture = ids["input_ids"] == tokenizer.convert_tokens_to_ids("<|image_pad|>")
    return {"input_ids": ids["input_ids"], "attention_mask": ids["attention_mask"], **given, "mm_token_type_ids": is_picture.long()}


def answer(model: Any, inputs_of: Any, template: Any, chat: list[Message]) -> dict[str, Any]:
    prompt = template([templated(message) for message in chat], add_generation_prompt=True, tokenize=False)
    sizes = [part["picture"] for message in chat for part in message["content"] if "picture" in part]
    images = [Image.fromarray(pixels(*size)) for size in sizes]
    inputs = inputs_of(prompt, images)
    tokens = model.generate(**inputs, max_new_tokens=COUNT, do_sample=False, eos_token_id=None, pad_token_id=0)
    length = inputs["input_ids"].shape[1]
    return {"messages": chat, "prompt": inputs["input_ids"][0].tolist(), "answer": tokens[0, length:].tolist()}


def by_its_processor(kind: Any) -> Callable[[Path], tuple[Any, Any, Any]]:
    """Of a family whose processor transformers puts together from the folder."""

    def read(folder: Path) -> tuple[Any, Any, Any]:
        tokenizer = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
        processor = transformers.AutoProcessor.from_pretrained(folder, chat_template=tokenizer["chat_template"])

        def inputs(text: str, images: list[Image.Image]) -> Any:
            return processor(text=text, images=images or None, return_tensors="pt", add_special_tokens=False)

        return kind, inputs, processor.apply_chat_template

    return read


def by_qwen_s_processor(kind: Any, *, types: bool) -> Callable[[Path], tuple[Any, Any, Any]]:
    """types: the model is told which tokens are of pictures."""

    def read(folder: Path) -> tuple[Any, Any, Any]:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        processor = transformers.Qwen2VLImageProcessor.from_pretrained(folder)

        def inputs(text: str, images: list[Image.Image]) -> dict[str, torch.Tensor]:
            given = qwen_inputs(processor, tokenizer, text, images)
            return given if types else {name: value for name, value in given.items() if name != "mm_token_type_ids"}

        return kind, inputs, tokenizer.apply_chat_template

    return read


def gemma4(folder: Path) -> tuple[Any, Any, Any]:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    settings = json.loads((folder / "processor_config.json").read_text("utf-8"))
    processor = transformers.Gemma4ImageProcessor(**settings["image_processor"])

    def inputs(text: str, images: list[Image.Image]) -> dict[str, Any]:
        """As Gemma4Processor makes them."""
        given = processor(images, return_tensors="pt") if images else {}
        for count in given.pop("num_soft_tokens_per_image", []):
            text = text.replace("<|image|>", "<|image>" + "<|picture|>" * int(count) + "<image|>", 1)
        ids = tokenizer(text.replace("<|picture|>", "<|image|>"), return_tensors="pt", add_special_tokens=False)
        is_picture = ids["input_ids"] == tokenizer.convert_tokens_to_ids("<|image|>")
        return {"input_ids": ids["input_ids"], "attention_mask": ids["attention_mask"], **given, "mm_token_type_ids": is_picture.long()}

    return transformers.Gemma4ForConditionalGeneration, inputs, tokenizer.apply_chat_template


FAMILIES = {
    "fast_vlm": by_its_processor(transformers.FastVlmForConditionalGeneration),
    "gemma4": gemma4,
    "lfm3_vl": by_qwen_s_processor(transformers.Lfm3VlForConditionalGeneration, types=False),
    "llava": by_its_processor(transformers.LlavaForConditionalGeneration),
    "llava_next": by_its_processor(transformers.LlavaNextForConditionalGeneration),
    "qwen3_vl": by_qwen_s_processor(transformers.Qwen3VLForConditionalGeneration, types=True),
    "smolvlm": by_its_processor(transformers.SmolVLMForConditionalGeneration),
}


def main() -> None:
    torch.set_grad_enabled(False)
    for family in sys.argv[1:] or FAMILIES:
        with tempfile.TemporaryDirectory() as name:
            folder = WRITERS[family](Path(name))
            kind, inputs, template = FAMILIES[family](folder)
            attention = None if family == "fast_vlm" else "eager"  # which timm's models have no other of
            model = kind.from_pretrained(folder, dtype=torch.float32, attn_implementation=attention).eval()
            chats = {name: answer(model, inputs, template, chat) for name, chat in CHATS.items()}
        (HERE / "reference" / f"tiny-vision-{family}-answers.json").write_text(json.dumps(chats) + "\n", "utf-8")
        for name, chat in chats.items():
            print(f"{family}, {name}: {len(chat['prompt'])} tokens, {chat['answer']}")


if __name__ == "__main__":
    main()
