"""What is being built: of each model one frozen record, which every later stage of build.py reads."""

from __future__ import annotations

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from webllm_build.cache import Cache
from webllm_build.catalog import CATALOG
from webllm_build.compile.io import Layout
from webllm_build.config import MIN_CONTEXT, BuildRequest, context_within
from webllm_build.errors import ConfigError, InvalidOption, SourceError, UnsupportedArchitecture
from webllm_build.limits_generated import SHARD_BYTES, TENSOR_ALIGNMENT
from webllm_build.model import load_model, model_type
from webllm_build.model.decoder import Decoder
from webllm_build.model.wrappers import text_of
from webllm_build.package.manifest import EmbeddingFacts, ModelFacts
from webllm_build.progress import Progress
from webllm_build.quantize import Importance, Scheme, choose_scheme
from webllm_build.quantize.imatrix import read_imatrix
from webllm_build.sizes import USUAL_TOKENS, memory_at
from webllm_build.source import Checkpoint, merge, open_adapter, open_checkpoint


@dataclass(frozen=True)
class Recipe:
    """schemes: how each weight of the model is stored, by its name. layout: the sizes that follow from it.
    importance: of inputs, by weight, where it was given and is not to be measured."""

    request: BuildRequest
    checkpoint: Checkpoint
    model: Decoder
    schemes: Mapping[str, Scheme]
    layout: Layout
    importance: Mapping[str, Importance] | None = None

    @staticmethod
    def read(request: BuildRequest, cache: Cache, progress: Progress) -> Recipe:
        """Opens the model and decides. Raises a SourceError, ConfigError."""
        try:
            checkpoint = open_checkpoint(request.model, CATALOG, cache, progress)
            if request.adapter is not None:
                checkpoint = merge(checkpoint, open_adapter(request.adapter, progress))
            return Recipe.of(request, checkpoint)
        except OSError as error:
            shown = request.model if len(request.model) <= 200 else f"{request.model[:200]}..."
            raise SourceError(f"{shown} cannot be read: {error.strerror or error}", "Give another --model, or mend this one.") from error

    @staticmethod
    def of(request: BuildRequest, checkpoint: Checkpoint) -> Recipe:
        """Decides everything that follows from options and model, and reads no weight.

        Raises UnsupportedArchitecture, MalformedFile, ConfigError.
        """
        if request.chat_template is not None:
            kept = {key: value for key, value in checkpoint.tokenizer.config.items() if key != "tool_template"}
            config = {**kept, "chat_template": request.chat_template}
            checkpoint = dataclasses.replace(checkpoint, tokenizer=dataclasses.replace(checkpoint.tokenizer, config=config))
        checkpoint = text_of(checkpoint)
        model = load_model(checkpoint)
        if model.context_length < MIN_CONTEXT:
            short = f"{checkpoint.name} is for {model.context_length} tokens at most"
            raise UnsupportedArchitecture(short, f"What is built has {MIN_CONTEXT} or more: its config may be wrong.")
        context_length = context_within(request.context_length, model.context_length)
        schemes = {weight.name: choose_scheme(weight, checkpoint, request.quantization) for weight in model.weights}
        chunk = context_length if model.takes_whole_texts else min(request.prefill_chunk, context_length)
        layout = Layout.of(model, schemes, context_length, chunk)
        importance = None if request.imatrix is None else read_imatrix(request.imatrix, model)
        return Recipe(request, checkpoint, model, schemes, layout, importance)

    @property
    def bytes(self) -> int:
        """Of the packed weights."""
        return sum(buffer.bytes for buffer in (*self.layout.weights, *self.layout.stored))

    @property
    def shards(self) -> tuple[int, ...]:
        """Bytes of the files that the packed weights will lie in."""
        total = 0
        for buffer in (*self.layout.weights, *self.layout.stored):
            total += -total % TENSOR_ALIGNMENT + buffer.bytes
        return tuple(min(SHARD_BYTES, total - begin) for begin in range(0, total, SHARD_BYTES))

    @property
    def memory(self) -> int:
        """Bytes on the GPU with a conversation of USUAL_TOKENS, but for what a step works in."""
        return memory_at(self.layout, "float16", min(USUAL_TOKENS, self.layout.context_length)).total

    @property
    def chats(self) -> bool:
        """Whether it answers in a conversation, and does not continue a text."""
        return bool(self.checkpoint.tokenizer.config.get("chat_template"))

    @property
    def embedding(self) -> EmbeddingFacts | None:
        """Of a model that makes vectors of texts."""
        if self.model.pool is None:
            return None
        pool, said, most = self.model.pool.pool, self.checkpoint.embedding, self.layout.context_length
        most = min(most, most if said is None else said.max_tokens or most)
        prompts = ({}, None) if said is None else (dict(said.prompts), said.default_prompt)
        return EmbeddingFacts(pool.kind, pool.whole, self.model.dimensions, most, *prompts)

    @property
    def scheme_names(self) -> dict[str, str]:
        return {name: scheme.name for name, scheme in self.schemes.items()}

    @property
    def facts(self) -> ModelFacts:
        """What people read about the model. Its quantization is the scheme that most weights have."""
        counts: Counter[str] = Counter()
        for weight in self.model.weights:
            counts[self.schemes[weight.name].name] += math.prod(weight.shape)
        quantization = counts.most_common(1)[0][0]
        return ModelFacts(
            id=f"{self.checkpoint.name.replace(' ', '-')}-{quantization}",
            name=self.checkpoint.name,
            architecture=model_type(self.checkpoint.name, self.checkpoint.config, self.checkpoint.format),
            parameters=counts.total(),
            license=self.checkpoint.license,
            quantization=quantization,
            context_length=self.layout.context_length,
            vocab_size=self.model.vocab_size,
            source=self.checkpoint.origin,
        )


def check_ids(recipes: Sequence[Recipe]) -> None:
    """Raise ConfigError where two models of a result would have the same id."""
    models: dict[str, str] = {}
    for recipe in recipes:
        model, model_id = recipe.request.model, recipe.facts.id
        if model_id in models:
            fix = "Leave one of them out. The model of a folder is called like the folder: another name makes it another id."
            problem = InvalidOption("model", model, f"another model than --model {models[model_id]}: both are {model_id}", fix)
            raise ConfigError((problem,))
        models[model_id] = model


def check_tasks(recipes: Sequence[Recipe]) -> None:
    """Raise ConfigError where one page would both chat and continue texts."""
    if len({recipe.chats for recipe in recipes}) > 1:
        base = next(recipe for recipe in recipes if not recipe.chats)
        fix = "Build it into a site of its own, or give models of one kind: a page either chats or continues a text."
        expected = f"a model with a chat template, as the others have: {base.checkpoint.name} continues texts"
        raise ConfigError((InvalidOption("model", base.request.model, expected, fix),))


def title(recipes: Sequence[Recipe]) -> str:
    """Of a page."""
    return recipes[0].request.title or " · ".join(recipe.checkpoint.name for recipe in recipes)


def package_name(recipes: Sequence[Recipe]) -> str:
    """Of an npm package: the models' ids in the characters that npm allows."""
    slug = re.sub(r"[^a-z0-9]+", "-", "-".join(recipe.facts.id.lower() for recipe in recipes)).strip("-")
    return f"{slug[:100].strip('-') or 'model'}-webllm"
