"""Makes tests/fixtures/processor_defaults.json: what transformers' image processors take for what a file does not say.

Run by hand when a processor is added, in an environment with transformers 5. The classes' bodies are read alone, as some need torchvision.
"""

from __future__ import annotations

import ast
import importlib.util
import json
from pathlib import Path

from PIL.Image import Resampling
from transformers import image_utils

MODELS = {
    "idefics3": "Idefics3ImageProcessor",
    "smolvlm": "SmolVLMImageProcessor",
    "gemma3": "Gemma3ImageProcessor",
    "clip": "CLIPImageProcessor",
    "llava": "LlavaImageProcessor",
    "llava_next": "LlavaNextImageProcessor",
    "siglip": "SiglipImageProcessor",
    "lfm2_vl": "Lfm2VlImageProcessor",
    "qwen2_vl": "Qwen2VLImageProcessor",
    "gemma4": "Gemma4ImageProcessor",
}
OUT = Path(__file__).resolve().parents[1] / "fixtures" / "processor_defaults.json"


def defaults(model: str, name: str) -> dict[str, object]:
    spec = importlib.util.find_spec(f"transformers.models.{model}.image_processing_{model}")
    assert spec is not None and spec.origin is not None
    (body,) = (node.body for node in ast.parse(Path(spec.origin).read_text()).body if isinstance(node, ast.ClassDef) and node.name == name)
    known = {"PILImageResampling": Resampling, "dict": dict, **vars(image_utils)}
    values = {ast.unparse(node.targets[0]): node.value for node in body if isinstance(node, ast.Assign)}
    found = {key: eval(ast.unparse(value), known) for key, value in values.items() if key not in ("valid_kwargs", "model_input_names")}
    return {key: value for key, value in sorted(found.items()) if value is not None}


if __name__ == "__main__":
    OUT.write_text(json.dumps({name: defaults(model, name) for model, name in MODELS.items()}, indent=1) + "\n")
