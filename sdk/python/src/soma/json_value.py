"""JSON values as they are stored and sent."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from enum import Enum
from typing import Any

# What the platform refuses to store, with the whole request that brings it: NUL, and surrogates that are no pair.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def copy_of(value: Any) -> Any:
    """The value as JSON holds it, independent of the given one. Raises TypeError or ValueError for what JSON lacks."""
    return json.loads(json.dumps(value, allow_nan=False, default=_plain))


def _plain(value: Any) -> Any:
    """Dataclasses, pydantic models and enums as what JSON knows."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.init}
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", by_alias=True)
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"{type(value).__name__} has no JSON form")


def canonical_text(value: Any) -> str:
    """Equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def storable(value: Any) -> Any:
    """The same value with U+FFFD for what cannot be stored: an error whose message holds such must not stop its own
    report."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {name: storable(member) for name, member in value.items()}
    return [storable(item) for item in value] if isinstance(value, list) else value


def present(**members: Any) -> Any:
    """An object of the members that are not None."""
    return {name: value for name, value in members.items() if value is not None}
