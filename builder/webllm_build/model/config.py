"""Reads a foreign config.json: every value is checked, and a key that nobody knows stops the build."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from webllm_build.errors import UnsupportedArchitecture

# Bookkeeping of the Hugging Face libraries, the same for every architecture.
BOOKKEEPING = frozenset(
    {
        "_name_or_path",
        "architectures",
        "bos_token_id",
        "cache_implementation",
        "dtype",
        "eos_token_id",
        "model_type",
        "name_or_path",
        "pad_token_id",
        "quantization",
        "torch_dtype",
        "transformers_version",
        "transformers.js_config",
        "unsloth_fixed",
        "unsloth_version",
        "unk_token_id",
        "use_cache",
    }
)
MAX_DIMENSION = 1 << 20


class Reader:
    """Takes keys out of a config; `finish` complains about those that were never asked for."""

    def __init__(self, architecture: str, config: Mapping[str, object], ignored: Collection[str]) -> None:
        self._architecture = architecture
        self._config = config
        self._known = set(BOOKKEEPING) | set(ignored)

    def integer(self, key: str, *, default: int | None = None) -> int:
        """A positive integer of at most MAX_DIMENSION; a missing or null key takes the default, if there is one."""
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MAX_DIMENSION:
            raise self._wrong(key, value, f"a whole number from 1 to {MAX_DIMENSION}")
        return value

    def number(self, key: str, *, default: float | None = None) -> float:
        """A positive finite number."""
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
            raise self._wrong(key, value, "a positive number")
        return float(value)

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._get(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key, value, "true or false")
        return value

    def must_be(self, key: str, only: object) -> None:
        """A key whose other values would need mathematics that is not there."""
        value = self._get(key, only)
        if value != only:
            raise self._wrong(key, value, repr(only))

    def rope(self, *, default_theta: float) -> tuple[float, Mapping[str, object] | None]:
        """(theta, scaling): from rope_theta and rope_scaling, or from rope_parameters, which newer files have instead."""
        self._known |= {"rope_parameters", "rope_scaling", "rope_theta"}
        parameters = self._config.get("rope_parameters")
        if parameters is None:
            scaling = self._config.get("rope_scaling")
            theta = self.number("rope_theta", default=default_theta)
        else:
            if not isinstance(parameters, Mapping):
                raise self._wrong("rope_parameters", parameters, "an object")
            scaling = parameters
            theta = Reader(self._architecture, parameters, ()).number("rope_theta", default=default_theta)
        if scaling is not None and not isinstance(scaling, Mapping):
            raise self._wrong("rope_scaling", scaling, "an object or null")
        return theta, scaling

    def finish(self) -> None:
        unknown = sorted(set(self._config) - self._known)
        if unknown:
            raise UnsupportedArchitecture(
                f"config.json has keys that the {self._architecture} compiler does not know: {', '.join(unknown)}",
                "They might change the mathematics. If they do not, remove them from a local copy of the model and build from that.",
            )

    def _get(self, key: str, default: object) -> object:
        self._known.add(key)
        value = self._config.get(key)
        return default if value is None else value

    def _wrong(self, key: str, value: object, expected: str) -> UnsupportedArchitecture:
        if value is None:
            return UnsupportedArchitecture(f"config.json lacks {key}", f"The {self._architecture} compiler needs it: {expected}.")
        return UnsupportedArchitecture(f"{key} in config.json is {value!r}", f"The {self._architecture} compiler supports {expected}.")
