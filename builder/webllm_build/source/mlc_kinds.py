"""What MLC LLM calls, joins and adds in each family, as its loaders (python/mlc_llm/model/*/*_loader.py) have it."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from webllm_build.source.checkpoint import Raw, Tensor, decode_rows
from webllm_build.source.embedding import Pooling

MAX_SIZE = 1 << 20  # of what all heads have: a table of so many rows is made
QUERIES = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
GATED = {"mlp.gate_up_proj": ("mlp.gate_proj", "mlp.up_proj")}
LLAMA: Mapping[str, tuple[str, ...]] = {"self_attn.qkv_proj": QUERIES, **GATED}
QWEN: Mapping[str, tuple[str, ...]] = {"self_attn.c_attn": QUERIES, **GATED}
PACK: Mapping[str, tuple[str, ...]] = {"self_attn.wqkv_pack": QUERIES, **GATED}
BERT: Mapping[str, tuple[str, ...]] = {"attention.self.qkv": tuple(f"attention.self.{part}" for part in ("query", "key", "value"))}
PHI3_NAMES = {
    "transformer.embd.": "model.embed_tokens.",
    "transformer.norm.": "model.norm.",
    "transformer.h.": "model.layers.",
    ".ln.": ".input_layernorm.",
    ".mixer.qkv_proj.": ".self_attn.qkv_proj.",
    ".mixer.out_proj.": ".self_attn.o_proj.",
}
PHI_NAMES = {
    "lm_head.ln.": "model.final_layernorm.",
    "lm_head.linear.": "lm_head.",
    "transformer.embd.": "model.embed_tokens.",
    "transformer.h.": "model.layers.",
    ".ln.": ".input_layernorm.",
    ".mixer.Wqkv.": ".self_attn.qkv_proj.",
    ".mixer.out_proj.": ".self_attn.dense.",
}
EXPERT_NAMES = {".mlp.moe_gate_up_proj.weight": ".mlp.experts.gate_up_proj", ".mlp.moe_down_proj.weight": ".mlp.experts.down_proj"}
# Of Phi-2 as its makers first published it.
PHI_MSFT_KEYS = {
    "n_embd": "hidden_size",
    "n_head": "num_attention_heads",
    "n_head_kv": "num_key_value_heads",
    "n_inner": "intermediate_size",
    "n_layer": "num_hidden_layers",
    "layer_norm_epsilon": "layer_norm_eps",
}


@dataclass(frozen=True)
class Kind:
    """One of MLC's families.

    joined: matrices of which rows are those of several of Hugging Face's: queries, keys and values, or a gate and what it multiplies.
    names: parts of tensors' names → Hugging Face's. keys: of its config, beside those that are the same in all families. ignored: keys
    that follow from others. architecture: the model_type, where MLC's is another. added: what MLC has added to the weights of norms, but
    of those that end as `as_is`. by_heads: a matrix of which Hugging Face has the queries, keys and values of each head together.
    positions: a table of learnt ones. tied: whether the head is the embedding, although MLC stores both. pooling: of an embedding model
    that does not say it.
    """

    joined: Mapping[str, tuple[str, ...]]
    names: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    architecture: str | None = None
    added: float = 0.0
    as_is: str | None = None
    by_heads: str | None = None
    positions: str | None = None
    tied: bool = False
    pooling: Pooling | None = None


GEMMA3 = Kind(GATED, {"language_model.": ""}, architecture="gemma3_text", added=1.0)
QWEN3_5 = Kind(QWEN, {".conv1d_weight": ".conv1d.weight"}, architecture="qwen3_5_text", added=1.0, as_is=".linear_attn.norm.weight")
ENCODER = Kind(BERT, architecture="bert", ignored=frozenset({"head_dim"}), positions="embeddings.position_embeddings.weight", pooling="cls")
# By MLC's model_type.
KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("llama", "mistral", "ministral3", "nemotron", "olmo", "olmo2", "stablelm"), Kind(LLAMA)),
    **dict.fromkeys(("bert", "bert-bge"), ENCODER),
    **dict.fromkeys(("gemma", "gemma2"), Kind(LLAMA, added=1.0)),
    **dict.fromkeys(("gemma3", "gemma3_text"), GEMMA3),
    "gpt_neox": Kind({}, keys={"position_embedding_base": "rotary_emb_base"}, by_heads=".attention.query_key_value."),
    "minicpm": Kind(PACK),
    "phi": Kind(LLAMA, PHI_NAMES),
    "phi-msft": Kind(LLAMA, PHI_NAMES, PHI_MSFT_KEYS, architecture="phi"),
    "phi3": Kind({}, PHI3_NAMES),
    **dict.fromkeys(("qwen2", "qwen3"), Kind(QWEN)),
    "qwen3-embedding": Kind(QWEN, architecture="qwen3", pooling="last"),
    "qwen3_moe": Kind(QWEN, EXPERT_NAMES),
    **dict.fromkeys(("qwen3_5", "qwen3_5_text"), QWEN3_5),
    "starcoder2": Kind(PACK, tied=True),
}


def named(tensors: Mapping[str, Tensor], kind: Kind) -> dict[str, Tensor]:
    """Tensors under Hugging Face's names, with values as it has them; what MLC has joined is not apart."""
    return {tensor.name: tensor for tensor in (_named(each, kind) for each in tensors.values())}


def separated(tensors: Mapping[str, Tensor], kind: Kind, config: Mapping[str, object]) -> dict[str, Tensor]:
    """With rows as Hugging Face has them. config: in its words. What does not fit it stays: the architecture says what is wrong."""
    return {part.name: part for tensor in tensors.values() for part in _parts(tensor, kind, config)}


def _named(tensor: Tensor, kind: Kind) -> Tensor:
    name = functools.reduce(lambda name, part: name.replace(*part), kind.names.items(), tensor.name)
    if not kind.added or not name.endswith("norm.weight") or (kind.as_is is not None and name.endswith(kind.as_is)):
        return replace(tensor, name=name)

    def rows(first: int, end: int) -> Raw:
        values = decode_rows(tensor.rows(first, end), tensor.encoding, name) - np.float32(kind.added)
        return np.ascontiguousarray(values, np.float32).view(np.uint8)

    return replace(tensor, name=name, encoding="f32", rows=rows)


def _parts(tensor: Tensor, kind: Kind, config: Mapping[str, object]) -> Iterator[Tensor]:
    """Rows of what MLC has joined, by the names of its parts."""
    heads, head_dim = _sizes(config)
    count = tensor.shape[0]
    if kind.by_heads is not None and kind.by_heads in tensor.name and count == 3 * heads * head_dim:
        order = np.arange(count).reshape(3, heads, head_dim).swapaxes(0, 1).reshape(-1)
        yield tensor.taken(order) if len(tensor.shape) == 1 else replace(tensor, rows=functools.partial(_runs, tensor, order))
        return
    layer, whole, suffix = next((found for joined in kind.joined if (found := tensor.name.partition(f".{joined}."))[1]), ("", "", ""))
    parts = kind.joined.get(whole.strip("."), ())
    kv_heads = config.get("num_key_value_heads") or heads
    others = head_dim * kv_heads if len(parts) == 3 and isinstance(kv_heads, int) else count // 2
    first = count - others * (len(parts) - 1)  # queries may have gates among them
    if not parts or others <= 0 or first <= 0:
        yield tensor
        return
    begin = 0
    for part, rows in zip(parts, (first, *[others] * (len(parts) - 1)), strict=True):
        yield replace(tensor.taken(range(begin, begin + rows)), name=f"{layer}.{part}.{suffix}")
        begin += rows


def _runs(tensor: Tensor, order: npt.NDArray[np.int64], first: int, end: int) -> Raw:
    """Rows of a matrix in an order that is far apart, so that only those are read."""
    wanted = order[first:end]
    runs = np.split(wanted, np.flatnonzero(np.diff(wanted) != 1) + 1)
    return np.concatenate([tensor.rows(int(run[0]), int(run[-1]) + 1) for run in runs])


def _sizes(config: Mapping[str, object]) -> tuple[int, int]:
    """Heads of queries and numbers of each, or 0 where the config does not say."""
    heads, hidden, head_dim = (config.get(key) for key in ("num_attention_heads", "hidden_size", "head_dim"))
    if type(heads) is not int or heads <= 0:
        return 0, 0
    if head_dim is None and type(hidden) is int:
        head_dim = hidden // heads
    return (heads, head_dim) if type(head_dim) is int and 0 < heads * head_dim <= MAX_SIZE else (0, 0)
