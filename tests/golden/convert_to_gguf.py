"""A folder's model as llama.cpp's own converter writes it, with a tokenizer that it does not know."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any


def convert(llama_cpp: Path, folder: Path, target: Path, tokenizer: Path) -> None:
    """Writes the file `target`, matrices in float16, of a folder that may lack a tokenizer. llama_cpp: what holds the package `conversion`
    and gguf-py. tokenizer: the folder whose byte-level tokenizer the file gets, as one of GPT-2's kind, whatever its family has."""
    for place in (llama_cpp, llama_cpp / "gguf-py"):
        if str(place) not in sys.path:
            sys.path.insert(0, str(place))
    import gguf

    conversion: Any = import_module("conversion")

    def vocabulary(model: Any) -> tuple[list[str], list[int], str]:
        file = json.loads((tokenizer / "tokenizer.json").read_text("utf-8"))
        control = {token["content"] for token in file["added_tokens"]}
        tokens = sorted(file["model"]["vocab"], key=file["model"]["vocab"].get)
        return tokens, [gguf.TokenType.CONTROL if token in control else gguf.TokenType.NORMAL for token in tokens], "gpt-2"

    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer / name, folder)
    found = conversion.ModelBase.load_hparams(folder, False)
    given = json.loads((folder / "config.json").read_text("utf-8"))
    lost = {key: value for key, value in given.items() if key not in found}  # which transformers 5 takes away, or calls otherwise
    model = conversion.get_model_class(conversion.get_model_architecture(found, conversion.ModelType.TEXT))
    for kind in (model, getattr(model, "Ministral3Model", model)):  # which does the work of the other
        kind.set_vocab, kind.get_vocab_base = conversion.TextModel._set_vocab_gpt2, vocabulary
        kind._is_tokenizer_xlmroberta = lambda _: False  # Nomic's asks
    modify = model.modify_tensors

    def modified(*given: Any) -> Iterator[Any]:
        yield from (yield from modify(*given)) or ()  # StableLM's returns what it should yield

    model.modify_tensors = modified
    model(folder, gguf.LlamaFileType.MOSTLY_F16, target, model_name=target.parent.name, hparams={**found, **lost}).write()


def convert_vision(llama_cpp: Path, folder: Path, target: Path, preprocessor: dict[str, Any]) -> None:
    """Writes what a folder's model has for pictures, matrices in float16, as the file that llama.cpp calls mmproj. folder: a copy, which is
    changed. preprocessor: of preprocessor_config.json, what the converter reads."""
    for place in (llama_cpp, llama_cpp / "gguf-py"):
        if str(place) not in sys.path:
            sys.path.insert(0, str(place))
    import gguf
    from safetensors.numpy import load_file, save_file

    conversion: Any = import_module("conversion")
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor), "utf-8")
    tensors = load_file(folder / "model.safetensors")  # which the converter knows as transformers 4 called them, where that had them
    older = "vision_tower." if any(".patch_embedder." in name for name in tensors) else "vision_tower.vision_model."
    renamed = {name.replace("vision_tower.", older): tensor for name, tensor in tensors.items()}
    save_file(renamed, folder / "model.safetensors")
    found = conversion.ModelBase.load_hparams(folder, False)
    model = conversion.get_model_class(conversion.get_model_architecture(found, conversion.ModelType.MMPROJ), mmproj=True)
    model(folder, gguf.LlamaFileType.MOSTLY_F16, target, model_name=target.parent.name).write()
