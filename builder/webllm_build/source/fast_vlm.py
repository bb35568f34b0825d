"""FastVLM as its makers publish it (llava_qwen2, with code of their own), in the words of transformers (fast_vlm): so its tower, its text
and its processor are described once. A prompt has there a number in the place of a picture; here a token that the vocabulary gets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace

from webllm_build.source.checkpoint import Checkpoint, Tokenizer
from webllm_build.source.processor import PREPROCESSOR
from webllm_build.source.tokenizer_json import read_facts

MAKERS, MODEL = "llava_qwen2", "fast_vlm"
TOWER = re.compile(r"mobileclip_l_(\d{1,5})", re.ASCII)  # with the side of its pictures
IMAGE = "<image>"
# Keys of what joins pictures to the text, whose own keys lie among them.
KEYS = frozenset(
    {"freeze_mm_mlp_adapter", "image_aspect_ratio", "image_grid_pinpoints", "tune_mm_mlp_adapter", "unfreeze_mm_vision_tower"}
    | {f"mm_{key}" for key in ("hidden_size", "patch_merge_type", "projector_lr", "projector_type", "use_im_patch_token", "vision_tower")}
    | {"mm_use_im_start_end", "mm_vision_select_feature", "mm_vision_select_layer", "use_mm_proj"}
)
OUTER = frozenset({"architectures", "model_type", "tie_word_embeddings", "torch_dtype", "dtype", "transformers_version"})
OTHERS = frozenset({"auto_map", "image_token_index", "vision_config"})  # of their code, and of converters of theirs
SEEING, PROJECTOR = "vision_tower.vision_tower.model.", "mm_projector."
UNREAD = "head."  # of the tower alone
# Its stages, what halves their grids, and positions of places lie in one list.
STAGES = {0: "stages.0.blocks", 2: "stages.1.blocks", 4: "stages.2.blocks", 7: "stages.3.blocks", 10: "stages.4.blocks"}
BETWEEN = {
    **{number: f"stages.{stage}.downsample" for stage, number in enumerate((1, 3, 5, 8), 1)},
    **{number: f"stages.{stage}.pos_emb" for stage, number in ((3, 6), (4, 9))},
}
PARTS = {"patch_embed.": "stem.", "conv_exp.": "final_conv.", "se.reduce.": "se.fc1.", "se.expand.": "se.fc2.", "convffn.": "mlp."}
LINEAR = {"0": "linear_1", "2": "linear_2"}
# Qwen2's, with the pictures of a message before its text, as the model was trained.
TEMPLATE = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}"
    "{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}{% endif %}{{ '<|im_start|>' + message['role'] + '\\n' }}"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}{{ '<image>\\n' }}{% endif %}{% endfor %}"
    "{% for part in message['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}"
    "{{ '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def as_transformers(checkpoint: Checkpoint) -> Checkpoint:
    """Another model as it is. Raises MalformedFile, UnsupportedTokenizer."""
    config = checkpoint.config
    tower = TOWER.fullmatch(str(config.get("mm_vision_tower"))) if config.get("model_type") == MAKERS else None
    if tower is None:
        return checkpoint
    text = {key: value for key, value in config.items() if key not in KEYS | OUTER | OTHERS}
    tokenizer, token = _with_token(checkpoint.tokenizer)
    side, is_padded = int(tower[1]), config.get("image_aspect_ratio") == "pad"
    # As their code makes it, whatever else a file says.
    processor = {
        "image_processor_type": "LlavaImageProcessor", "do_center_crop": True, "do_pad": is_padded, "resample": 3,
        "crop_size": {"height": side, "width": side}, "size": {"shortest_edge": side}, "image_mean": [0.0] * 3, "image_std": [1.0] * 3,
    }  # fmt: skip
    found = {
        **{key: value for key, value in config.items() if key in KEYS | OUTER},
        "model_type": MODEL,
        "text_config": {"model_type": "qwen2", **text},
        "vision_config": {"model_type": "timm_wrapper", "architecture": "fastvit_mci3", "model_args": {"inference_mode": True}},
        "image_token_index": token,
    }
    names = {name: _usual_name(name) for name in checkpoint.tensors}
    tensors = {usual: checkpoint.tensors[name] for name, usual in names.items() if usual is not None}
    return replace(checkpoint, config=found, tensors=tensors, tokenizer=tokenizer, processor={PREPROCESSOR: processor})


def _usual_name(name: str) -> str | None:
    """None for a tensor that nobody reads."""
    short = name.removeprefix("model.")
    if short.startswith(PROJECTOR):
        number, _, kind = short.removeprefix(PROJECTOR).partition(".")
        return f"model.multi_modal_projector.{LINEAR.get(number, number)}.{kind}"
    if not short.startswith(SEEING):
        return name
    part = short.removeprefix(SEEING)
    return None if part.startswith(UNREAD) else f"model.vision_tower.timm_model.{_of_timm(part)}"


def _of_timm(part: str) -> str:
    """A part of the tower as timm calls it."""
    place = re.match(r"network\.(\d{1,2})\.", part, re.ASCII)
    if place is not None:
        number = int(place[1])
        part = f"{STAGES.get(number) or BETWEEN.get(number) or place[0]}.{part.removeprefix(place[0])}"
    for theirs, usual in PARTS.items():
        part = part.replace(theirs, usual)
    return re.sub(r"\.(layer_scale(_[12])?)$", r".\1.gamma", part.replace("lkb_reparam.", "reparam_conv."))


def _with_token(tokenizer: Tokenizer) -> tuple[Tokenizer, int]:
    """With the token of a picture, behind the others, and a template that writes it; its id."""
    ids = read_facts(tokenizer).ids
    token = ids.get(IMAGE, max(ids.values()) + 1)
    document = json.loads(tokenizer.tokenizer_json)
    if IMAGE not in ids:
        flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
        document["added_tokens"] = [*(document.get("added_tokens") or []), {"id": token, "content": IMAGE, **flags, "special": True}]
    config: Mapping[str, object] = tokenizer.config
    if IMAGE not in str(config.get("chat_template")):
        config = {**config, "chat_template": TEMPLATE}
    return Tokenizer(json.dumps(document, ensure_ascii=False).encode(), config), token
