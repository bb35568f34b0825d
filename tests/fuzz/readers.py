"""What is read of strangers in a build, before anything is compiled. Each function makes an input's files, and reads them."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from gguf_file import GGUFFile
from mutation import Json, json_bytes, mutated_bytes, mutated_json

import mlc_model
import tiny_vision
from webllm_build import inspection
from webllm_build.config import BuildRequest, resolve
from webllm_build.config_file import read_config
from webllm_build.model import load_model, read_model
from webllm_build.progress import Silent
from webllm_build.quantize.imatrix import read_imatrix
from webllm_build.source.gguf import open_gguf
from webllm_build.source.processor import read_processor
from webllm_build.source.sound import read_sound

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
GOLDEN = ROOT / "runtime_js" / "test" / "golden"
TINY = FIXTURES / "tiny-llama"
Target = Callable[[Random, Path], None]


def target(function: Target) -> Target:
    function.is_target = True  # type: ignore[attr-defined]
    return function


@functools.cache
def configs() -> Mapping[str, Json]:
    """By the folders that have models, and of published models alone."""
    paths = [*FIXTURES.glob("tiny-*/config.json"), *FIXTURES.glob("configs/*.json")]
    return {str(path): json.loads(path.read_text("utf-8")) for path in sorted(paths)}


@functools.cache
def companions() -> Mapping[str, Json]:
    """Small files of a model's folder, by their names, as published ones have them."""
    files = json_files(TINY, "*.json")
    del files["config.json"]
    files["special_tokens_map.json"] = {"eos_token": {"content": "</s>", "lstrip": False}, "bos_token": "<s>"}
    files |= json_files(FIXTURES / "tiny-llama-sharded", "model.*.json")
    kinds = {"": "Transformer", "1_Pooling": "Pooling", "2_Dense": "Dense", "3_Normalize": "Normalize"}
    files["modules.json"] = [{"path": path, "type": f"sentence_transformers.models.{kind}"} for path, kind in kinds.items()]
    files["1_Pooling/config.json"] = {"word_embedding_dimension": 64, "pooling_mode_mean_tokens": True, "include_prompt": True}
    linear = "torch.nn.modules.linear.Identity"
    files["2_Dense/config.json"] = {"in_features": 64, "out_features": 96, "bias": False, "activation_function": linear}
    files["sentence_bert_config.json"] = {"max_seq_length": 64, "do_lower_case": False}
    prompts = {"prompts": {"query": "query: "}, "default_prompt_name": None, "similarity_fn_name": "cosine"}
    files["config_sentence_transformers.json"] = prompts
    return files


def json_files(folder: Path, *patterns: str) -> dict[str, Json]:
    return {path.name: json.loads(path.read_text("utf-8")) for pattern in patterns for path in sorted(folder.glob(pattern))}


def copied(source: Path, folder: Path) -> Path:
    """A model's folder, with a tokenizer where it has none."""
    shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.gguf"))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        if not (folder / name).exists():
            shutil.copy(TINY / name, folder)
    return folder


def inspect(path: Path, *, tokenizer: bool = False, **options: Any) -> None:
    """tokenizer: also what takes a second, and runs in processes of its own."""
    request = BuildRequest(kind="site", models=(str(path),), cache_dir=path.parent / "cache", **options)
    with nullcontext() if tokenizer else patch.object(inspection, "check_tokenizer"):
        inspection.inspect(request, Silent())


def changed_files(random: Random, folder: Path, files: Mapping[str, Json]) -> None:
    """One or some of a folder's JSON files."""
    for name in random.sample(sorted(files), min(len(files), random.choice((1, 1, 1, 2, 3)))):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(json_bytes(random, files[name], [*files.values(), *configs().values()]))


@target
def config(random: Random, folder: Path) -> None:
    """config.json of every family"""
    path = random.choice(list(configs()))
    if Path(path).name != "config.json":
        changed = mutated_json(random, configs()[path], list(configs().values()))
        read_model("fuzzed", changed if isinstance(changed, dict) else {})
        return
    model = copied(Path(path).parent, folder / "model")
    (model / "config.json").write_bytes(json_bytes(random, configs()[path], list(configs().values())))
    inspect(model)


@target
def companion(random: Random, folder: Path) -> None:
    """the other JSON files of a folder: tokenizer, generation, index, sentence-transformers"""
    model = copied(FIXTURES / random.choice(("tiny-llama", "tiny-llama-sharded", "tiny-qwen3", "tiny-bert")), folder / "model")
    files = companions()
    if random.random() < 0.5:
        for name in ("modules.json", "1_Pooling/config.json", "sentence_bert_config.json", "config_sentence_transformers.json"):
            (model / name).parent.mkdir(exist_ok=True)
            (model / name).write_text(json.dumps(files[name] if name != "modules.json" else files[name][:2]))
    changed_files(random, model, files)
    inspect(model)


@target
def safetensors(random: Random, folder: Path) -> None:
    """headers of safetensors"""
    model = copied(TINY, folder / "model")
    path = model / "model.safetensors"
    data = path.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    if random.random() < 0.7:
        header = json_bytes(random, json.loads(data[8:end]), [])
        path.write_bytes((len(header) + random.choice((0, 0, 0, 0, 1, -1, 2**40))).to_bytes(8, "little") + header + data[end:])
    else:
        path.write_bytes(mutated_bytes(random, data[:end]) + data[end:])
    inspect(model)


@target
def gguf(random: Random, folder: Path) -> None:
    """GGUF files of every family that has one: keys, values, tensors, bytes"""
    path = random.choice(sorted(FIXTURES.glob("tiny-*/model.gguf")))
    inspect(changed_gguf(random, path, folder / "model.gguf"))


@target
def mmproj(random: Random, folder: Path) -> None:
    """GGUF files of what sees, beside a model"""
    path = random.choice(sorted(FIXTURES.glob("tiny-*/mmproj.gguf")))
    families = {"tiny-vision-gemma3": "tiny-gemma3", "tiny-vision-smolvlm": "tiny-llama", "tiny-vision-qwen3_vl": "tiny-qwen3_vl"}
    text = FIXTURES / families.get(path.parent.name, "tiny-qwen2_vl") / "model.gguf"
    shutil.copy(text if text.exists() else FIXTURES / "tiny-qwen3/model.gguf", folder / "model.gguf")
    inspect(folder / "model.gguf") if changed_gguf(random, path, folder / "mmproj.gguf") else None


def changed_gguf(random: Random, source: Path, path: Path) -> Path:
    file = GGUFFile.read(source)
    if random.random() < 0.75:
        path.write_bytes(file.changed(random).bytes())
    else:
        path.write_bytes(mutated_bytes(random, file.header) + file.data)
    return path


@target
def adapter(random: Random, folder: Path) -> None:
    """LoRA adapters"""
    name = random.choice(("tiny-llama", "tiny-phi3"))
    model = copied(FIXTURES / name, folder / "model")
    source = FIXTURES / f"{name}-adapter"
    lora = Path(shutil.copytree(source, folder / "adapter"))
    said = json.loads((lora / "adapter_config.json").read_text("utf-8"))
    if random.random() < 0.7:
        (lora / "adapter_config.json").write_bytes(json_bytes(random, said, [said]))
    else:
        data = (lora / "adapter_model.safetensors").read_bytes()
        end = 8 + int.from_bytes(data[:8], "little")
        header = json_bytes(random, json.loads(data[8:end]), [])
        (lora / "adapter_model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + data[end:])
    inspect(model, adapter=str(lora))


@functools.cache
def mlc_arrays() -> mlc_model.Arrays:
    return mlc_model.stored("q4f16_1")


@target
def mlc(random: Random, folder: Path) -> None:
    """folders of MLC: mlc-chat-config.json and the tensor cache"""
    model = mlc_model.write(folder / "model", mlc_arrays())
    changed_files(random, model, json_files(model, "mlc-chat-config.json", "tensor-cache.json"))
    inspect(model)


@target
def seeing(random: Random, folder: Path) -> None:
    """what a model that sees says of pictures"""
    writers = [writer for name, writer in vars(tiny_vision).items() if name.startswith("write_tiny")]
    model = random.choice(writers)(folder / "model") or folder / "model"
    changed_files(random, model, json_files(model, "*config.json"))
    inspect(model)


@target
def processor(random: Random, folder: Path) -> None:
    """processors of pictures and of sounds, of all kinds"""
    pictures, sounds = (json.loads((GOLDEN / name).read_text("utf-8")) for name in ("pictures.json", "sounds.json"))
    kinds = [*(value for value in pictures.values() if "files" in value), sounds]
    kind = random.choice(kinds)
    read = read_sound if kind is sounds else read_processor
    files, said = mutated_json(random, kind["files"], [other["files"] for other in kinds]), kind["config"]
    if random.random() < 0.3:
        said = mutated_json(random, said, [other["config"] for other in kinds])
    if isinstance(files, dict) and isinstance(said, dict) and all(isinstance(file, dict) for file in files.values()):
        read(said, files, lambda token: str(kind["tokens"].get(str(token), "x")))


@functools.cache
def imatrix_files() -> tuple[GGUFFile, bytes]:
    """In the newer format and in the older."""
    model = load_model(open_gguf(FIXTURES / "tiny-qwen3" / "model.gguf"))
    names = {f"blk.{layer}.{part}.weight": 64 for layer in (0, 1) for part in ("attn_q", "ffn_up", "ffn_down")}
    widths = {name: next((weight.shape[1] for weight in model.weights if weight.kind == "linear"), size) for name, size in names.items()}
    return GGUFFile.of_sums(widths), GGUFFile.older_imatrix(widths)


@target
def imatrix(random: Random, folder: Path) -> None:
    """importance matrices"""
    newer, older = imatrix_files()
    data = newer.changed(random).bytes() if random.random() < 0.5 else mutated_bytes(random, random.choice((newer.bytes(), older)))
    (folder / "imatrix").write_bytes(data)
    read_imatrix(folder / "imatrix", load_model(open_gguf(FIXTURES / "tiny-qwen3" / "model.gguf")))


TOML = """model = "smollm2-135m"
out = "dist"
title = "Chat"
quantization = "q4"
context-length = 4096
prefill-chunk = 512
minify = true
[[models]]
model = "qwen3-0.6b"
kv = "q8"
[theme]
accent = "#336699"
"""
ODD_TOML = ("", "1", "-1", "1e400", "nan", '"x"', "[]", "{}", "true", "1979-05-27", "[1, [2]]", '"\\u0000"', "9" * 30, '""')


@target
def toml(random: Random, folder: Path) -> None:
    """webllm.toml"""
    lines = TOML.splitlines()
    for _ in range(random.randrange(4)):
        at = random.randrange(len(lines))
        key = lines[at].partition(" = ")[0]
        value = random.choice(ODD_TOML)
        lines[at : at + random.choice((0, 1))] = random.choice(([f"{key} = {value}"], [f"[{key}]"], [f"[[{key}]]"], [f"{key}.a = {value}"]))
    data = "\n".join(lines).encode()
    (folder / "webllm.toml").write_bytes(mutated_bytes(random, data) if random.random() < 0.4 else data)
    read = read_config(folder / "webllm.toml")
    for problem in read.problems:
        str(problem)
    resolve(BuildRequest(**{"kind": "site", **read.values}))


@target
def sentencepiece(random: Random, folder: Path) -> None:
    """tokenizer.model of SentencePiece"""
    model = copied(TINY, folder / "model")
    (model / "tokenizer.json").unlink()
    source = random.choice(sorted((FIXTURES / "sentencepiece").glob("*.model")))
    (model / "tokenizer.model").write_bytes(mutated_bytes(random, source.read_bytes()))
    inspect(model)


@target
def tokenizer(random: Random, folder: Path) -> None:
    """tokenizer.json and what is rendered with it, in their processes (a second each)"""
    model = copied(TINY, folder / "model")
    changed_files(random, model, json_files(model, "tokenizer*.json"))
    inspect(model, tokenizer=True)


@target
def template(random: Random, folder: Path) -> None:
    """chat templates, by both programs that render them (a second each)"""
    model = copied(TINY, folder / "model")
    text = random.choice(sorted((FIXTURES / "templates").glob("*.jinja"))).read_bytes()
    (model / "chat_template.jinja").write_bytes(mutated_bytes(random, text))
    inspect(model, tokenizer=True)
