"""The fields of a config.json, by any of the names that model families give them."""

from collections.abc import Mapping, Sequence
from typing import Any

from catalogs.errors import InputError, listed, quoted

NESTED = ("text_config", "language_config", "llm_config", "thinker_config")
"""Where a multimodal config keeps its decoder."""

LARGEST_COUNT = 10**10
"""More than any dimension of a model; what is above it is a slip."""


class Fields:
    """A decoder's fields: those of the nested text part first, then those around it."""

    def __init__(self, config: Mapping[str, Any], name: str, defaults: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self.whole = config
        self.read: set[str] = set()
        """Names that were asked for."""
        self.text = _decoder_part(config)
        nested = [config.get(key) for key in ("attn_config", "ffn_config")]
        self._parts = [self.text, config, *(part for part in nested if isinstance(part, Mapping)), defaults or {}]

    def with_defaults(self, defaults: Mapping[str, Any]) -> "Fields":
        """Return the same fields, with these where the config says nothing."""
        return Fields(self.whole, self.name, defaults)

    @property
    def model_type(self) -> str:
        """The decoder's model type, lower case with underscores; empty where the config has none."""
        own = self.text.get("model_type") or self.whole.get("model_type") or ""
        return str(own).lower().replace("-", "_").removesuffix("_text")

    def value(self, *names: str) -> Any:
        """Return the first of these fields that is there and not null, or None."""
        self.read.update(names)
        for name in names:
            for part in self._parts:
                if part.get(name) is not None:
                    return part[name]
        return None

    def integer(self, *names: str) -> int:
        """Return the first of these fields as a positive whole number.

        Raises InputError where none is there, naming the first.
        """
        found = self.integer_or(0, *names)
        if not found:
            known = f" ({listed(names[1:])} would do)" if names[1:] else ""
            raise InputError(
                f"the config of {quoted(self.name)} has no {names[0]}{known}: it does not describe a decoder; "
                "give the config.json of a language model"
            )
        return found

    def integer_or(self, default: int, *names: str) -> int:
        """Return the first of these fields as a whole number, or the default where none is there."""
        self.read.update(names)
        for name in names:
            found = self.value(name)
            if found is None:
                continue
            if isinstance(found, list) and found and all(item == found[0] for item in found):
                found = found[0]
            if not _is_count(found):
                raise self.wrong(name, found, f"a whole number up to {LARGEST_COUNT:,}")
            return int(found)
        return default

    def flag(self, name: str, default: bool) -> bool:
        """Return a true-or-false field."""
        found = self.value(name)
        if found is None:
            return default
        if not isinstance(found, bool):
            raise self.wrong(name, found, "true or false")
        return found

    def sequence(self, *names: str) -> Sequence[Any] | None:
        """Return the first of these fields that is a list."""
        found = next((self.value(name) for name in names if isinstance(self.value(name), list)), None)
        return None if found is None else list(found)

    def part(self, name: str) -> Mapping[str, Any]:
        """Return a nested object, empty where it is not there."""
        found = self.value(name)
        return found if isinstance(found, Mapping) else {}

    def wrong(self, field: str, found: object, expected: str) -> InputError:
        """Return the error for a field that holds something else than expected.

        Args:
            field: its name in the config.
            found: what it holds.
            expected: in words, after 'it must be'.
        """
        return InputError(f"{field} of {quoted(self.name)} is {quoted(found)}; it must be {expected}")


def _is_count(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= LARGEST_COUNT and value == int(value)


def _decoder_part(config: Mapping[str, Any]) -> Mapping[str, Any]:
    for name in NESTED:
        inner = config.get(name)
        if isinstance(inner, Mapping) and inner:
            return _decoder_part(inner)
    return config
