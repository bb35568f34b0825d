"""How a model's makers would have its tokens drawn, and which of them never: generation_config.json of transformers, GGUF metadata."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from webllm_build.errors import warn
from webllm_build.limits_generated import MAX_REPETITION_PENALTY, MAX_TEMPERATURE, MAX_VOCABULARY, MIN_REPETITION_PENALTY
from webllm_build.source.numbers import number, whole

RANGES: Mapping[str, tuple[float, float]] = {
    "temperature": (0, MAX_TEMPERATURE),
    "top_p": (0, 1),
    "top_k": (0, MAX_VOCABULARY),
    "min_p": (0, 1),
    "repetition_penalty": (MIN_REPETITION_PENALTY, MAX_REPETITION_PENALTY),
}
GGUF_KEYS = {
    "temperature": "general.sampling.temp",
    "top_p": "general.sampling.top_p",
    "top_k": "general.sampling.top_k",
    "min_p": "general.sampling.min_p",
    "repetition_penalty": "general.sampling.penalty_repeat",
}
OTHER_WAYS = ("general.sampling.mirostat", "general.sampling.xtc_probability")  # of drawing tokens, which are off at 0


def of_generation_config(config: Mapping[str, object]) -> dict[str, float]:
    """By the names of RANGES, what is said. `do_sample: false` takes the likeliest token: temperature 0, and of the others the penalty."""
    said = _valid({name: config.get(name) for name in RANGES})
    if config.get("do_sample") is not False:
        return said
    return {"temperature": 0} | {name: value for name, value in said.items() if name == "repetition_penalty"}


def never_drawn(config: Mapping[str, object]) -> tuple[int, ...]:
    """Of a generation_config.json: suppress_tokens, and bad_words_ids of one token, which to transformers are no ends of answers."""
    words = [word for word in _list(config.get("bad_words_ids")) if isinstance(word, list) and word]
    ends = {whole(value) for value in [*_list(config.get("eos_token_id")), config.get("eos_token_id")]}
    longer = sum(len(word) > 1 for word in words)
    begin = len(_list(config.get("begin_suppress_tokens")))
    for count, key, what in ((longer, "bad_words_ids", "words of several tokens"), (begin, "begin_suppress_tokens", "first tokens")):
        if count:
            warn(f"generation_config.json names {what} that are not to come ({count} in {key}). Here they may.")
    return tokens([*_list(config.get("suppress_tokens")), *(word[0] for word in words if len(word) == 1 and whole(word[0]) not in ends)])


def tokens(said: Iterable[object]) -> tuple[int, ...]:
    """Those of what files say that may be ids, in order, each once."""
    found = {whole(value) for value in said}
    return tuple(sorted(token for token in found if token is not None and 0 <= token < MAX_VOCABULARY))


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def of_gguf(metadata: Mapping[str, object]) -> dict[str, float]:
    """The same of a GGUF's metadata."""
    for key in OTHER_WAYS:
        if value := number(metadata.get(key)):
            warn(f"The model recommends {key.rpartition('.')[2]} = {value:g}, by which no token is drawn here. It is left out.")
    return _valid({name: metadata.get(key) for name, key in GGUF_KEYS.items()})


def _valid(said: Mapping[str, object]) -> dict[str, float]:
    """Whole numbers are ints; six digits of others: a GGUF has 0.95 as a float32."""
    values: dict[str, float] = {}
    for name, value in said.items():
        least, most = RANGES[name]
        found = number(value)
        rounded = -1.0 if found is None else float(f"{found:.6g}")
        if least <= rounded <= most and (name != "top_k" or rounded.is_integer()):
            values[name] = int(rounded) if rounded.is_integer() else rounded
        elif value is not None:
            warn(f"The model recommends {name} = {str(value)[:40]!r}, which is not a number from {least:g} to {most:g}. It is left out.")
    return values
