"""The files that the library sentence-transformers adds to a model's folder: how its states become a text's vector."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from reprlib import repr as shown

from webllm_build.errors import UnsupportedArchitecture
from webllm_build.source.embedding import Dense, Embedding, Pooling
from webllm_build.source.files import MAX_CONFIG_BYTES, malformed, parse_json, read_bytes, read_json
from webllm_build.source.folder import Folder

MODULES = "modules.json"
LIMITS = ("sentence_bert_config.json", "sentence_roberta_config.json", "sentence_xlm-roberta_config.json")
PROMPTS = "config_sentence_transformers.json"
MODULE_CONFIGS = ("*_Pooling/config.json", "*_Dense/config.json")
# All of these files, as patterns.
FILES = (MODULES, *LIMITS, PROMPTS, *MODULE_CONFIGS)
MAX_MODULES, MAX_PROMPTS, MAX_PROMPT = 8, 64, 4096
# By its flag in an older file, or its name in a newer one.
POOLINGS: Mapping[str, Pooling] = {"cls": "cls", "mean": "mean", "lasttoken": "last"}
FLAGS: Mapping[str, str] = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_lasttoken": "lasttoken",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
}
HINT = "Supported are Transformer, Pooling (cls, mean or lasttoken), Dense and Normalize, in this order."


def read_embedding(folder: Folder) -> Embedding | None:
    """None for a model that was not published so. Raises UnsupportedArchitecture, MalformedFile."""
    path = folder.find(MODULES)
    if path is None:
        return None
    modules = parse_json(path, b'{"modules":%s}' % read_bytes(path, MAX_CONFIG_BYTES))["modules"]
    if not isinstance(modules, list) or len(modules) > MAX_MODULES or not all(isinstance(module, dict) for module in modules):
        raise malformed(path, f"it is not a list of at most {MAX_MODULES} modules")
    kinds = [str(module.get("type")).rpartition(".")[2] for module in modules]
    folders = [_plain(folder, module.get("path")) for module in modules]
    dense = kinds.count("Dense")
    if kinds not in (["Transformer", "Pooling", *["Dense"] * dense, *end] for end in ([], ["Normalize"])) or folders[0]:
        raise UnsupportedArchitecture(f"{path} has the modules {', '.join(map(shown, kinds))}", HINT)
    limits = next((read_json(found) for name in LIMITS if (found := folder.find(name)) is not None), {})
    if limits.get("do_lower_case") is True:
        raise UnsupportedArchitecture(f"{folder.path} has texts made lower case before they are tokenized (do_lower_case)", HINT)
    most, prompts = limits.get("max_seq_length"), folder.find(PROMPTS)
    named, default = _prompts(folder, {} if prompts is None else read_json(prompts))
    return Embedding(
        _pooling(folder, folders[1]),
        tuple(_dense(folder, name) for name in folders[2 : 2 + dense]),
        most if isinstance(most, int) and most > 0 else None,
        named,
        default,
    )


def _plain(folder: Folder, path: object) -> str:
    """A module's folder: a name, or nothing. It is not to lead anywhere else."""
    if not isinstance(path, str) or len(PurePosixPath(path).parts) > 1 or path.startswith(("/", ".")):
        raise malformed(folder.path / MODULES, f"{shown(path)} is not a folder in it")
    return path


def _pooling(folder: Folder, name: str) -> Pooling:
    path = folder.existing(f"{name}/config.json", "It says which states of a text's tokens its vector is made of.")
    config = read_json(path)
    given = config.get("pooling_mode", [FLAGS[flag] for flag in FLAGS if config.get(flag) is True] or ["mean"])
    modes = given if isinstance(given, list) else [given]
    if len(modes) != 1 or not isinstance(modes[0], str) or modes[0] not in POOLINGS:
        raise UnsupportedArchitecture(f"{path} pools by {', '.join(map(shown, modes))}", HINT)
    if config.get("include_prompt") is False:
        raise UnsupportedArchitecture(f"{path} leaves the tokens of a prompt out (include_prompt)", HINT)
    return POOLINGS[modes[0]]


def _dense(folder: Folder, name: str) -> Dense:
    path = folder.existing(f"{name}/config.json", "It describes a layer behind the pooling.")
    config = read_json(path)
    sizes = [config.get(key) for key in ("in_features", "out_features")]
    activation = str(config.get("activation_function", "torch.nn.modules.activation.Tanh")).rpartition(".")[2]
    if activation != "Identity":
        raise UnsupportedArchitecture(f"{path} has the activation {shown(activation)}", "Supported is Identity.")
    inputs, outputs = (size if isinstance(size, int) and 0 < size <= 1 << 16 else 0 for size in sizes)
    if not (inputs and outputs):
        raise malformed(path, "in_features and out_features are whole numbers")
    return Dense(f"{name}.linear", inputs, outputs, config.get("bias", True) is not False)


def _prompts(folder: Folder, config: Mapping[str, object]) -> tuple[dict[str, str], str | None]:
    given, default = config.get("prompts") or {}, config.get("default_prompt_name")
    if not isinstance(given, Mapping) or len(given) > MAX_PROMPTS or not all(isinstance(text, str) for text in given.values()):
        raise malformed(folder.path / PROMPTS, "prompts is not an object of texts")
    if any(len(text) > MAX_PROMPT for text in (*given, *given.values())):
        raise malformed(folder.path / PROMPTS, f"a prompt is longer than {MAX_PROMPT} characters")
    if default is not None and (not isinstance(default, str) or default not in given):
        raise malformed(folder.path / PROMPTS, f"default_prompt_name is {shown(default)}, which is not one of the prompts")
    return dict(given), default
