"""What is being built: of each model one frozen record, which every later stage of build.py reads."""

from __future__ import annotations

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from webllm_build.cache import Cache
from webllm_build.catalog import CATALOG
from webllm_build.compile.io import Compiled, Layout
from webllm_build.config import MIN_CONTEXT, BuildRequest, context_within
from webllm_build.errors import ConfigError, InvalidOption, MissingFile, SourceError, UnsupportedArchitecture, warn
from webllm_build.limits_generated import SHARD_BYTES, TENSOR_ALIGNMENT
from webllm_build.model import load_model, model_type
from webllm_build.model.audio import Audio, audio_of, hears
from webllm_build.model.audio.conformer import Conformer
from webllm_build.model.decoder import Decoder
from webllm_build.model.pictures import Pictures
from webllm_build.model.vision import Vision, batch_of, sees, vision_of, with_vision_defaults
from webllm_build.model.vision.tower import Tower
from webllm_build.model.wrappers import text_of
from webllm_build.package.manifest import EmbeddingFacts, ModelFacts, SoundFacts, TowerFacts
from webllm_build.progress import Progress
from webllm_build.quantize import Importance, Scheme, choose_scheme
from webllm_build.quantize.imatrix import read_imatrix
from webllm_build.sizes import USUAL_TOKENS, memory_at, part_quantization
from webllm_build.source import Checkpoint, merge, open_adapter, open_checkpoint
from webllm_build.source.folder import is_gguf
from webllm_build.source.mmproj import find_mmproj, open_mmproj
from webllm_build.source.processor import read_processor
from webllm_build.source.sound import read_sound
from webllm_build.source.tokenizer_json import text_of_token

MOST_PATCHES = 4096  # of a picture
CPU_CHUNK = 256  # tokens of a prompt: more are no faster on a CPU, and take memory


@dataclass(frozen=True)
class Blueprint:
    """What is compiled and packed by itself: a model of text, or one's part for pictures. schemes: how each weight of the model is stored,
    by its name. layout: the sizes that follow from it. importance: of inputs, by weight, where it was given and is not to be measured."""

    request: BuildRequest
    checkpoint: Checkpoint
    model: Compiled
    schemes: Mapping[str, Scheme]
    layout: Layout
    importance: Mapping[str, Importance] | None = None

    @property
    def cpu_layout(self) -> Layout:
        """The sizes that a CPU's library has."""
        return self.layout

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
    def scheme_names(self) -> dict[str, str]:
        return {name: scheme.name for name, scheme in self.schemes.items()}

    @property
    def quantization(self) -> str:
        """The scheme that most weights have."""
        counts: Counter[str] = Counter()
        for weight in self.model.weights:
            counts[self.schemes[weight.name].name] += math.prod(weight.shape)
        return counts.most_common(1)[0][0]


@dataclass(frozen=True)
class PartRecipe(Blueprint):
    """What sees or hears of a model. token, processor: as in PartFacts."""

    model: Tower | Conformer
    token: int = 0
    processor: Mapping[str, object] = field(default_factory=dict)

    @staticmethod
    def of(
        request: BuildRequest, checkpoint: Checkpoint, model: Tower | Conformer, token: int, processor: Mapping[str, object]
    ) -> PartRecipe:
        """Keys and values are those of a step, and have no fewer bits than the GPU computes with."""
        quantization = part_quantization(request.quantization)
        request = dataclasses.replace(request, kv="float", quantization=quantization)
        schemes = {weight.name: choose_scheme(weight, checkpoint, quantization) for weight in model.weights}
        layout = Layout.of(model, schemes, model.most, model.most)
        return PartRecipe(request, checkpoint, model, schemes, layout, token=token, processor=processor)

    def named(self, text: ModelFacts) -> ModelFacts:
        """What people read of it, given that of the whole model."""
        parameters = sum(math.prod(weight.shape) for weight in self.model.weights)
        name = "vision" if isinstance(self.model, Tower) else "audio"
        return dataclasses.replace(text, id=f"{text.id}-{name}", parameters=parameters, quantization=self.quantization)

    @property
    def cpu_layout(self) -> Layout:
        """A picture at a time: threads have enough to do with one, and several take memory."""
        most = self.model.picture if isinstance(self.model, Tower) else self.layout.prefill_chunk
        return dataclasses.replace(self.layout, context_length=most, prefill_chunk=most)

    @property
    def tower(self) -> TowerFacts | None:
        """Of what sees."""
        tower = self.model
        if not isinstance(tower, Tower):
            return None
        columns, patches = tower.columns, tower.patches
        return TowerFacts(tower.most, patches.width, tower.taps if patches.positions else 0, tower.projector.group, columns, tower.spans)

    @property
    def sound(self) -> SoundFacts | None:
        """Of what hears."""
        return None if isinstance(self.model, Tower) else SoundFacts(self.model.most, self.model.bins, self.model.columns)


@dataclass(frozen=True)
class Recipe(Blueprint):
    """vision, audio: the model's parts for pictures and for sounds, where it has such that are built."""

    model: Decoder
    vision: PartRecipe | None = None
    audio: PartRecipe | None = None

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
        whole = _whole(request, checkpoint) if request.vision or request.audio else checkpoint
        vision, processor = _vision(whole) if request.vision else (None, {})
        audio, sound = _audio(whole) if request.audio else (None, {})
        checkpoint = text_of(checkpoint, sees=vision is not None or audio is not None)
        pictures = vision.pictures if vision is not None else None if audio is None else Pictures()
        model = load_model(checkpoint, pictures)
        if model.context_length < MIN_CONTEXT:
            short = f"{checkpoint.name} is for {model.context_length} tokens at most"
            raise UnsupportedArchitecture(short, f"What is built has {MIN_CONTEXT} or more: its config may be wrong.")
        context_length = context_within(request.context_length, model.context_length)
        schemes = {weight.name: choose_scheme(weight, checkpoint, request.quantization) for weight in model.weights}
        chunk = context_length if model.takes_whole_texts else min(max(request.prefill_chunk, model.whole_picture), context_length)
        layout = Layout.of(model, schemes, context_length, chunk)
        importance = None if request.imatrix is None else read_imatrix(request.imatrix, model)
        sees = None if vision is None else PartRecipe.of(request, vision.checkpoint, vision.tower, vision.image_token, processor)
        hears = None if audio is None else PartRecipe.of(request, audio.checkpoint, audio.conformer, audio.audio_token, sound)
        return Recipe(request, checkpoint, model, schemes, layout, importance, sees, hears)

    @property
    def cpu_layout(self) -> Layout:
        whole = self.layout.prefill_chunk if self.model.takes_whole_texts else self.model.whole_picture
        return dataclasses.replace(self.layout, prefill_chunk=min(self.layout.prefill_chunk, max(CPU_CHUNK, whole)))

    @property
    def parts(self) -> tuple[Blueprint, ...]:
        """All that is compiled and packed by itself, the text first, then what sees, then what hears."""
        return (self, *(part for part in (self.vision, self.audio) if part is not None))

    @property
    def memory(self) -> int:
        """Bytes on the GPU with a conversation of USUAL_TOKENS, but for what a step works in."""
        of_parts = sum(part.bytes for part in self.parts[1:])
        return memory_at(self.layout, "float16", min(USUAL_TOKENS, self.layout.context_length)).total + of_parts

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
    def facts(self) -> ModelFacts:
        """What people read about the model. Its quantization is the scheme that most weights have."""
        quantization = self.quantization
        return ModelFacts(
            id=f"{self.checkpoint.name.replace(' ', '-')}-{quantization}",
            name=self.checkpoint.name,
            architecture=model_type(self.checkpoint.name, self.checkpoint.config, self.checkpoint.format),
            parameters=sum(math.prod(weight.shape) for part in self.parts for weight in part.model.weights),
            license=self.checkpoint.license,
            quantization=quantization,
            context_length=self.layout.context_length,
            vocab_size=self.model.vocab_size,
            source=self.checkpoint.origin,
        )


def _whole(request: BuildRequest, checkpoint: Checkpoint) -> Checkpoint:
    """What may have parts for pictures and sounds: the model itself, or of a GGUF the file that was named, or is found beside it."""
    if request.mmproj is not None:
        return open_mmproj(request.mmproj, checkpoint)
    path = Path(request.model).expanduser()
    beside = find_mmproj(path) if checkpoint.format == "gguf" and is_gguf(path) and path.is_file() else None
    try:
        return checkpoint if beside is None else open_mmproj(beside, checkpoint)
    except (MissingFile, UnsupportedArchitecture) as error:
        warn(f"What {beside} has for pictures and sounds is not built: {error.message}")
        return checkpoint


def _vision(checkpoint: Checkpoint) -> tuple[Vision | None, Mapping[str, object]]:
    """A model's part for pictures, and how these become patches; none, with a warning, where one of both is not known here."""
    if not sees(checkpoint):
        return None, {}
    try:
        config = with_vision_defaults(checkpoint.config)
        processor = _bounded(read_processor(config, checkpoint.processor, text_of_token(checkpoint.tokenizer)))
        vision = vision_of(checkpoint, batch_of(processor), processor)
    except (MissingFile, UnsupportedArchitecture) as error:
        warn(f"What {checkpoint.name} has for pictures is not built: {error.message}")
        return None, {}
    return vision, processor


def _audio(checkpoint: Checkpoint) -> tuple[Audio | None, Mapping[str, object]]:
    """A model's part for sounds, and how these become frames; none, with a warning, where one of both is not known here."""
    if not hears(checkpoint):
        return None, {}
    try:
        processor = read_sound(checkpoint.config, checkpoint.processor, text_of_token(checkpoint.tokenizer))
        return audio_of(checkpoint, processor), processor
    except (MissingFile, UnsupportedArchitecture) as error:
        warn(f"What {checkpoint.name} has for sounds is not built: {error.message}")
        return None, {}


def _bounded(processor: dict[str, object]) -> dict[str, object]:
    """With pictures of no more patches than a browser's GPU has room to work on."""
    pixels, patch = processor.get("most_pixels"), processor.get("patch")
    if isinstance(pixels, int) and isinstance(patch, int):
        processor = {**processor, "most_pixels": min(pixels, MOST_PATCHES * patch**2)}
    return processor


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
