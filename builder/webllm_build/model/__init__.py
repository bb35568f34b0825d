"""Checkpoint → Model: one file per architecture, named after its Hugging Face model_type."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from webllm_build.errors import MalformedFile, UnsupportedArchitecture, closest, warn
from webllm_build.limits_generated import MAX_LAYERS
from webllm_build.model.config import Reader, with_aliases, with_defaults
from webllm_build.model.decoder import Decoder
from webllm_build.model.gguf import LONG_FACTORS, ROPE_DIVISORS, hugging_face_config, rope_divisors
from webllm_build.model.pictures import Pictures
from webllm_build.model.rope import Array
from webllm_build.model.weights import Weight
from webllm_build.model.wrappers import WRAPPERS, text_config
from webllm_build.source.checkpoint import Checkpoint, Format, Tensor, decode_rows
from webllm_build.source.embedding import Embedding

# model_type → what GGUF files call it, None where they do not. Modules have IGNORED and `read`, GGUF_KEYS where GGUF files have a name
# (of_gguf_tensors: config keys that such files say by their tensors; of_gguf_keys: those that they say in other ways than config.json;
# GGUF_DEFAULTS: what llama.cpp takes for a key that such files lack; gguf_defaults: the same of one file),
# ALIASES where config.json files have other names of keys (→ the usual ones),
# SKIPPED where files hold what answers do not need (how its tensors begin; skipped: of a model that was read), DEFAULTS where config.json
# files lack keys (what transformers takes for them), and are imported only when asked for.
ARCHITECTURES: Mapping[str, str | None] = {
    "apertus": "apertus",
    "arcee": "arcee",
    "bert": "bert",
    "bitnet": "bitnet",
    "cohere": "command-r",
    "cohere2": "cohere2",
    "ernie4_5": "ernie4_5",
    "eurobert": "eurobert",
    "exaone": "exaone",
    "exaone4": "exaone4",
    "falcon_h1": "falcon-h1",
    "gemma": "gemma",
    "gemma2": "gemma2",
    "gemma3_text": "gemma3",
    "gemma4_text": "gemma4",
    "gemma4_unified_text": None,
    "glm": None,
    "glm4": "glm4",
    "gpt2": "gpt2",
    "gpt_neox": "gptneox",
    "gpt_oss": "gpt-oss",
    "granite": "granite",
    "granite_swa": "granite_swa",
    "granitemoe": "granitemoe",
    "granitemoe_swa": None,
    "granitemoehybrid": "granitehybrid",
    "helium": None,
    "hunyuan_v1_dense": "hunyuan-dense",
    "internlm3": None,
    "lfm2": "lfm2",
    "lfm2_moe": "lfm2moe",
    "lfm3": None,
    "llama": "llama",
    "minicpm": "minicpm",
    "minicpm3": "minicpm3",
    "ministral": None,
    "ministral3": "mistral3",
    "mistral": None,
    "modernbert": "modern-bert",
    "nanochat": None,
    "nemotron": "nemotron",
    "nomic_bert": "nomic-bert",
    "olmo": "olmo",
    "olmo2": None,
    "olmo3": "olmo2",
    "olmoe": "olmoe",
    "phi": "phi2",
    "phi3": "phi3",
    "qwen2": "qwen2",
    "qwen3": "qwen3",
    "qwen3_5_moe_text": "qwen35moe",
    "qwen3_5_text": "qwen35",
    "qwen3_moe": "qwen3moe",
    "smollm3": "smollm3",
    "stablelm": "stablelm",
    "starcoder2": "starcoder2",
    "vaultgemma": None,
    "xlm-roberta": None,
}
# What else files call one of these, and what it means beside.
OTHER_NAMES: Mapping[Format, Mapping[str, tuple[str, Mapping[str, object]]]] = {
    "hugging_face": {
        "camembert": ("xlm-roberta", {}),
        "granitemoeshared": ("granitemoe", {}),
        "qwen2_5_vl_text": ("qwen2", {}),  # positions in several directions are alike for text
        "qwen2_vl_text": ("qwen2", {}),
        "qwen3_vl_text": ("qwen3", {}),
        "roberta": ("xlm-roberta", {}),
    },
    "gguf": {
        "gemma-embedding": ("gemma3_text", {"use_bidirectional_attention": True}),
        "qwen2vl": ("qwen2", {}),
        "qwen3vl": ("qwen3", {}),
    },
}

# What a GGUF's name says of models with experts, too.
WITH_EXPERTS: Mapping[str, str] = {"granite_swa": "granitemoe_swa"}

# What is like a model that is built, and is not one: by its name in either format.
REFUSED: Mapping[str, str] = {
    **dict.fromkeys(("gemma3n", "gemma3n_text"), "Gemma 4 E2B and E4B (gemma4-e2b, gemma4-e4b), which came after it, build."),
    "embedding_gemma2": "EmbeddingGemma (embeddinggemma-300m) builds.",
    "phi3_v": "The transformers library has no code of it to compare with. What sees and builds: webllm-build models vision.",
}

# Tensors that checkpoints carry along although the model does not read them.
BATCHES = ".num_batches_tracked"  # which a norm of batches counts as it is trained
UNUSED_SUFFIXES = (".rotary_emb.inv_freq", BATCHES, ROPE_DIVISORS, *LONG_FACTORS.values())
SHOWN = 8  # of the problems of a checkpoint
ROWS = 1024  # compared at a time


def load_model(checkpoint: Checkpoint, pictures: Pictures | None = None) -> Decoder:
    """The model that a checkpoint of text describes (see wrappers.text_of), its weights balanced against the checkpoint's tensors.
    pictures: what it takes of them, where their part is built too.

    Raises:
        UnsupportedArchitecture: no such architecture, or a config that it does not support.
        MalformedFile: a tensor is missing, left over, or has another shape than the config says.
    """
    kind = model_type(checkpoint.name, checkpoint.config, checkpoint.format)
    if checkpoint.format == "gguf":
        module, architecture = _module(kind), str(checkpoint.config["general.architecture"])
        keys, defaults = module.GGUF_KEYS, getattr(module, "GGUF_DEFAULTS", {})
        if hasattr(module, "gguf_defaults"):
            defaults = module.gguf_defaults(checkpoint.config)
        config = hugging_face_config(checkpoint, kind, keys, defaults)
        config |= OTHER_NAMES["gguf"].get(architecture, (kind, {}))[1]
        if hasattr(module, "of_gguf_tensors"):
            config |= module.of_gguf_tensors(checkpoint.tensors)
        spelling = {key: f"{architecture}.{gguf}" for key, gguf in keys.items()}
        if hasattr(module, "of_gguf_keys"):
            config |= module.of_gguf_keys(config)
        model = read_model(checkpoint.name, config, rope_divisors(checkpoint), spelling, checkpoint.embedding, pictures)
    else:
        model = read_model(checkpoint.name, checkpoint.config, embedding=checkpoint.embedding, pictures=pictures)
    tokens = tuple(token for token in checkpoint.suppressed if token < model.vocab_size)
    if tokens and model.head is not None:
        model.suppress(tokens)
    check_tensors(checkpoint, model)
    return model


def read_model(
    name: str,
    config: Mapping[str, object],
    divisors: Array | None = None,
    spelling: Mapping[str, str] | None = None,
    embedding: Embedding | None = None,
    pictures: Pictures | None = None,
) -> Decoder:
    """The model that a config describes, of one for more than text that of its text; nothing of its weights is needed.

    name: for messages. divisors: of rotary frequencies, float64[head_dim / 2], where the checkpoint has them. spelling,
    embedding, pictures: see Reader. Raises UnsupportedArchitecture.
    """
    config = text_config(name, config)
    kind = model_type(name, config, "hugging_face")
    module = _module(kind)
    if spelling is None:
        config = with_defaults_of(name, config)
    reader = Reader(kind, config, module.IGNORED, divisors, spelling, embedding, pictures)
    model: Decoder = module.read(reader)
    reader.finish()
    return model


def with_defaults_of(name: str, config: Mapping[str, object]) -> Mapping[str, object]:
    """A config of text in the usual words, with what its architecture takes where a config.json says nothing."""
    module = _module(model_type(name, config, "hugging_face"))
    return with_defaults(with_aliases(config, getattr(module, "ALIASES", {})), getattr(module, "DEFAULTS", {}))


def model_type(name: str, config: Mapping[str, object], format: Format) -> str:
    """A key of ARCHITECTURES. Raises UnsupportedArchitecture."""
    names = {kind: kind if format == "hugging_face" else gguf for kind, gguf in ARCHITECTURES.items()}
    by_name = {name: kind for kind, name in names.items() if name is not None}
    by_name |= {name: kind for name, (kind, _) in OTHER_NAMES[format].items()}
    key = "model_type" if format == "hugging_face" else "general.architecture"
    kind = config.get(key)
    if isinstance(kind, str) and kind in REFUSED:
        raise UnsupportedArchitecture(f"{name} has the {key} {kind!r}, which is not built", REFUSED[kind])
    if not isinstance(kind, str) or kind not in by_name:
        if isinstance(config.get("text_config"), Mapping):
            raise UnsupportedArchitecture(
                f"{name} has the {key} {kind!r}, a model of more than text",
                f"Its GGUF file, which holds the part for text alone, may work. Supported: {', '.join(by_name)}.",
            )
        supported = [*by_name, *(WRAPPERS if format == "hugging_face" else ())]
        if kind is None:
            raise UnsupportedArchitecture(f"{name} has no {key}", f"It says what architecture it has. Supported: {', '.join(supported)}.")
        close = closest(str(kind), supported)
        suggestion = f"Did you mean {close!r}? " if close else ""
        raise UnsupportedArchitecture(f"{name} has the {key} {kind!r}", f"{suggestion}Supported: {', '.join(supported)}.")
    experts = config.get(f"{kind}.expert_count") if format == "gguf" else None
    return WITH_EXPERTS.get(by_name[kind], by_name[kind]) if isinstance(experts, int) and experts > 0 else by_name[kind]


def _module(kind: str) -> Any:
    return import_module(f"webllm_build.model.{kind.replace('-', '_')}")


def check_tied(checkpoint: Checkpoint, model: Decoder) -> None:
    """Whether the head that a checkpoint has beside an embedding that is said to be both is the same. Raises MalformedFile."""
    head = checkpoint.tensors.get(_head_name(checkpoint, model))
    if head is None or not model.tied:
        return
    (embedding,) = model.embedding.tensors(checkpoint)
    pairs = zip(_values(head), _values(embedding), strict=True)
    if head.shape != embedding.shape or not all(np.array_equal(*pair) for pair in pairs):
        raise MalformedFile(
            f"config.json of {checkpoint.name} says that the output head is the embedding, but {head.name} is another matrix",
            'In a local copy, write "tie_word_embeddings": false into config.json, or remove that tensor, and build from that.',
        )


def _drafting(checkpoint: Checkpoint, model: Decoder) -> tuple[str, ...]:
    """How a GGUF's tensors begin of layers behind the last that only draft tokens."""
    count = checkpoint.config.get(f"{checkpoint.config.get('general.architecture')}.nextn_predict_layers")
    first = len(model.layers)
    return tuple(f"blk.{layer}." for layer in range(first, first + min(count, MAX_LAYERS))) if isinstance(count, int) else ()


def _values(tensor: Tensor) -> Iterator[npt.NDArray[np.float32]]:
    """The values of some rows at a time."""
    bounds = ((first, min(first + ROWS, tensor.count)) for first in range(0, tensor.count, ROWS))
    return (decode_rows(tensor.rows(*each), tensor.encoding, tensor.name) for each in bounds)


def _head_name(checkpoint: Checkpoint, model: Decoder) -> str:
    return f"{model.names.formats[checkpoint.format].tensors.get('head')}.weight"


def check_tensors(checkpoint: Checkpoint, model: Decoder) -> None:
    """Whether the checkpoint has every tensor of the model, in its shape, and no other. Reads no weight. Raises MalformedFile."""
    used = {_head_name(checkpoint, model)} if model.tied or model.pool is not None else set()
    module = _module(model_type(checkpoint.name, checkpoint.config, checkpoint.format))
    of_model = module.skipped(model) if hasattr(module, "skipped") else ()
    skipped = (*getattr(module, "SKIPPED", ()), *of_model, *_drafting(checkpoint, model))
    check_sources(checkpoint, model.weights, skipped, used)


def check_sources(checkpoint: Checkpoint, weights: Iterable[Weight], skipped: tuple[str, ...], used: Collection[str] = ()) -> None:
    """Whether the checkpoint has every tensor of the weights, in its shape, and no other, but for those that are used otherwise, and those
    that begin so. Reads no weight. Raises MalformedFile."""
    problems: list[str] = []
    used = set(used)
    for source in (source for weight in weights for source in weight.sources):
        used.update(source.names(checkpoint))
        try:
            source.tensor(checkpoint)
        except MalformedFile as error:
            problems.append(error.message)
    unused = [name for name in checkpoint.tensors if name not in used and not name.endswith(UNUSED_SUFFIXES)]
    left_over = sorted(name for name in unused if not name.startswith(skipped))
    if len(left_over) < len(unused):
        warn(f"{len(unused) - len(left_over)} tensors of {checkpoint.name} that its answers do not need are left out.")
    problems += [f"left over: {name}" for name in left_over]
    if problems:
        shown = problems[:SHOWN] + ([f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else [])
        raise MalformedFile(
            f"The tensors of {checkpoint.name} do not fit its config:\n  " + "\n  ".join(shown),
            "The file is incomplete, or its config.json belongs to another model.",
        )
