"""A LoRA adapter as the peft library saves it: adapter_config.json and adapter_model.safetensors.

The product of two thin matrices is added to a weight: W + scale * B @ A, scale = lora_alpha / r, or lora_alpha / sqrt(r) with use_rslora
(https://arxiv.org/abs/2106.09685, https://arxiv.org/abs/2312.03732). Whole tensors (modules_to_save) replace the model's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as shown

from webllm_build.errors import MissingFile, ModelNotFound, UnsupportedArchitecture, UnsupportedTokenizer
from webllm_build.interpreter import python
from webllm_build.progress import Progress
from webllm_build.source.checkpoint import Tensor
from webllm_build.source.files import malformed, read_json
from webllm_build.source.folder import Folder
from webllm_build.source.huggingface import HubFolder, parse_reference
from webllm_build.source.local import ADAPTER_CONFIG, CONFIG, tensor_of
from webllm_build.source.names import one_line
from webllm_build.source.safetensors_header import read_safetensors
from webllm_build.source.tokenizer_process import run_child

WEIGHTS = "adapter_model.safetensors"
PREFIX = "base_model.model."  # of peft's names of the model's modules
MODULE = re.compile(r"(?P<module>[\w.]+?)(\.base_layer|\.modules_to_save(\.default)?)?\.(?P<part>\w+)", re.ASCII)
LOW_RANK = re.compile(r"(?P<module>[\w.]+)\.lora_(?P<embedding>embedding_)?(?P<part>[AB])(\.default)?(\.weight)?", re.ASCII)
# Keys that say how an adapter was trained, where it lies, or which tensors it has, as its file does.
IGNORED = frozenset(
    {"auto_mapping", "base_model_name_or_path", "bias", "corda_config", "eva_config", "exclude_modules", "fan_in_fan_out", "inference_mode"}
    | {"layers_pattern", "layers_to_transform", "loftq_config", "lora_dropout", "lora_ga_config", "megatron_config", "megatron_core"}
    | {"modules_to_save", "peft_version", "qalora_group_size", "revision", "runtime_config", "target_modules", "task_type"}
)
READ = frozenset(
    {"peft_type", "r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern", "init_lora_weights", "ensure_weight_tying"}
)
# Beginnings that leave the model's own weights as they are. Others change these too, and an adapter alone does not say to what.
BEGINNINGS = (None, True, False, "gaussian", "eva", "orthogonal")
MAX_PATTERNS = 4096
MATCHING = Path(__file__).with_name("matching_child.py")
MATCHING_SECONDS = 10  # of what takes a tenth of one
MAX_RANK, MAX_ALPHA = 1 << 16, 1e6
MERGE = "Merge it with the peft library (merge_and_unload, then save_pretrained), and build from the result."


@dataclass(frozen=True)
class LowRank:
    """What is added to a weight: scale * b @ a, of an embedding its transpose (and of GPT-2's matrices). a: [r, in], b: [out, r]."""

    a: Tensor
    b: Tensor
    scale: float
    transposed: bool

    @property
    def shape(self) -> tuple[int, int]:
        shape = self.b.shape[0], self.a.shape[1]
        return (shape[1], shape[0]) if self.transposed else shape


@dataclass(frozen=True)
class Adapter:
    """updates and replaced: by the names that peft gives tensors of the model. tied: the output head follows the embedding.

    base: the model that it says it is for. saved: names of whole modules that were trained. folder: its other files.
    """

    name: str
    base: str | None
    updates: Mapping[str, LowRank]
    replaced: Mapping[str, Tensor]
    saved: frozenset[str]
    tied: bool
    folder: Folder

    def fetch(self) -> None:
        self.folder.fetch([WEIGHTS])

    def identify(self) -> str:
        """Hexadecimal digits that change with what it makes of a model."""
        return self.folder.identity([ADAPTER_CONFIG, WEIGHTS])


def open_adapter(reference: str, progress: Progress) -> Adapter:
    """reference: hf:org/name[@revision], or a folder. Raises a SourceError that says what to do."""
    path = Path(reference).expanduser()
    if reference.startswith("hf:"):
        repository = parse_reference(reference)
        if repository.file is not None:
            raise UnsupportedArchitecture(f"{reference} is a GGUF, and adapters are read as the peft library saves them", MERGE)
        return read_adapter(HubFolder(repository, progress), repository.name)
    if path.is_dir():
        return read_adapter(Folder(path), path.resolve().name)
    if path.is_file():
        raise UnsupportedArchitecture(f"{reference} is a file: adapters are read as the peft library saves them, which is a folder", MERGE)
    raise ModelNotFound(f"there is no adapter {reference}", f"Give hf:org/name, or a folder with {ADAPTER_CONFIG} and {WEIGHTS}.")


def read_adapter(folder: Folder, name: str) -> Adapter:
    """Raises MissingFile, MalformedFile, UnsupportedArchitecture for what is not LoRA alone."""
    path = folder.find(ADAPTER_CONFIG)
    if path is None:
        if folder.find(CONFIG) is not None:
            raise UnsupportedArchitecture(f"{folder} is a model, and not an adapter", f"Give it as the model: --model {folder}")
        raise MissingFile(f"{folder} has no {ADAPTER_CONFIG}", "Give a folder that the peft library's save_pretrained wrote.")
    config = read_json(path)
    _check(path, config)
    entries = read_safetensors(folder.weights(WEIGHTS, f"Pickled ones (.bin) can run code, and are not read. {MERGE}"))
    halves: dict[str, dict[str, Tensor]] = {}
    replaced: dict[str, Tensor] = {}
    transposed: set[str] = set()
    for key, entry in entries.items():
        tensor = tensor_of(key, entry)
        own = key.removeprefix(PREFIX)
        if not key.startswith(PREFIX):
            raise UnsupportedArchitecture(f"{folder} has the tensor {key}, which is not part of a language model that peft adapts", MERGE)
        if match := LOW_RANK.fullmatch(own):
            halves.setdefault(match["module"], {})[match["part"]] = tensor
            if match["embedding"]:
                transposed.add(match["module"])
        elif "lora_" in own or "token_adapter" in own or not (match := MODULE.fullmatch(own)):
            raise UnsupportedArchitecture(f"{folder} has the tensor {key}, which LoRA alone does not explain", MERGE)
        else:
            replaced[f"{match['module']}.{match['part']}"] = tensor
    scale = _Scales(path, config, list(halves))
    updates = {f"{module}.weight": _low_rank(path, module, parts, scale, module in transposed) for module, parts in halves.items()}
    if not updates and not replaced:
        raise malformed(folder.path / WEIGHTS, "it changes nothing")
    saved = config.get("modules_to_save")
    base = config.get("base_model_name_or_path")
    return Adapter(
        name=one_line(name, "adapter"),
        base=one_line(base, "") or None if isinstance(base, str) else None,
        updates=updates,
        replaced=replaced,
        saved=frozenset(item for item in saved if isinstance(item, str)) if isinstance(saved, list) else frozenset(),
        tied=config.get("ensure_weight_tying") is True,
        folder=folder,
    )


def _low_rank(path: Path, module: str, parts: Mapping[str, Tensor], scale: _Scales, transposed: bool) -> LowRank:
    a, b = parts.get("A"), parts.get("B")
    if a is None or b is None:
        raise malformed(path.parent / WEIGHTS, f"{module} has only one of the two matrices of LoRA")
    if len(a.shape) != 2 or len(b.shape) != 2:
        raise UnsupportedArchitecture(f"{path.parent} adapts {module}, which is not a matrix", MERGE)
    rank = scale.rank(module)
    if (a.shape[0], b.shape[1]) != (rank, rank):
        raise malformed(path.parent / WEIGHTS, f"{module} has the rank {a.shape[0]} and {b.shape[1]}, and not {rank} as its config says")
    return LowRank(a, b, scale.of(module), transposed)


class _Scales:
    """Rank and scale of a module, by the config's numbers and patterns."""

    def __init__(self, path: Path, config: Mapping[str, object], modules: list[str]) -> None:
        self._path, self._modules = path, modules
        self._rank = self._number("r", config.get("r", 8))
        self._alpha = self._number("lora_alpha", config.get("lora_alpha", 8))
        self._root = config.get("use_rslora") is True
        self._ranks = self._patterns("rank_pattern", config)
        self._alphas = self._patterns("alpha_pattern", config)

    def rank(self, module: str) -> int:
        return int(self._ranks.get(module, self._rank))

    def of(self, module: str) -> float:
        rank = self.rank(module)
        return self._alphas.get(module, self._alpha) / (math.sqrt(rank) if self._root else rank)

    def _patterns(self, key: str, config: Mapping[str, object]) -> dict[str, float]:
        """What modules get by the first pattern that is theirs. A pattern can take for ever, and is tried by a process that cannot."""
        patterns = config.get(key) or {}
        if not isinstance(patterns, Mapping) or len(patterns) > MAX_PATTERNS:
            raise malformed(self._path, f"{key} is {shown(patterns)}")
        values = [self._number(key, value) for value in patterns.values()]
        if not values:
            return {}
        try:
            found = run_child(python(MATCHING), {"patterns": [*patterns], "names": self._modules}, MATCHING_SECONDS, key)
        except UnsupportedTokenizer as error:
            raise malformed(self._path, error.message) from error
        first: list[int | None] = found["first"]  # type: ignore[assignment]  # the program is ours
        return {module: values[number] for module, number in zip(self._modules, first, strict=True) if number is not None}

    def _number(self, key: str, value: object) -> float:
        if key in ("r", "rank_pattern"):
            fits = type(value) is int and 0 < value <= MAX_RANK
        else:
            fits = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= MAX_ALPHA
        if not fits or not isinstance(value, (int, float)):
            raise malformed(self._path, f"{key} has {shown(value)}")
        return value


def _check(path: Path, config: Mapping[str, object]) -> None:
    """Raises UnsupportedArchitecture for what is computed otherwise than LoRA."""
    kind = config.get("peft_type")
    if kind != "LORA":
        raise UnsupportedArchitecture(f"{path} is of the type {shown(kind)}, and not LORA", MERGE)
    if config.get("use_dora"):
        raise UnsupportedArchitecture(f"{path} is DoRA (use_dora), which is more than LoRA", MERGE)
    beginning = config.get("init_lora_weights")
    if not any(beginning is known or beginning == known for known in BEGINNINGS):
        raise UnsupportedArchitecture(
            f"{path} has init_lora_weights = {shown(beginning)}, which changed the weights of the model itself", MERGE
        )
    for key, value in config.items():
        if key not in IGNORED | READ and value not in (None, False, [], {}):
            raise UnsupportedArchitecture(f"{path} has {key[:80]!r} = {shown(value)}, which LoRA alone does not explain", MERGE)
