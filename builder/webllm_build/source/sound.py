"""How a model wants sound: what transformers' feature extractors are told by a model's own files, as the manifest tells the page.

The page reads the result (runtime_js/src/media/sound/settings.ts), and has the same bounds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from webllm_build.errors import MalformedFile, MissingFile, UnsupportedArchitecture
from webllm_build.fields import Fields
from webllm_build.limits_generated import MAX_PICTURE_TEXT
from webllm_build.source.processor import PREPROCESSOR, PROCESSOR, Settings, Text

EXTRACTOR = "Gemma4AudioFeatureExtractor"
DEFAULTS = {
    "feature_size": 128, "sampling_rate": 16_000, "frame_length_ms": 20.0, "hop_length_ms": 10.0, "min_frequency": 0.0,
    "max_frequency": 8000.0, "mel_floor": 1e-3, "fft_overdrive": False,
}
# What the page does not do, and what says that it need not.
NEUTRAL: Mapping[str, object] = {"preemphasis": 0.0, "dither": 0.0, "input_scale_factor": 1.0, "per_bin_mean": None, "per_bin_stddev": None}
SECONDS = 30.0  # that the extractor cuts a sound at
USUAL: Settings = {"rate": 16_000, "hop": 160, "bins": 128, "seconds": SECONDS}  # what of a sound a model's size follows from
BOUNDS = {"rate": (1000, 192_000), "bins": (1, 512), "fft": (2, 8192), "floor": (1e-10, 1)}
HINT = "See the file: the page hears as Gemma 4 does."


def read_sound(config: Mapping[str, object], files: Mapping[str, Mapping[str, object]], text: Text) -> Settings:
    """`audio.processor` of a manifest; the arguments are those of `read_processor`.

    Raises MissingFile where no file tells of sound, MalformedFile for values that cannot be, UnsupportedArchitecture for what the page does
    not do.
    """
    nested = files.get(PROCESSOR, {}).get("feature_extractor")
    where, said = (PROCESSOR, nested) if isinstance(nested, dict) else (PREPROCESSOR, files.get(PREPROCESSOR))
    if said is None:
        raise MissingFile(f"The model hears, and has no {PREPROCESSOR}", "Download it from where the model came.")
    if said.get("feature_extractor_type") != EXTRACTOR:
        name = said.get("feature_extractor_type")
        raise UnsupportedArchitecture(f"{where}: sound for {name!r:.60} is not made here", f"Known is {EXTRACTOR}.")
    for key, neutral in NEUTRAL.items():
        if said.get(key, neutral) not in (neutral, None):
            raise UnsupportedArchitecture(f"{where}: {key} is {said[key]!r:.40}, which the page does not do", HINT)
    try:
        given = {key: value for key, value in said.items() if value is not None}
        return _settings(Fields({**DEFAULTS, **given}, where), config, text)
    except ValueError as error:
        raise MalformedFile(str(error), HINT) from error


def _settings(fields: Fields, config: Mapping[str, object], text: Text) -> Settings:
    ids = Fields(dict(config), "config.json")
    start, audio = text(ids.count("boa_token_id")), text(ids.count("audio_token_id"))
    end = text(ids.count("eoa_token_index" if "eoa_token_index" in config else "eoa_token_id"))
    rate = fields.integer("sampling_rate", 1)
    frame, hop = (round(rate * fields.number(f"{name}_length_ms") / 1000) for name in ("frame", "hop"))
    if not 1 <= hop <= frame or frame < 2:
        raise ValueError(f"{fields.where}: frames of {frame} samples, one each {hop}, cannot be")
    settings: Settings = {
        "kind": "gemma4", "placeholder": audio, "audio": audio, "before": start, "after": end, "rate": rate,
        "bins": fields.integer("feature_size", 1), "frame": frame, "hop": hop,
        "fft": 2 ** (math.ceil(math.log2(frame)) + fields.flag("fft_overdrive")), "low": fields.number("min_frequency"),
        "high": fields.number("max_frequency"), "floor": fields.number("mel_floor"), "seconds": SECONDS,
    }
    found = Fields(settings, fields.where)
    for key, (least, most) in BOUNDS.items():
        if not least <= found.number(key) <= most:
            raise ValueError(f"{fields.where}: {key} of a sound is {settings[key]}, and not from {least} to {most}")
    if not 0 <= found.number("low") <= found.number("high") - 1 <= rate / 2 - 1:
        raise ValueError(f"{fields.where}: bands from {settings['low']} to {settings['high']} hertz cannot be, at {rate} samples a second")
    if audio == "" or any(len(value) > MAX_PICTURE_TEXT for value in (start, audio, end)):
        raise ValueError(f"{fields.where}: tokens around a sound have no text, or more than {MAX_PICTURE_TEXT} characters")
    return settings
