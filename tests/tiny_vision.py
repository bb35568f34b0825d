"""The tiny model that sees as a folder that a build takes: with SmolVLM's tokens of pictures, its template, and how it makes patches."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

FIXTURES = Path(__file__).resolve().parent / "fixtures"
TILES = 6  # of a row and of a column, of which there are tokens
FIRST = 300  # of the tokens behind those of the tiny Llama; the model's config knows the image's as 301
TOKENS = [
    *("<fake_token_around_image>", "<image>", "<global-img>"),
    *(f"<row_{row}_col_{column}>" for row in range(1, TILES + 1) for column in range(1, TILES + 1)),
    *("<end_of_utterance>", "<|im_start|>"),
    *("<start_of_image>", "<image_soft_token>", "<end_of_image>"),  # of Gemma 3
]
# As SmolVLM's own.
TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{message['role'] | capitalize}}{% if message['content'][0]['type'] == 'image' %}{{':'}}"
    "{% else %}{{': '}}{% endif %}{% for line in message['content'] %}{% if line['type'] == 'text' %}{{line['text']}}"
    "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
# Tiles of 16 x 16 pixels, of patches of 4 x 4, of which four become a vector.
PREPROCESSOR = {
    "do_convert_rgb": True,
    "do_image_splitting": True,
    "do_normalize": True,
    "do_pad": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_processor_type": "SmolVLMImageProcessor",
    "image_std": [0.5, 0.5, 0.5],
    "max_image_size": {"longest_edge": 16},
    "processor_class": "SmolVLMProcessor",
    "resample": 1,
    "rescale_factor": 0.00392156862745098,
    "size": {"longest_edge": 64},
}
PROCESSOR = {"image_seq_len": 4, "processor_class": "SmolVLMProcessor"}


# Of Qwen3-VL: pictures in their own sizes, of 64 to 1,024 pixels.
QWEN_TOKENS = ["<|vision_start|>", "<|image_pad|>", "<|vision_end|>", "<|video_pad|>", "<|im_start|>", "<|im_end|>"]
QWEN_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}{% for line in message['content'] %}"
    "{% if line['type'] == 'image' %}{{ '<|vision_start|><|image_pad|><|vision_end|>' }}{% else %}{{ line['text'] }}{% endif %}"
    "{% endfor %}{{ '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
QWEN_PREPROCESSOR = {
    "image_mean": [0.5, 0.5, 0.5],
    "image_processor_type": "Qwen2VLImageProcessorFast",
    "image_std": [0.5, 0.5, 0.5],
    "merge_size": 2,
    "patch_size": 4,
    "processor_class": "Qwen3VLProcessor",
    "size": {"shortest_edge": 64, "longest_edge": 1024},
    "temporal_patch_size": 2,
}


# Of LLaVA with CLIP: the middle of a picture.
LLAVA_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] | upper + ': ' }}{% for line in message['content'] %}"
    "{% if line['type'] == 'image' %}{{ '<image>\n' }}{% else %}{{ line['text'] }}{% endif %}{% endfor %}{{ '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)
LLAVA_PREPROCESSOR = {
    "crop_size": {"height": 16, "width": 16},
    "do_center_crop": True,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_processor_type": "CLIPImageProcessor",
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "processor_class": "LlavaProcessor",
    "resample": 3,
    "size": {"shortest_edge": 16},
}
LLAVA_PROCESSOR = {
    "image_token": "<image>",
    "num_additional_image_tokens": 1,
    "patch_size": 4,
    "processor_class": "LlavaProcessor",
    "vision_feature_select_strategy": "default",
}


# Of FastVLM, as transformers' converter writes it: pictures of 128 x 128 pixels, of which each 64 x 64 become a vector.
FAST_TEMPLATE = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are a helpful "
    "assistant.<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n'}}{# Render all images first #}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'image') %}{{ '<image>' }}{% endfor %}{# Render all text next #}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}{{ '\n' + content['text'] }}{% endfor %}"
    "{{'<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
FAST_PREPROCESSOR = {
    "crop_size": {"height": 128, "width": 128},
    "do_center_crop": True,
    "image_mean": [0.0, 0.0, 0.0],
    "image_processor_type": "CLIPImageProcessor",
    "image_std": [1.0, 1.0, 1.0],
    "processor_class": "LlavaProcessor",
    "resample": 3,
    "size": {"shortest_edge": 128},
}
FAST_PROCESSOR = {"image_token": "<image>", "num_additional_image_tokens": 0, "patch_size": 64, "processor_class": "LlavaProcessor"}


# Of Gemma 4: pictures of up to 70 vectors, each of 3 x 3 patches of 4 x 4 pixels; sounds of 32 bands.
GEMMA4_TOKENS = ["<|turn>", "<turn|>", "<|image>", "<|image|>", "<image|>", "<|audio>", "<|audio|>", "<audio|>", "<|video|>"]
GEMMA4_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ '<|turn>' + message['role'] + '\n' }}"
    "{% for line in message['content'] %}{% if line['type'] == 'image' %}{{ '<|image|>' }}{% elif line['type'] == 'audio' %}"
    "{{ '<|audio|>' }}{% else %}{{ line['text'] }}{% endif %}{% endfor %}{{ '<turn|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|turn>model\n' }}{% endif %}"
)
GEMMA4_PROCESSOR = {
    "audio_ms_per_token": 40,
    "audio_seq_length": 750,
    "image_seq_length": 70,
    "image_processor": {
        "do_normalize": False,
        "image_processor_type": "Gemma4ImageProcessor",
        "max_soft_tokens": 70,
        "patch_size": 4,
        "pooling_kernel_size": 3,
        "resample": 3,
    },
    "feature_extractor": {"feature_extractor_type": "Gemma4AudioFeatureExtractor", "feature_size": 32, "sampling_rate": 16000},
    "processor_class": "Gemma4Processor",
}


def write_tiny_smolvlm(folder: Path) -> Path:
    """Writes the model with its tokenizer and what else a repository of SmolVLM has."""
    files = {"preprocessor_config.json": PREPROCESSOR, "processor_config.json": PROCESSOR}
    return _write("smolvlm", folder, TOKENS, TEMPLATE, {"eos_token": "<end_of_utterance>", "bos_token": "<|im_start|>"}, files)


def write_tiny_qwen3_vl(folder: Path) -> Path:
    """As of Qwen3-VL."""
    names = {"eos_token": "<|im_end|>", "bos_token": None}
    return _write("qwen3_vl", folder, QWEN_TOKENS, QWEN_TEMPLATE, names, {"preprocessor_config.json": QWEN_PREPROCESSOR})


def write_tiny_lfm3_vl(folder: Path) -> Path:
    """As of LFM3-VL, whose processor is Qwen's."""
    names = {"eos_token": "<|im_end|>", "bos_token": None}
    files = {"preprocessor_config.json": QWEN_PREPROCESSOR | {"processor_class": "Lfm3VlProcessor"}}
    return _write("lfm3_vl", folder, QWEN_TOKENS, QWEN_TEMPLATE, names, files)


def write_tiny_llava(folder: Path) -> Path:
    """As of LLaVA 1.5, which leaves out the vector of CLIP's own token."""
    files = {"preprocessor_config.json": LLAVA_PREPROCESSOR, "processor_config.json": LLAVA_PROCESSOR}
    _write("llava", folder, TOKENS[:2], LLAVA_TEMPLATE, {"eos_token": "</s>", "bos_token": "<s>"}, files)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, "vision_feature_select_strategy": "default"}), "utf-8")
    return folder


def write_tiny_llava_next(folder: Path) -> Path:
    """As of LLaVA 1.6."""
    grids = {"do_pad": True, "image_grid_pinpoints": [[16, 32], [32, 16], [32, 32]], "image_processor_type": "LlavaNextImageProcessor"}
    preprocessor = LLAVA_PREPROCESSOR | grids | {"processor_class": "LlavaNextProcessor"}
    files = {"preprocessor_config.json": preprocessor, "processor_config.json": LLAVA_PROCESSOR | {"processor_class": "LlavaNextProcessor"}}
    return _write("llava_next", folder, TOKENS[:2], LLAVA_TEMPLATE, {"eos_token": "</s>", "bos_token": "<s>"}, files)


def write_tiny_fast_vlm(folder: Path) -> Path:
    """As of FastVLM."""
    files = {"preprocessor_config.json": FAST_PREPROCESSOR, "processor_config.json": FAST_PROCESSOR}
    tokens = ["<|im_start|>", "<image>", "<|im_end|>"]
    return _write("fast_vlm", folder, tokens, FAST_TEMPLATE, {"eos_token": "<|im_end|>", "bos_token": None}, files)


def write_tiny_gemma4(folder: Path) -> Path:
    """As of Gemma 4, which hears, too."""
    names = {"eos_token": "<turn|>", "bos_token": "<|turn>"}
    return _write("gemma4", folder, GEMMA4_TOKENS, GEMMA4_TEMPLATE, names, {"processor_config.json": GEMMA4_PROCESSOR})


def _write(
    family: str, folder: Path, tokens: Sequence[str], template: str, names: Mapping[str, object], files: Mapping[str, object]
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(FIXTURES / f"tiny-vision-{family}" / name, folder / name)
    tokenizer = json.loads((FIXTURES / "tiny-llama" / "tokenizer.json").read_text("utf-8"))
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    tokenizer["added_tokens"] += [{"id": FIRST + number, "content": token, **flags} for number, token in enumerate(tokens)]
    size, known = json.loads((folder / "config.json").read_text("utf-8"))["text_config"]["vocab_size"], FIRST + len(tokens)
    tokenizer["added_tokens"] += [{"id": number, "content": f"<{number}>", **flags, "special": False} for number in range(known, size)]
    config = json.loads((FIXTURES / "tiny-llama" / "tokenizer_config.json").read_text("utf-8"))
    config |= {"chat_template": template, **names}
    for name, content in {"tokenizer.json": tokenizer, "tokenizer_config.json": config, **files}.items():
        (folder / name).write_text(json.dumps(content, indent=1), "utf-8")
    return folder


WRITERS: Mapping[str, Callable[[Path], Path]] = {
    "fast_vlm": write_tiny_fast_vlm,
    "gemma4": write_tiny_gemma4,
    "lfm3_vl": write_tiny_lfm3_vl,
    "llava": write_tiny_llava,
    "llava_next": write_tiny_llava_next,
    "qwen3_vl": write_tiny_qwen3_vl,
    "smolvlm": write_tiny_smolvlm,
}
