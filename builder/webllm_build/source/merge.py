"""A model with a LoRA adapter: a Checkpoint whose weights are merged, in float32, as they are read."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Callable, Mapping

import numpy as np

from webllm_build.errors import MalformedFile, UnsupportedArchitecture, warn
from webllm_build.source.adapter import Adapter, LowRank
from webllm_build.source.checkpoint import Checkpoint, Raw, Tensor, decode_rows
from webllm_build.source.local_tokenizer import TOKENIZER, eos_token_ids, read_tokenizer

# What files call the embedding → the output head beside it.
TABLES = {"embed_tokens.weight": "lm_head.weight", "wte.weight": "lm_head.weight", "embed_in.weight": "embed_out.weight"}
TABLE_NAMES = tuple({*TABLES, *TABLES.values()})
# Of the text model, by the kind of model and the library's version.
PREFIXES = ("model.language_model.", "language_model.model.", "model.", "")
# Of GPT-NeoX, as transformers 5 calls a tensor → as its files still do.
RENAMED = {"lm_head.weight": "embed_out.weight"}
TURNED = "gpt2"  # the kind of model whose matrices have columns as rows, all but its head
SHOWN = 8  # of what does not fit


def merge(checkpoint: Checkpoint, adapter: Adapter) -> Checkpoint:
    """The model with its adapter's changes, and with its adapter's tokenizer where it has one.

    Raises UnsupportedArchitecture for a model that is not in Hugging Face's format, MalformedFile where the adapter does not fit.
    """
    if checkpoint.format != "hugging_face":
        raise UnsupportedArchitecture(
            f"{checkpoint.name} is a GGUF, and adapters are for models as Hugging Face stores them",
            f"Give {adapter.base or 'the model that the adapter is for'} as --model, from the Hub or as a folder of safetensors.",
        )
    tensors, config = dict(checkpoint.tensors), dict(checkpoint.config)
    if config.get("model_type") == TURNED:
        turned = {name: dataclasses.replace(update, transposed=name != "lm_head.weight") for name, update in adapter.updates.items()}
        adapter = dataclasses.replace(adapter, updates=turned)
    if config.get("model_type") == "gpt_neox":
        updates = {RENAMED.get(name, name): update for name, update in adapter.updates.items()}
        replaced = {RENAMED.get(name, name): tensor for name, tensor in adapter.replaced.items()}
        adapter = dataclasses.replace(adapter, updates=updates, replaced=replaced)
    changed = {_place(name, tensors): name for name in (*adapter.updates, *adapter.replaced)}
    embedding, head = next(((name, TABLES[end]) for name in tensors for end in TABLES if name.endswith(end)), ("", ""))
    if embedding and (head not in tensors or config.get("tie_word_embeddings") is True) and {embedding, head} & changed.keys():
        if _follows(adapter):
            changed.pop(head, None)
        else:  # what was one matrix is two now, as in the peft library
            tensors[head] = dataclasses.replace(tensors[embedding], name=head)
            config = _with(config, "tie_word_embeddings", False)
    _check(checkpoint, adapter, tensors, changed)
    for place, name in changed.items():
        if name in adapter.replaced:
            tensors[place] = dataclasses.replace(adapter.replaced[name], name=f"{place} of the adapter {adapter.name}")
        if name in adapter.updates:
            tensors[place] = _updated(tensors[place], adapter.updates[name], adapter.name)
    if embedding in changed:
        config = _with(config, "vocab_size", tensors[embedding].shape[0])
    merged = dataclasses.replace(
        checkpoint,
        name=f"{checkpoint.name}-{adapter.name}",
        config=config,
        tensors=tensors,
        origin=" with ".join(origin for origin in (checkpoint.origin, adapter.folder.origin) if origin is not None) or None,
        fetch=_both(checkpoint.fetch, adapter.fetch),
        identify=functools.cache(lambda: hashlib.sha256(f"{checkpoint.digest} {adapter.identify()}".encode()).hexdigest()),
    )
    if adapter.folder.find(TOKENIZER) is None:
        return merged
    tokenizer = read_tokenizer(adapter.folder)
    return dataclasses.replace(merged, tokenizer=tokenizer, eos_token_ids=eos_token_ids(adapter.folder, config, tokenizer))


def _place(name: str, tensors: Mapping[str, Tensor]) -> str:
    """What the model's file calls a tensor; as the adapter does where it has none such."""
    rest = next(name.removeprefix(prefix) for prefix in PREFIXES if name.startswith(prefix))
    return next((place for place in (name, *(prefix + rest for prefix in PREFIXES)) if place in tensors), name)


def _follows(adapter: Adapter) -> bool:
    """Whether the head stays the embedding: peft was told so, or saved both because the vocabulary has grown, and not as trained ones."""
    trained = {name for name in adapter.updates if name.endswith(TABLE_NAMES)}
    return adapter.tied or not (trained or any(name.removesuffix(".weight") in adapter.saved for name in TABLE_NAMES))


def _check(checkpoint: Checkpoint, adapter: Adapter, tensors: Mapping[str, Tensor], changed: Mapping[str, str]) -> None:
    problems = []
    for place, name in changed.items():
        tensor, update, whole = tensors.get(place), adapter.updates.get(name), adapter.replaced.get(name)
        rows_may_grow = place.endswith(TABLE_NAMES)
        if tensor is None:
            problems.append(f"the model has no {place}")
            continue
        wanted = tensor.shape if whole is None else whole.shape
        if whole is not None and whole.shape != tensor.shape and not (rows_may_grow and whole.shape[1:] == tensor.shape[1:]):
            problems.append(f"{place} is {list(tensor.shape)}, and the adapter's {list(whole.shape)}")
        elif update is not None and update.shape != wanted:
            problems.append(f"{place} is {list(wanted)}, and the adapter is for {list(update.shape)}")
    base = adapter.base or "a model that it does not name"
    if problems:
        shown = problems[:SHOWN] + ([f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else [])
        raise MalformedFile(
            f"The adapter {adapter.name}, for {base}, does not fit {checkpoint.name}:\n  " + "\n  ".join(shown),
            "Give the model that it was made for.",
        )
    if adapter.base is not None and adapter.base.rpartition("/")[2].lower() != checkpoint.name.lower().replace(" ", "-"):
        warn(f"The adapter {adapter.name} was made for {base}. It fits {checkpoint.name}, and is merged into that.")


def _updated(tensor: Tensor, update: LowRank, adapter: str) -> Tensor:
    def rows(first: int, end: int) -> Raw:
        with np.errstate(all="ignore"):  # infinities and NaNs of the model are found in what comes out
            if update.transposed:
                product = update.a.dequantize()[:, first:end].T @ update.b.dequantize().T
            else:
                product = decode_rows(update.b.rows(first, end), update.b.encoding, update.b.name) @ update.a.dequantize()
            if not np.isfinite(product).all():
                what = f"what the adapter {adapter} adds to {tensor.name} holds infinities or NaNs"
                raise MalformedFile(what, "The adapter is broken: download or train it again.")
            values = decode_rows(tensor.rows(first, end), tensor.encoding, tensor.name) + np.float32(update.scale) * product
        return np.ascontiguousarray(values, np.float32).view(np.uint8)

    return dataclasses.replace(tensor, encoding="f32", rows=rows)


def _with(config: Mapping[str, object], key: str, value: object) -> dict[str, object]:
    """The config with another value, also where it is of a model of more than text."""
    inner = config.get("text_config")
    return {**config, key: value, **({"text_config": {**inner, key: value}} if isinstance(inner, Mapping) else {})}


def _both(first: Callable[[], None], second: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        first()
        second()

    return run
